from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_rows, write_rows
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Replay, Setting, replay
from ordebug.eval.run_folder import RunFolder, locked
from ordebug.eval.scoring import Scoring, score

MakeSet = Callable[..., Path]
SETTING = Setting(rules=Rules(), decisions=1)


def answers(problems: Path, text: str) -> list[dict[str, Any]]:
    """A result file's rows: the prompts of a rollout's first step, each with the same reply."""
    rows = []
    for problem in read_problem_set(problems):
        messages, _ = replay(Replay(problem, problems, Setting(), "x"))
        said = [*messages, {"role": "assistant", "content": text}]
        rows.append({"response": text, "messages": said, "problem_id": problem.problem_id})
    return rows


def run(problems: Path, rows: list[dict[str, Any]], out: Path, **changes: Any) -> dict[str, Any]:
    write_rows(out.parent / "result.jsonl", rows)
    return score(Scoring(out.parent / "result.jsonl", problems, out, SETTING, **changes))


def test_one_decision_each(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(3)
    metrics = run(problems, answers(problems, "Action: DROP_CONSTRAINT(need)"), tmp_path / "run")
    values = {name: cell["value"] for name, cell in metrics["overall"].items()}
    assert (values["rr_at_1"], values["root_cause_at_1"], values["op"]) == (1.0, 1.0, 1.0)
    assert (values["rr_at_5"], values["think_missing"]) == (None, 1.0)
    assert metrics["anchors"]["drop-first"]["rr_at_5"]["value"] is None
    assert metrics["prompts_differ"] == 0
    assert {"manifest.json", "episodes.jsonl", "metrics.json"} <= {file.name for file in (tmp_path / "run").iterdir()}


def test_a_bad_reply_is_data(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(2)
    metrics = run(problems, answers(problems, "I would drop need."), tmp_path / "run")
    assert metrics["overall"]["action_valid"]["value"] == 0.0
    episodes = [row for _, row in read_rows(tmp_path / "run/episodes.jsonl")]
    assert [(row["stop"], row["steps"][0]["outcome"]) for row in episodes] == [("max_steps", "no_action")] * 2


def test_foreign_prompts_are_counted(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(2)
    rows = answers(problems, "Action: SUBMIT()")
    rows[0]["messages"][1]["content"] += " Think step by step."
    assert run(problems, rows, tmp_path / "run")["prompts_differ"] == 1


def test_rows_without_an_id_are_found_by_their_prompts(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(3)
    rows = [row | {"labels": "gold"} for row in answers(problems, "Action: DROP_CONSTRAINT(need)")]
    named = run(problems, rows, tmp_path / "named")
    for row in rows:
        del row["problem_id"]
    assert run(problems, rows[::-1], tmp_path / "unnamed")["overall"] == named["overall"]


def test_missing_and_double_rows(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(2)
    rows = answers(problems, "Action: SUBMIT()")
    with pytest.raises(InputError, match="no reply for 'p1'"):
        run(problems, rows[:1], tmp_path / "run")
    with pytest.raises(InputError, match="second reply for 'p0'"):
        run(problems, [*rows, rows[0]], tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("with_ids", [True, False])
def test_with_a_limit_the_other_replies_of_the_set_are_left_out(
    make_set: MakeSet, tmp_path: Path, with_ids: bool
) -> None:
    problems = make_set(4)
    rows = answers(problems, "Action: DROP_CONSTRAINT(need)")
    foreign = rows[0] | {"problem_id": "of another set"}
    if not with_ids:
        rows = [{"response": row["response"], "messages": row["messages"]} for row in rows]
    assert run(problems, rows, tmp_path / "run", limit=2)["overall"]["rr_at_1"]["n"] == 2
    with pytest.raises(InputError, match="replies for 'of another set', which were not asked"):
        run(problems, [*rows, foreign], tmp_path / "other", limit=2)


def test_one_process_at_a_time(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(1)
    with locked(tmp_path / "run"), pytest.raises(UsageError, match="another process is at work"):
        run(problems, answers(problems, "Action: SUBMIT()"), tmp_path / "run")


def test_a_changed_model_file_is_another_problem(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(1)
    rows = answers(problems, "Action: SUBMIT()")
    run(problems, rows, tmp_path / "run")
    with (problems / "models/p0_clean.mps").open("a") as file:
        file.write("* another model\n")
    with pytest.raises(UsageError, match="the content of models differs"):
        run(problems, rows, tmp_path / "run")


def test_a_reply_that_was_cut_off_is_truncated(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(1)
    row = answers(problems, "<think>\nso the")[0] | {"logprobs": {"content": [{"token": "so"}] * 8}}
    metrics = run(problems, [row], tmp_path / "run", max_new_tokens=8)
    assert metrics["overall"]["think_truncated"]["value"] == 1.0
    episodes = RunFolder(tmp_path / "run").episodes()
    assert [(e.stop, e.steps[0].outcome, e.steps[0].tokens) for e in episodes] == [("truncated", "truncated", 8)]
