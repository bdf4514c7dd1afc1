import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_rows, write_json
from ordebug.env.policies import ANCHORS
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval import isolation
from ordebug.eval.attempt import PolicyReply, Replay, Setting, replay
from ordebug.eval.report.rows import verdict
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder, locked

MakeSet = Callable[..., Path]


def play(problems: Path, out: Path, **changes: Any) -> dict[str, Any]:
    setting = changes.pop("setting", Setting(rules=Rules(max_steps=5)))
    return rollout(Rollout(**{"policy": "drop-first", "problems": problems, "out": out, "setting": setting} | changes))


def stored(file: Path) -> list[dict[str, Any]]:
    rows = [row for _, row in read_rows(file)]
    for row in rows:
        for step in row["steps"]:
            step.pop("seconds")
    return rows


def test_worker_count_does_not_change_episodes(make_set: MakeSet, tmp_path: Path) -> None:
    problems = make_set(12)
    play(problems, tmp_path / "one", policy="random", workers=1)
    play(problems, tmp_path / "two", policy="random", workers=2)
    for name in ("episodes.jsonl", "anchors/random.jsonl", "anchors/drop-last.jsonl"):
        assert stored(tmp_path / "one" / name) == stored(tmp_path / "two" / name)
    assert stored(tmp_path / "one/episodes.jsonl") == stored(tmp_path / "one/anchors/random.jsonl")


def test_a_stopped_run_goes_on_after_a_torn_line(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(4), tmp_path / "run"
    whole = play(problems, out)
    before = stored(out / "episodes.jsonl")
    file = out / "episodes.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:2]) + lines[2][:40])
    (out / "anchors/oracle.jsonl").unlink()
    assert play(problems, out) == whole
    assert sorted(map(json.dumps, stored(file))) == sorted(map(json.dumps, before))
    assert file.read_text().startswith("".join(lines[:2]))


def test_a_finished_run_is_not_played_again(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out)
    before = (out / "episodes.jsonl").read_bytes()
    play(problems, out)
    assert (out / "episodes.jsonl").read_bytes() == before


def test_other_settings_are_refused_by_name(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out)
    with pytest.raises(
        UsageError, match="profile is 'algebra' there and 'names' now; seed is 0 there and 1 now"
    ) as error:
        play(problems, out, seed=1, setting=Setting("names", Rules(max_steps=5)))
    assert "--out" in error.value.fix
    with pytest.raises(UsageError, match="content of problems differs"):
        play(make_set(3, name="other"), out)


def test_what_else_lies_in_the_folder_is_left_alone(make_set: MakeSet, tmp_path: Path) -> None:
    out = tmp_path / "run"
    (out / "sft").mkdir(parents=True)
    (out / "unseen").mkdir()
    play(make_set(2), out)
    assert (out / "sft").is_dir()


@pytest.mark.parametrize("name", ["p0.mps", "p1_clean.mps"])
def test_a_changed_model_file_is_another_problem(make_set: MakeSet, tmp_path: Path, name: str) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out)
    with (problems / "models" / name).open("a") as file:
        file.write("* another model\n")
    with pytest.raises(UsageError, match="the content of models differs"):
        play(problems, out)


def test_model_files_of_problems_that_were_not_drawn_may_change(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out, limit=1)
    drawn = stored(out / "episodes.jsonl")[0]["problem_id"]
    (problems / "models" / {"p0": "p1.mps", "p1": "p0.mps"}[drawn]).unlink()
    play(problems, out, limit=1)


