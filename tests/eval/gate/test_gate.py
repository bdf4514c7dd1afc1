"""The gate, on real runs of policies, and on what runs can lack."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_rows, write_json, write_rows
from ordebug.core.manifest import sha256_file
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Setting
from ordebug.eval.gate.forgotten import largest_loss
from ordebug.eval.gate.gate import Check, Gate, gate
from ordebug.eval.gate.groups import Group, groups_of, pass_rates
from ordebug.eval.gate.record import RESULT, judged_episodes, read_gate, write_gate
from ordebug.eval.gate.thresholds import CHECKS, DEFAULT_THRESHOLDS, Threshold, read_thresholds
from ordebug.eval.intervals import Estimate
from ordebug.eval.played import PlayedRun
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.run_folder import RunFolder

MakeSet = Callable[..., Path]
FLOOR = Threshold(min=0.5, why="w", fix="f")
THINK = "<think>\nhm\n</think>\n\n"


@pytest.fixture
def run(make_set: MakeSet, tmp_path: Path) -> Path:
    """Eight samples of a policy that drops any row of the conflict: some repairs keep the objective, some do not."""
    setting = Setting(rules=Rules(max_steps=5))
    out = tmp_path / "run"
    rollout(Rollout("drop-random", make_set(6), out, setting, samples=8, alone=True))
    return out


def rewritten(run: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    file = run / "episodes.jsonl"
    write_rows(file, [change(row) for _, row in list(read_rows(file))])


def with_thoughts(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "steps": [{**step, "reply": THINK + step["reply"]} for step in row["steps"]]}


def held(run: Path, **changes: Any) -> dict[str, Check]:
    found = gate(PlayedRun(RunFolder(run)), read_thresholds().model_copy(update=changes))
    return {check.name: check for check in found.checks}


def test_groups_by_hand() -> None:
    group = Group("c", (True, True, False, False), (1.0, 0.0))
    assert group.alike(2) == pytest.approx(1 / 3) and group.alike(5) is None
    assert group.spread == pytest.approx(math.sqrt(0.5)) and group.teaches
    sure = Group("c", (True,) * 4, (1.0,))
    assert (sure.alike(4), sure.spread, sure.teaches) == (1.0, None, False)
    assert pass_rates({"a": group, "b": sure}, 4) == {"a": 0.5, "b": 1.0} and pass_rates({"a": group}, 5) == {}


def test_every_check_of_a_run(run: Path) -> None:
    found = held(run)
    assert set(found) == set(CHECKS)
    assert found["think_missing"].estimate.value == 1 and found["think_missing"].outcome == "fails"
    assert found["action_valid"].estimate.value == 1 and found["prompts_left"].outcome == "fails"
    groups = groups_of(PlayedRun(RunFolder(run)).cases())
    left = sum(group.teaches for group in groups.values())
    assert left > 0 and found["prompts_left"].estimate.value == left
    assert all((group.spread or 0) > 0.1 for group in groups.values() if group.teaches), "filtered prompts vary"
    assert found["zero_variance_groups"].estimate.value == pytest.approx(1 - left / 6)
    assert found["headroom"].estimate.value == pytest.approx(
        sum((group.pass_rate > 0) - group.pass_rate for group in groups.values()) / 6
    )
    rewritten(run, with_thoughts)
    assert held(run)["think_valid"].passes and held(run)["think_missing"].passes


def test_what_was_not_measured_is_no_number(run: Path) -> None:
    found = held(run, group_size=16)
    for name in ("headroom", "zero_variance_groups", "reward_spread", "prompts_left"):
        check = found[name]
        assert check.outcome == "not measured" and not check.passes and "--samples 16" in check.note
        assert check.record().value is None and check.record().fix
    assert found["entropy"].outcome == "not measured" and found["entropy"].passes
    rewritten(run, lambda row: {**row, "stop": "error", "objective": None})
    assert {check.outcome for check in held(run).values()} == {"not measured"}


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_nan_never_holds(value: float | None) -> None:
    check = Check("rr_at_5", Estimate(value), FLOOR)
    assert check.outcome == "not measured" and not check.passes
    assert Gate("r", "", 8, (check,)).record().shut_by == [check.record()]
    assert json.loads(Gate("r", "", 8, (check,)).record().model_dump_json())["checks"][0]["value"] is None


def test_an_interval_around_the_threshold_is_said() -> None:
    assert Check("rr_at_5", Estimate(0.6, 0.4, 0.8, 9), FLOOR).unsure
    assert not Check("rr_at_5", Estimate(0.6, 0.55, 0.8, 9), FLOOR).unsure
    assert not Check("rr_at_5", Estimate(0.6), FLOOR).unsure


def test_entropy_of_what_was_sampled(run: Path) -> None:
    tokens = {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]}
    rows = [{"logprobs": tokens}, {"logprobs": None}, {"logprobs": {"content": [{"token": "a", "logprob": None}]}}]
    write_rows(run / "infer" / "round_01.result.jsonl", rows)
    found = held(run)["entropy"].estimate
    assert (found.value, found.n) == (1.0, 1)


def test_advice_says_what_is_missing(run: Path, make_set: MakeSet, tmp_path: Path) -> None:
    short = tmp_path / "short"
    rollout(
        Rollout("drop-random", make_set(2, "other"), short, Setting(rules=Rules(max_steps=4)), samples=8, alone=True)
    )
    check = held(short)["rr_at_5"]
    assert check.note == "episodes had 4 steps at most" and "--max-steps 5" in check.record().fix and not check.passes
    assert held(run)["forgetting"].note == "no --forgetting was given"
    floor = gate(PlayedRun(RunFolder(run)), read_thresholds(), Estimate()).checks[-1]
    assert floor.name == "forgetting" and floor.note == "of no benchmark in it could anything be lost"
    rewritten(run, lambda row: {**row, "stop": "error", "objective": None})
    assert held(run)["headroom"].note == "every episode ended in an error"


@pytest.mark.parametrize(
    ("recipe", "arguments", "warned"),
    [
        ("temperature: 0", [], "temperature 0,"),
        ("temperature: 0", ["--temperature", "1"], None),
        (
            "temperature: 0",
            ["--temperature", "0", "--temperature=1.0", "--top_p", ".9", "--top_k", "20"],
            "top_p 0.9, top_k 20,",
        ),
        ("seed: 1", [], None),
    ],
)
def test_samples_of_another_temperature_are_warned_of(
    run: Path, recipe: str, arguments: list[str], warned: str | None
) -> None:
    file, manifest = run / "infer.yaml", json.loads((run / "manifest.json").read_text())
    file.write_text(recipe)
    manifest["config"] |= {"model": "m", "recipe": str(file), "infer_arguments": arguments}
    manifest["data"]["recipe"] = {"path": str(file), "sha256": sha256_file(file)}
    write_json(run / "manifest.json", manifest)
    done = CliRunner().invoke(app, ["gate", str(run)])
    assert (f"drawn with {warned}" in done.stderr) if warned else "warning" not in done.stderr
    kept = read_gate(RunFolder(run))
    assert kept is not None and len(kept.warnings) == (warned is not None)
    file.write_text("temperature: 0.5")
    CliRunner().invoke(app, ["gate", str(run)])
    now = read_gate(RunFolder(run))
    assert now is not None and len(now.warnings) == ("top_p" in (warned or "")), "an edited recipe tells nothing"


def row(benchmark: str, delta: float, low: float, high: float, verdict: str) -> dict[str, Any]:
    means = {"metric": "acc", "before": 0.5, "after": 0.5 + delta, "p": 0.1, "cut_off": (0, 0), "ungraded": 0}
    return {"benchmark": benchmark, "n": 200, "delta": delta, "low": low, "high": high, "verdict": verdict, **means}


def test_the_largest_loss(tmp_path: Path) -> None:
    rows = [
        row("gsm8k", -0.02, -0.05, 0.01, "unclear"),
        row("ifeval", 0.01, -0.02, 0.04, "kept"),
        row("hard", -0.5, -0.6, -0.4, "floor"),
    ]
    whole = {"threshold": 0.02, "before": "a", "after": "b", "evalscope": "1.14.1", "asked": {}}
    file = tmp_path / "forgetting.json"
    write_json(file, {**whole, "rows": rows})
    assert largest_loss(file) == Estimate(0.02, -0.01, 0.05, 200)
    write_json(file, {**whole, "rows": rows[2:]})
    assert largest_loss(file).value is None
    for wrong in ({}, [], {**whole, "rows": [{"benchmark": "x", "n": 1, "delta": None}]}):
        write_json(file, wrong)
        with pytest.raises(InputError):
            largest_loss(file)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a", "Input should be"),
        ("group_size: 8\nchecks: {rr_at_5: {min: 1, max: 2, why: w, fix: f}}", "either min or max"),
        ("group_size: 8\nchecks: {rr_at_5: {min: .nan, why: w, fix: f}}", "finite"),
        ("group_size: 8\nchecks: {typo: {min: 1, why: w, fix: f}}", "Input should be"),
        ("group_size: 1\nchecks: {rr_at_5: {min: 1, why: w, fix: f}}", "greater than or equal to 2"),
        ("{", "not YAML"),
    ],
)
def test_thresholds_that_cannot_be_read(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "gate.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_thresholds(file)


def test_the_packaged_thresholds_have_reasons() -> None:
    assert set(read_thresholds(DEFAULT_THRESHOLDS).checks) == set(CHECKS)


def test_exit_status_says_whether_it_is_open(run: Path, tmp_path: Path) -> None:
    shut = CliRunner().invoke(app, ["gate", str(run)])
    assert shut.exit_code == 1 and "fix:" in shut.output and "gate shut" in shut.output
    config = tmp_path / "gate.yaml"
    config.write_text("group_size: 8\nchecks: {rr_at_5: {min: 0.9, why: w, fix: f}}")
    opened = CliRunner().invoke(app, ["gate", str(run), "--config", str(config), "--json"])
    assert opened.exit_code == 0 and json.loads(opened.output)["open"] is True
    assert json.loads((run / "gate.json").read_text()) == json.loads(opened.output), "the last one is kept"


def test_the_record_is_read_as_it_was_written(run: Path) -> None:
    folder = RunFolder(run)
    assert read_gate(folder) is None
    found = gate(PlayedRun(folder), read_thresholds()).record()
    write_gate(folder, found)
    assert read_gate(folder) == found and found.episodes_sha256 == judged_episodes(folder) != ""
    assert {check.check for check in found.shut_by} >= {"think_valid", "prompts_left"} and not found.open


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"version": 2}, "version: Input should be 1"), ({"checks": [{}]}, "checks.0"), ({"open": "perhaps"}, "open")],
)
def test_another_record_is_refused(run: Path, change: dict[str, Any], complaint: str) -> None:
    folder = RunFolder(run)
    write_json(run / RESULT, gate(PlayedRun(folder), read_thresholds()).record().model_dump(mode="json") | change)
    with pytest.raises(InputError, match=complaint) as raised:
        read_gate(folder)
    assert f"ordebug gate {run}" in raised.value.fix


def test_prompts_of_a_run(run: Path, tmp_path: Path) -> None:
    problems, out = json.loads((run / "manifest.json").read_text())["config"]["problems"], tmp_path / "grpo.jsonl"
    arguments = ["grpo-data", "--problems", problems, "--run", str(run), "--out", str(out), "--json", "--workers", "1"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    groups = groups_of(PlayedRun(RunFolder(run)).cases())
    assert {row["problem"] for _, row in read_rows(out)} == {name for name, group in groups.items() if group.teaches}
    assert {row["env_config"]["max_steps"] for _, row in read_rows(out)} == {5}
    assert isinstance(CliRunner().invoke(app, [*arguments, "--max-steps", "3"]).exception, UsageError)
    assert "warning unfiltered" in CliRunner().invoke(app, [*arguments[:3], "--out", str(out)]).output


def test_a_run_that_was_stopped_is_judged_by_neither_command(run: Path, tmp_path: Path) -> None:
    """Episodes are kept as they end, so what is there first is what ended in one step."""
    file, manifest = run / "episodes.jsonl", json.loads((run / "manifest.json").read_text())
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:20]))
    prompts = [
        "grpo-data",
        "--problems",
        manifest["config"]["problems"],
        "--run",
        str(run),
        "--out",
        str(tmp_path / "x"),
    ]
    for words in (["gate", str(run)], prompts):
        found = CliRunner().invoke(app, words).exception
        assert isinstance(found, InputError) and "4 of 6 problems lack samples" in found.message, words
        assert manifest["command"] in found.fix
    assert not (run / RESULT).exists() and not (tmp_path / "x").exists()


def test_a_sample_that_ended_in_an_error_is_there(run: Path) -> None:
    rewritten(run, lambda row: {**row, **({"stop": "error", "objective": None} if row["sample"] == 3 else {})})
    assert held(run)["rr_at_5"].estimate.n == 42


@pytest.mark.parametrize("manifest", [{"config": {}}, {"config": {}, "data": []}])
def test_another_manifest_is_refused(tmp_path: Path, manifest: dict[str, Any]) -> None:
    write_json(tmp_path / "manifest.json", manifest)
    found = CliRunner().invoke(app, ["gate", str(tmp_path)]).exception
    assert (
        isinstance(found, InputError) and "policy, profile, actions" in found.message and "data models" in found.message
    )


def test_one_sample_a_problem_is_no_pass_rate(make_set: MakeSet, tmp_path: Path) -> None:
    problems, out = make_set(2), tmp_path / "single"
    rollout(Rollout("drop-first", problems, out, Setting(rules=Rules(max_steps=5)), alone=True))
    arguments = ["grpo-data", "--problems", str(problems), "--run", str(out), "--out", str(tmp_path / "x")]
    found = CliRunner().invoke(app, arguments).exception
    assert isinstance(found, UsageError) and "--samples 8" in found.fix
