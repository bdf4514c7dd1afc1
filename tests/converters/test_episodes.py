import json
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.episodes import harvest
from ordebug.converters.messages import read_sft_rows
from ordebug.core.errors import InputError, UsageError
from ordebug.env.problem_set import read_problem_set
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
GOOD = "<think>labor asks too much</think>\nAction: DROP_CONSTRAINT(labor)"
SHOW = "<think>\nlook again\n</think>\n\nAction: GET_IIS()"


def play(folder: Path, problem_id: str, replies: list[str]) -> dict[str, Any]:
    """An episode as a rollout writes it."""
    problems = read_problem_set(folder)
    env = RepairEnv(problems.get(problem_id), problems, Rules("core", 4))
    observation, info = env.reset()
    steps = []
    for reply in replies:
        shown = render(observation, "algebra", "core", 2048)
        rows = observation.conflict.rows
        observation, _, _, _, info = env.step(reply)
        told = {key: info[key] for key in ("action", "outcome", "status")}
        steps.append({"messages_sha256": messages_sha256(shown), "reply": reply, "iis_rows": rows, **told})
    env.close()
    end = {"stop": info["stop"] or "max_steps", "objective": info.get("objective")}
    return {"problem_id": problem_id, "policy": "made", "steps": steps, **end}


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
    total = harvest([run], tmp_path / "sft.jsonl")
    assert (total.episodes, total.skipped, total.rows, total.without_thought) == (3, 1, 3, 1)
    assert dict(total.left_out) == {"no_action": 1}
    rows = list(read_sft_rows(tmp_path / "sft.jsonl"))
    assert [(row.problem_id, row.step) for row in rows] == [("stool", 1), ("stool", 3), ("bench", 1)]
    assert [row.assistant for row in rows] == [
        SHOW,
        "<think>\nlabor asks too much\n</think>\n\nAction: DROP_CONSTRAINT(labor)",
        "<think>\n\n</think>\n\nAction: DROP_CONSTRAINT(labor)",
    ]
    assert "1. GET_IIS(): shown\n2. (no action): invalid (no_action)" in rows[1].user
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