def test_a_run_that_another_process_plays_is_left_to_it(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(1), tmp_path / "run"
    with locked(out), pytest.raises(UsageError, match="another process is at work"):
        play(problems, out)
    assert [file.name for file in out.iterdir()] == [".lock"]


def test_a_double_run_is_not_counted(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out)
    file = out / "anchors/random.jsonl"
    file.write_text(file.read_text() * 2)
    with pytest.raises(InputError, match=r"random\.jsonl: a second episode of 'p0'"):
        play(problems, out)


def test_where_a_submit_is_needed_one_step_is_too_few(make_set: MakeSet, tmp_path: Path) -> None:
    metrics = play(make_set(2), tmp_path / "run", setting=Setting(rules=Rules(max_steps=5, auto_submit=False)))
    assert metrics["overall"]["rr_at_1"] == {"value": None, "low": None, "high": None, "n": 0}
    assert metrics["overall"]["rr_at_5"]["n"] == 2


def test_a_run_on_highs_comes_to_what_gurobi_says(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(6), tmp_path / "run"
    setting = Setting(rules=Rules("extended", 4, solver="highs"))
    play(problems, out, setting=setting, policy="random", samples=2)
    manifest = RunFolder(out).read_manifest()
    assert (manifest["config"]["solver"], manifest["solver"]["name"]) == ("highs", "highs")
    on_gurobi = Setting(rules=Rules("extended", 4, solver="gurobi"))
    counts = Counter[str]()
    for name in (None, *ANCHORS):
        for episode in RunFolder(out).episodes(name):
            problem = read_problem_set(problems).get(episode.problem_id)
            replies = [PolicyReply(step.reply) for step in episode.steps]
            _, other = replay(Replay(problem, problems, on_gurobi, episode.policy, episode.sample, replies))
            assert other is not None and (episode.solver, other.solver) == ("highs", "gurobi")
            assert [step.status for step in episode.steps] == [step.status for step in other.steps]
            assert episode.objective == pytest.approx(other.objective) and episode.stop == other.stop
            assert episode.reward == pytest.approx(other.reward)
            counts[episode.stop] += 1
    assert counts["recovered"] >= 40 and counts["max_steps"]


def test_solvers_do_not_share_a_folder(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out)
    with pytest.raises(UsageError, match="solver is 'auto' there and 'highs' now") as error:
        play(problems, out, setting=Setting(rules=Rules(max_steps=5, solver="highs")))
    assert "another folder" in error.value.fix
    manifest = RunFolder(out).read_manifest()
    del manifest["config"]["solver"]
    write_json(RunFolder(out).manifest_file, manifest)  # as runs before the option
    play(problems, out)


def test_an_unknown_policy_names_the_choices(make_set: MakeSet, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no policy 'drop'") as error:
        play(make_set(1), tmp_path / "run", policy="drop")
    assert "drop-first" in error.value.fix
    assert not (tmp_path / "run").exists()


def test_manifest_says_what_made_the_run(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out, limit=1)
    manifest = RunFolder(out).read_manifest()
    assert list(manifest["config"]) == [
        "policy",
        "profile",
        "actions",
        "max_steps",
        "max_prompt_tokens",
        "auto_submit",
        "solver",
        "problems",
        "seed",
        "samples",
        "limit",
    ]
    assert manifest["solver"]["name"] == "gurobi"
    assert {"renderer_version", "reward_version", "metrics_version"} <= manifest.keys()
    assert [len(entry["sha256"]) for entry in manifest["data"].values()] == [64, 64]
    assert list(manifest["data"]) == ["problems", "models"]


def test_metrics_of_known_policies(make_set: MakeSet, tmp_path: Path) -> None:
    metrics = play(make_set(4), tmp_path / "run")
    values = {policy: {k: c["value"] for k, c in cells.items()} for policy, cells in metrics["anchors"].items()}
    assert metrics["overall"] == metrics["anchors"]["drop-first"]
    assert (values["drop-first"]["rr_at_1"], values["drop-first"]["root_cause_at_1"]) == (1.0, 0.0)
    assert values["drop-first"]["op"] == 0.0  # without the limit the optimum is 17, not 4
    assert (values["drop-last"]["root_cause_at_1"], values["drop-last"]["op"]) == (1.0, 1.0)
    assert values["oracle"]["root_cause_at_1"] == 1.0
    assert values["oracle"]["rr_at_10"] is None  # only 5 steps were allowed
    assert metrics["paired"]["drop-last"]["root_cause_at_1"]["difference"] == -1.0
    assert set(metrics["by_type"]) == {"A", "D"}
    assert metrics["by_type"]["A"]["steps"]["n"] == 2
    assert json.loads((tmp_path / "run/metrics.json").read_text()) == metrics


def test_samples_give_pass_at_k(make_set: MakeSet, tmp_path: Path) -> None:
    metrics = play(make_set(3), tmp_path / "run", policy="random", samples=4)
    assert metrics["episodes"] == 12
    assert {"pass_at_1", "pass_at_2", "pass_at_4"} <= metrics["overall"].keys()
    assert metrics["overall"]["pass_at_4"]["n"] == 3
    replies = {row["steps"][0]["reply"] for row in stored(tmp_path / "run/episodes.jsonl")}
    assert len(replies) > 3


def test_unusable_models_are_errors_and_unscored(make_set: MakeSet, tmp_path: Path) -> None:
    def unusable(name: str) -> dict[str, str]:
        return {"problem_id": name, "model_file": f"models/{name}.mps"}

    problems = make_set(2, extra=tuple(map(unusable, ("torn", "absent", "feasible"))))
    (problems / "models/torn.mps").write_text("this is no MPS\n")
    (problems / "models/feasible.mps").write_bytes((problems / "models/p0_clean.mps").read_bytes())
    metrics = play(problems, tmp_path / "run", workers=2)
    errors = {
        row["problem_id"]: row["error"] for row in stored(tmp_path / "run/episodes.jsonl") if row["stop"] == "error"
    }
    assert set(errors) == {"torn", "absent", "feasible"}
    assert "not a model Gurobi can read" in errors["torn"]
    assert "nothing to repair" in errors["feasible"]
    assert "no model file" in errors["absent"]
    assert metrics["errors"] == 3
    assert metrics["overall"]["rr_at_1"]["n"] == 2


def large_mps(variables: int) -> str:
    """An infeasible LP with too many variables for the licence of pip."""
    columns = "".join(f"    x{i}  up  1\n    x{i}  lo  1\n" for i in range(variables))
    return (
        f"NAME large\nROWS\n N  cost\n L  up\n G  lo\nCOLUMNS\n{columns}RHS\n    rhs  up  1\n    rhs  lo  2\nENDATA\n"
    )


def test_a_model_beyond_the_licence_is_played_on_highs(make_set: MakeSet, tmp_path: Path) -> None:
    large = {
        "problem_id": "large",
        "model_file": "models/large.mps",
        "root_cause": [{"kind": "row", "name": "lo", "touches": ["lo"]}],
    }
    problems = make_set(1, extra=(large,))
    (problems / "models/large.mps").write_text(large_mps(2001))
    metrics = play(problems, tmp_path / "run", policy="oracle", alone=True)
    assert (metrics["errors"], metrics["overall"]["rr_at_1"]["value"]) == (0, 1.0)


def test_what_hangs_is_unscored_and_played_again(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = make_set(3)
    with monkeypatch.context() as patch:
        patch.setattr(isolation, "HARD_LIMIT_SECONDS", 0.0)
        metrics = play(problems, tmp_path / "run", workers=2, alone=True)
    # one that is over before anybody looks is scored
    errors = [row["error"] for row in stored(tmp_path / "run/episodes.jsonl") if row["stop"] == "error"]
    assert len(errors) == metrics["errors"] >= 1 and metrics["overall"]["rr_at_1"]["n"] == 3 - len(errors)
    assert all("killed" in error for error in errors)
    metrics = play(problems, tmp_path / "run", workers=2, alone=True)
    assert metrics["errors"] == 0 and metrics["overall"]["rr_at_1"]["n"] == 3


def test_published_numbers_of_drop_first(public_bench: Path, tmp_path: Path) -> None:
    setting = Setting("seed", Rules("compat"))
    metrics = play(public_bench / "problems" / "full", tmp_path / "run", limit=200, setting=setting, workers=2)
    assert metrics["errors"] == 0
    assert metrics["overall"]["rr_at_5"]["value"] == 1.0
    assert metrics["overall"]["rr_at_1"]["value"] == pytest.approx(0.898, abs=0.02)  # published data, all 4,162
    assert metrics["overall"]["op"]["value"] == pytest.approx(0.981, abs=0.01)
    assert metrics["anchors"]["oracle"]["op"]["value"] > 0.98  # 1.000 of A, C, D and .968 of B
    assert metrics["overall"]["da_published"]["value"] < 0.6


def test_an_anchor_alone_makes_rows_and_no_comparison(make_set: MakeSet, tmp_path: Path) -> None:
    metrics = play(make_set(3), tmp_path / "run", policy="oracle", alone=True)
    assert metrics["anchors"] == {} and metrics["overall"]["rr_at_1"]["value"] == 1.0
    assert not (tmp_path / "run/anchors").exists()
    assert "without the anchors" in verdict(metrics)
