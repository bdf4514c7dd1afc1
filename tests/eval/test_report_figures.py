import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordebug.env.episode import Episode
from ordebug.env.problem import Problem
from ordebug.env.repair_env import Rules
from ordebug.env.reply import split_think
from ordebug.eval.attempt import Setting
from ordebug.eval.metrics import Case
from ordebug.eval.played import PlayedRun
from ordebug.eval.report import browser, chart, figures, playback
from ordebug.eval.report.browser import Texts, script_safe
from ordebug.eval.report.chart import Part, Point, Series
from ordebug.eval.report.playback import chosen, play_back, within_budget
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

MakeSet = Callable[..., Path]
PROMPT = [{"role": "user", "content": "first\nsecond"}, {"role": "assistant", "content": "first"}]


def episode(number: int = 0, steps: int = 1, *, objective: float | None = 4.0, **fields: Any) -> Episode:
    step = {"messages_sha256": "0", "reply": "<think>\nhm\n</think>\n\nAction: GET_IIS()", "action": "GET_IIS()"}
    step |= {"outcome": "shown", "status": "INFEASIBLE", "iis_rows": (), "tokens": 9, "seconds": 0.003}
    known = {"problem_id": f"p{number}", "policy": "x", "steps": (step,) * steps, "objective": objective}
    stop = "recovered" if objective is not None else "max_steps"
    return Episode.model_validate({**known, "stop": stop, "reward": 0.5, **fields})


def case(number: int, steps: int, objective: float | None = 4.0, fewest: int = 1) -> Case:
    problem = Problem(
        problem_id=f"p{number}", model_file="m", base_id=f"b{number}", original_objective=4.0, fewest_actions=fewest
    )
    return Case(episode(number, steps, objective=objective), problem, "core", 4)


def told(picture: str) -> str:
    """What is heard of a picture."""
    found = re.search("<desc>(.*?)</desc>", picture)
    assert found is not None
    return found[1]


def test_curves_count_only_what_can_be_reached() -> None:
    own = [case(0, 2, fewest=2), case(1, 3, fewest=2), case(2, 4, objective=None, fewest=3)]
    curves, left = figures.by_steps("mine", own, {"oracle": [case(0, 2, fewest=2)], "drop-2nd": [case(0, 2)]})
    assert told(curves.picture) == "mine at 1: -, 2: .500, 3: .667, 4: .667; oracle at 1: -, 2: 1.00, 3: 1.00, 4: 1.00"
    assert curves.picture.count('class="band"') == 1
    assert "2: 1 OP of 0.95 or more, 0 feasible, OP below, 0 not recovered" in told(left.picture)
    assert "4: 0 OP of 0.95 or more, 0 feasible, OP below, 1 not recovered" in told(left.picture)


def test_a_repair_whose_optimum_is_not_known_is_not_called_worse() -> None:
    unknown = case(0, 1)
    unknown = replace(unknown, problem=unknown.problem.model_copy(update={"original_objective": None}))
    left = figures.by_steps("mine", [unknown, case(1, 1)], {})[-1]
    assert "1: 1 OP of 0.95 or more, 0 feasible, OP below, 1 feasible, OP not known, 0 not recovered" in told(
        left.picture
    )
    alone = figures.by_steps("mine", [unknown], {})[-1]
    assert "1: 1 feasible, OP not known, 0 not recovered" in told(alone.picture)


def test_a_gap_splits_a_curve() -> None:
    points = [Point(0.1, 0.0, 0.2), Point(0.2, 0.1, 0.3), Point(None), Point(0.4, 0.3, 0.5), Point(0.5, 0.4, 0.6)]
    picture = chart.curves("x", list("12345"), [Series("a", "run", points)])
    assert picture.count('class="curve"') == picture.count('class="band"') == 2


def test_columns_are_as_high_as_their_counts() -> None:
    picture = chart.columns("x", ["a", "b"], [Part("one", "run", [1, 4]), Part("two", "bad", [1, 0])])
    heights = [float(found) for found in re.findall(r'height="([0-9.]+)" class="fill"', picture)]
    assert heights == pytest.approx([10, 10, chart.PLOT / 4, chart.PLOT / 4, chart.PLOT], abs=0.1)


def test_health_counts_every_reply() -> None:
    bad = episode(1, objective=None).steps[0].model_copy(update={"reply": "no", "action": None, "outcome": "no_action"})
    assert split_think(bad.reply)[1] == "missing"
    failed = episode(2).model_copy(update={"stop": "error"})
    thoughts, actions = figures.health([episode(0, 2), episode(1).model_copy(update={"steps": (bad,)}), failed])
    assert told(thoughts.picture) == "valid 2, empty 0, missing 1, truncated 0, malformed 0"
    assert told(actions.picture) == "edit made 0, looked 2, submitted 0, no action 1"


def test_groups_without_variance_are_counted() -> None:
    rewards = {0: (0.5, 0.5), 1: (0.5, -1.0), 2: (1.0, 1.0)}
    found = [
        episode(number, reward=value, sample=n) for number, both in rewards.items() for n, value in enumerate(both)
    ]
    (figure,) = figures.returns(found)
    assert "2 of 3 groups of samples (67%) have no variance" in figure.note
    assert told(figure.picture) == "-1.0 to -0.9: 1; 0.5 to 0.6: 3; 0.9 to 1.0: 2"
    assert "variance" not in figures.returns([episode()])[0].note


