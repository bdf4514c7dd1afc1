import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.episodes import harvest
from ordebug.converters.messages import read_sft_rows
from ordebug.converters.replayed import Choice
from ordebug.converters.verify.verification import Verification, verify
from ordebug.core.errors import InputError, UsageError
from ordebug.env.policies import ANCHORS, Turn, anchor, dice
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.renderer import messages_sha256, render
from ordebug.env.repair_env import RepairEnv, Rules

CONFIG = {
    "profile": "algebra",
    "actions": "core",
    "max_steps": 4,
    "max_prompt_tokens": 2048,
    "auto_submit": True,
    "policy": "made",
    "seed": 0,
}
CORE = Rules("core", 4)
GOOD = "<think>labor asks too much</think>\nAction: DROP_CONSTRAINT(labor)"
SHOW = "<think>\nlook again\n</think>\n\nAction: GET_IIS()"


Generated = Callable[[str, int], ProblemSet]


def play(
    folder: Path, problem_id: str, replies: list[str] | str, rules: Rules = CORE, sample: int = 0
) -> dict[str, Any]:
    """An episode of these replies, or of an anchor, as a rollout writes it."""
    problems = read_problem_set(folder)
    problem = problems.get(problem_id)
    env = RepairEnv(problem, problems, rules)
    observation, info = env.reset()
    info["stop"] = None
    steps: list[dict[str, Any]] = []
    while info["stop"] is None and (isinstance(replies, str) or len(steps) < len(replies)):
        if isinstance(replies, str):
            reply = anchor(replies)(Turn(observation, problem, rules.actions, dice(0, problem_id, 0), env.model))
        else:
            reply = replies[len(steps)]
        shown = render(observation, "algebra", rules.actions, 2048)
        rows = observation.conflict.rows
        observation, _, _, _, info = env.step(reply)
        told = {key: info[key] for key in ("action", "outcome", "status")}
        steps.append({"messages_sha256": messages_sha256(shown), "reply": reply, "iis_rows": rows, **told})
    env.close()
    end = {"stop": info["stop"] or "max_steps", "objective": info.get("objective"), "reward_terms": info.get("terms")}
    policy = replies if isinstance(replies, str) else "made"
    return {"problem_id": problem_id, "policy": policy, "sample": sample, "steps": steps, **end}


def write_run(run: Path, episodes: list[dict[str, Any]], **config: Any) -> Path:
    run.mkdir()
    (run / "manifest.json").write_text(json.dumps({"config": {**CONFIG, **config}}))
    (run / "episodes.jsonl").write_text("".join(json.dumps(episode) + "\n" for episode in episodes))
    return run


@pytest.fixture
def episodes(problem_folder: Path) -> list[dict[str, Any]]:
    return [
        play(problem_folder, "stool", [SHOW, "no idea", GOOD]),
        play(problem_folder, "bench", ["Action: DROP_CONSTRAINT(order)", "Action: SUBMIT()"]),
        play(problem_folder, "bench", ["Action: DROP_CONSTRAINT(labor)"]),
    ]