def test_cost_tells_tokens_and_seconds() -> None:
    step = episode().steps[0].model_copy(update={"reply_seconds": 30.0, "tokens": 4000})
    tokens, replies, solving = figures.cost([episode().model_copy(update={"steps": (step,)}), episode(1, 3)])
    assert told(tokens.picture) == "0 to 500: 3; 4,000 to 4,500: 1" and "4,027 in all" in tokens.note
    assert told(replies.picture) == "20 to 50: 1"
    assert told(solving.picture) == "0.002 to 0.005: 4"


def test_huge_counts_fit_below_their_columns() -> None:
    assert [figures._short(count) for count in (0, 9500, 25000, 50000000)] == ["0", "9,500", "25k", "50M"]


def test_pass_at_k_in_order() -> None:
    cells = {f"pass_at_{k}": {"value": k / 16, "low": 0.0, "high": 1.0} for k in (16, 1, 8, 2, 4)}
    (figure,) = figures.passes("mine", {"overall": cells})
    assert told(figure.picture) == "mine at 1: .062, 2: .125, 4: .250, 8: .500, 16: 1.00"
    assert figures.passes("mine", {"overall": {}}) == []


def test_failures_come_first_and_the_draw_is_the_same() -> None:
    found = [episode(number, objective=None if number % 3 == 0 else 4.0) for number in range(30)]
    order = chosen(found)
    assert [one.recovered for one in order] == [False] * 10 + [True] * 20
    assert order == chosen(found) and order[:10] != [one for one in found if not one.recovered]


def test_budgets_of_what_is_played_back(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = [episode(seconds) for seconds in range(10)]
    assert within_budget(slow) == slow
    monkeypatch.setattr(playback, "MOST_SECONDS", 0.05)
    assert within_budget(slow) == slow[:3]
    monkeypatch.setattr(playback, "MOST_EPISODES", 2)
    assert within_budget(slow) == slow[:2]


def test_texts_share_lines_and_end_with_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = Texts()
    digest = texts.prompt(PROMPT)
    assert list(texts.lines) == ["[user]", "first", "second", "[assistant]"]
    assert texts.prompts[digest] == (0, 1, 2, 3, 1)
    monkeypatch.setattr(browser, "LONGEST_TEXT", 40)
    assert texts.kept("a" * 30 + "b" * 30) == f"{'a' * 20}\n… (20 characters left out) …\n{'b' * 20}"
    full = Texts(left=0)
    full.prompt(PROMPT)
    assert full.prompts == {}
    assert full.kept("x" * 500) == f"(left out) … {'x' * 300}" and full.dropped == 1
    assert full.kept("short") == "short"


def test_json_in_a_script_ends_nothing() -> None:
    text = script_safe({"a": "</script><!--<script>"})
    assert "<" not in text and text == '{"a":"\\u003c/script>\\u003c!--\\u003cscript>"}'


@pytest.mark.parametrize("actions", ["core", "extended"])
def test_played_back_prompts_are_those_that_were_shown(make_set: MakeSet, tmp_path: Path, actions: Any) -> None:
    setting = Setting(rules=Rules(actions, max_steps=5))
    rollout(Rollout("random", make_set(4), tmp_path / "run", setting, samples=3))
    run = PlayedRun(RunFolder(tmp_path / "run"))
    episodes = run.folder.episodes()
    found = play_back(run.problems, run.setting, episodes, workers=1)
    assert max(len(one.steps) for one in episodes) > 1
    for one, seen in zip(episodes, found, strict=True):
        digests = [browser.messages_sha256(prompt) for prompt in seen.prompts]
        assert digests == [step.messages_sha256 for step in one.steps]
        assert seen.trouble == "" and seen.broken and seen.broken[0].startswith("row need: >= 2 becomes >= 1")


def test_a_model_that_is_gone_costs_its_own_episodes_alone(make_set: MakeSet, tmp_path: Path) -> None:
    rollout(Rollout("oracle", make_set(2), tmp_path / "run", Setting()))
    run = PlayedRun(RunFolder(tmp_path / "run"))
    episodes, problems = run.folder.episodes(), run.problems
    (tmp_path / "set/models/p0.mps").write_text("not a model")
    found = play_back(problems, run.setting, episodes, workers=1)
    troubles = {one.problem_id: seen.trouble for one, seen in zip(episodes, found, strict=True)}
    assert troubles["p0"] and not troubles["p1"]


def test_an_edit_that_cannot_be_made_again_costs_its_episode_alone(make_set: MakeSet, tmp_path: Path) -> None:
    rollout(Rollout("oracle", make_set(1), tmp_path / "run", Setting()))
    run = PlayedRun(RunFolder(tmp_path / "run"))
    (played,) = run.folder.episodes()
    step = played.steps[0].model_copy(update={"action": "DROP_CONSTRAINT(nothing)"})
    odd = played.model_copy(update={"steps": (step,)})
    found = play_back(run.problems, run.setting, [odd, played], workers=1)
    assert found[0].left is None and found[0].prompts == found[1].prompts
    assert found[1].left == ("row need: dropped (was x + y >= 2)",)