def test_recovered_episodes_become_rows(problem_folder: Path, episodes: list[dict[str, Any]], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", episodes, problems=str(problem_folder))
    total = harvest([run], tmp_path / "sft.jsonl", choice=Choice(without_thought=True))
    assert (total.episodes, total.skipped, total.rows, total.without_thought, total.problems) == (3, 1, 2, 1, 2)
    assert dict(total.left_out) == {"GET_IIS found no other conflict": 1, "no_action": 1}
    rows = list(read_sft_rows(tmp_path / "sft.jsonl"))
    assert [(row.problem_id, row.step) for row in rows] == [("stool", 3), ("bench", 1)]
    assert [row.assistant for row in rows] == [
        "<think>\nlabor asks too much\n</think>\n\nAction: DROP_CONSTRAINT(labor)",
        "<think>\n\n</think>\n\nAction: DROP_CONSTRAINT(labor)",
    ]
    assert "1. GET_IIS(): shown\n2. (no action): invalid (no_action)" in rows[0].user
    assert {(row.base_id, row.error_type, row.source) for row in rows} == {("seats", "A", "run:made")}


def test_rows_do_not_depend_on_the_workers(
    problem_folder: Path, episodes: list[dict[str, Any]], tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", episodes * 2, problems=str(problem_folder))
    written = []
    for workers in (1, 2):
        harvest([run], tmp_path / f"{workers}.jsonl", workers=workers)
        written.append((tmp_path / f"{workers}.jsonl").read_bytes())
    assert written[0] == written[1]


def test_limit_counts_episodes(problem_folder: Path, episodes: list[dict[str, Any]], tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", episodes, problems=str(problem_folder))
    assert harvest([run, run], tmp_path / "sft.jsonl", limit=4).episodes == 4


def test_another_prompt_is_refused(problem_folder: Path, episodes: list[dict[str, Any]], tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [{"profile": "names"}, {"max_steps": 5}, {"actions": "extended"}]
    for number, config in enumerate(changes):
        run = write_run(tmp_path / f"run{number}", episodes, problems=str(problem_folder), **config)
        with pytest.raises(InputError, match="stool, sample 0, step 1: played again, its prompt is not the one"):
            harvest([run], tmp_path / "sft.jsonl")
    assert not (tmp_path / "sft.jsonl").exists()


def test_another_outcome_is_refused(problem_folder: Path, episodes: list[dict[str, Any]], tmp_path: Path) -> None:
    episodes[0]["steps"][2]["outcome"] = "unknown_target"
    run = write_run(tmp_path / "run", episodes, problems=str(problem_folder))
    with pytest.raises(InputError, match="step 3: played again, it gives applied, not unknown_target"):
        harvest([run], tmp_path / "sft.jsonl")
    episodes[1]["objective"] = 5.0
    run = write_run(tmp_path / "other", episodes[1:], problems=str(problem_folder))
    with pytest.raises(InputError, match="it leaves no feasible model"):
        harvest([run], tmp_path / "sft.jsonl")


def test_runs_of_other_prompts_do_not_mix(problem_folder: Path, episodes: list[dict[str, Any]], tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / name, episodes, problems=str(problem_folder), profile=name)
        for name in ("algebra", "names")
    ]
    with pytest.raises(UsageError, match="showed different prompts"):
        harvest(runs, tmp_path / "sft.jsonl")


def test_folders_that_are_no_run(problem_folder: Path, episodes: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        harvest([tmp_path], tmp_path / "sft.jsonl")
    run = write_run(tmp_path / "run", episodes[1:2], problems=str(problem_folder))
    with pytest.raises(InputError, match="none of 1 episodes gave a row"):
        harvest([run], tmp_path / "sft.jsonl")
    (run / "manifest.json").write_text('{"config": {"profile": "poem"}}')
    with pytest.raises(InputError, match="config: field profile"):
        harvest([run], tmp_path / "sft.jsonl")


def test_rows_without_a_thought_are_written_only_when_asked(problem_folder: Path, tmp_path: Path) -> None:
    episode = play(problem_folder, "bench", ["Action: DROP_CONSTRAINT(labor)"])
    run = write_run(tmp_path / "run", [episode], problems=str(problem_folder))
    with pytest.raises(InputError, match=r"none of 1 episodes gave a row \(1 no thought\)") as error:
        harvest([run], tmp_path / "sft.jsonl")
    assert "--without-thought" in error.value.fix


def test_the_shortest_distinct_episodes_of_a_problem(problem_folder: Path, tmp_path: Path) -> None:
    think = "<think>a</think>\nAction: "
    longer = play(problem_folder, "stool", [f"{think}DROP_CONSTRAINT(wood)", f"{think}DROP_CONSTRAINT(labor)"])
    short = play(problem_folder, "stool", [f"{think}DROP_CONSTRAINT(labor)"], sample=1)
    again = play(problem_folder, "stool", ["<think>b</think>\nAction: DROP_CONSTRAINT(labor)"], sample=2)
    other = play(problem_folder, "bench", [f"{think}DROP_CONSTRAINT(labor)"])
    run = write_run(tmp_path / "run", [longer, short, again, other], problems=str(problem_folder))
    for most, rows, reasons in (
        (1, [("stool", 1), ("bench", 1)], {"enough of its problem": 1, "the actions of another episode": 1}),
        (2, [("stool", 1), ("stool", 2), ("stool", 1), ("bench", 1)], {"the actions of another episode": 1}),
    ):
        total = harvest([run], tmp_path / "sft.jsonl", choice=Choice(per_problem=most))
        assert [(row.problem_id, row.step) for row in read_sft_rows(tmp_path / "sft.jsonl")] == rows
        assert dict(total.passed_over) == reasons


def test_quality(generated: Generated, tmp_path: Path) -> None:
    """Types H have a repair that gives back the clean model and core actions that cost something."""
    problems = generated("H", 6)
    replies = [play(problems.folder, problem.problem_id, "oracle") for problem in problems]
    run = write_run(tmp_path / "core", replies, problems=str(problems.folder))
    everything = harvest([run], tmp_path / "sft.jsonl")
    kept = harvest([run], tmp_path / "sft.jsonl", choice=Choice(min_op=0.999))
    assert 0 < kept.passed_over["OP below 0.999"] < everything.episodes - everything.skipped
    assert kept.passed_over.total() + kept.problems == everything.problems
    with pytest.raises(InputError, match="not proved equivalent"):
        harvest([run], tmp_path / "sft.jsonl", choice=Choice(equivalent=True))
    rules = Rules("extended", 4)
    replies = [play(problems.folder, problem.problem_id, "oracle", rules) for problem in problems]
    run = write_run(tmp_path / "extended", replies, problems=str(problems.folder), actions="extended")
    assert harvest([run], tmp_path / "sft.jsonl", choice=Choice(equivalent=True)).problems == len(problems)


@pytest.mark.parametrize("error_type", "ABCDEFGHI")
@pytest.mark.parametrize("auto_submit", [True, False])
def test_varied_rows_verify(generated: Generated, error_type: str, auto_submit: bool, tmp_path: Path) -> None:
    """The whole path: problems, the oracle, rows in varied words, and each row replayed on the solver."""
    problems, rules = generated(error_type, 6), Rules("extended", 6, auto_submit)
    episodes = [play(problems.folder, problem.problem_id, "oracle", rules) for problem in problems]
    run = write_run(
        tmp_path / "run",
        episodes,
        problems=str(problems.folder),
        actions="extended",
        max_steps=6,
        auto_submit=auto_submit,
    )
    out = tmp_path / "sft.jsonl"
    total = harvest([run], out, choice=Choice(wording="varied", equivalent=True))
    rows = list(read_sft_rows(out))
    assert total.problems == len(problems)
    assert any("SUBMIT()" in row.assistant for row in rows) is not auto_submit
    thoughts = {row.assistant for row in rows}
    plain = harvest([run], tmp_path / "plain.jsonl")
    assert thoughts != {row.assistant for row in read_sft_rows(tmp_path / "plain.jsonl")}
    assert plain.rows == total.rows
    counts = verify(Verification(out, problems.folder)).overall
    assert counts.replayed == counts.infeasible == total.rows
    assert counts.iis_same == counts.iis_printed
    assert counts.root_cause_hits == counts.root_cause_known
    several = error_type in "EFG"
    assert counts.restores == (len(rows) if not several else len(problems) * (2 - auto_submit))


def test_the_other_anchors_have_no_thought(problem_folder: Path, tmp_path: Path) -> None:
    names = sorted(ANCHORS.keys() - {"random", "oracle"})
    run = write_run(
        tmp_path / "run", [play(problem_folder, "stool", name) for name in names], problems=str(problem_folder)
    )
    with pytest.raises(InputError, match="no thought"):
        harvest([run], tmp_path / "sft.jsonl")
    total = harvest([run], tmp_path / "sft.jsonl", choice=Choice(without_thought=True))
    assert total.rows == total.without_thought >= len(names) - total.skipped
