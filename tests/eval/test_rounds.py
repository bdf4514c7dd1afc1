import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from ordebug.core.errors import InputError, SolverError, ToolError, UsageError
from ordebug.core.jsonl import read_json, read_rows, write_json
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.eval.attempt import Setting
from ordebug.eval.rollout import Rollout, rollout
from ordebug.eval.rounds import complete_replies
from ordebug.eval.run_folder import RunFolder
from ordebug.eval.swift_infer import SwiftInfer

MakeSet = Callable[..., Path]
SETTING = Setting(rules=Rules(max_steps=2))


class Fake(Protocol):
    """``FakeSwift`` of conftest.py."""

    program: Path
    calls: list[str]

    def write(self, body: str = ..., end: str = ...) -> None: ...


def play(problems: Path, out: Path, swift: SwiftInfer) -> dict[str, Any]:
    return rollout(Rollout("swift-infer", problems, out, SETTING, swift))


def forget_episodes(out: Path, kept: int) -> None:
    """As a run that was stopped leaves them."""
    file = out / "episodes.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:kept]))


def test_replies_that_are_stored_are_not_asked_again(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake
) -> None:
    problems, out = make_set(3), tmp_path / "run"
    metrics = play(problems, out, swift)
    values = {name: cell["value"] for name, cell in metrics["overall"].items()}
    assert (values["root_cause_at_1"], values["rr_at_1"], values["steps"], values["think_valid"]) == (
        1.0,
        0.0,
        2.0,
        1.0,
    )
    assert [row["stop"] for _, row in read_rows(out / "episodes.jsonl")] == ["recovered"] * 3
    asked = ["round-1.input.jsonl 3", "round-2.input.jsonl 3"]
    assert fake.calls == asked
    forget_episodes(out, 1)
    assert play(problems, out, swift)["overall"] == metrics["overall"]
    assert fake.calls == asked


def test_a_round_that_failed_leaves_no_result(make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake) -> None:
    problems, out = make_set(3), tmp_path / "run"
    fake.write(end="sys.exit(1)")
    with pytest.raises(ToolError, match="status 1"):
        play(problems, out, swift)
    assert not list((out / "infer").glob("*.result.jsonl"))
    fake.write()
    assert play(problems, out, swift)["overall"]["rr_at_5"]["value"] is None
    assert not list((out / "infer").glob("*unfinished*"))


def test_a_round_without_all_replies_leaves_no_result(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake
) -> None:
    fake.write(body="if 'p1' in label['content']: continue\n        text, tokens = 'Action: SUBMIT()', None")
    with pytest.raises(InputError, match="no reply for 'p1'"):
        play(make_set(3), tmp_path / "run", swift)
    assert not list((tmp_path / "run/infer").glob("*.result.jsonl"))


def test_replies_of_another_model_are_not_read(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake
) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out, swift)
    origin = out / "infer/round-2.origin.json"
    found = read_json(origin, "what produced a round")
    assert list(found["model"]) == ["model.safetensors"]
    assert found["contents"].keys() == {"problems", "models", "recipe"}
    write_json(origin, found | {"model": {"model.safetensors": "of another"}})
    forget_episodes(out, 0)
    play(problems, out, swift)
    assert fake.calls[2:] == ["round-2-2.input.jsonl 2"]


def test_replies_without_a_manifest_are_refused(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake
) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out, swift)
    for name in ("manifest.json", "episodes.jsonl"):
        (out / name).unlink()
    (Path(swift.model) / "model.safetensors").write_bytes(b"trained again")
    with pytest.raises(UsageError, match=r"holds anchors, infer, metrics\.json but no manifest\.json") as error:
        play(problems, out, swift)
    assert "--out" in error.value.fix and "anchors infer metrics.json" in error.value.fix


def test_replies_to_other_prompts_are_not_taken(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake
) -> None:
    play(make_set(1), tmp_path / "run", swift)
    result = tmp_path / "run/infer/round-1.result.jsonl"
    asked = next(row for _, row in read_rows(tmp_path / "run/infer/round-1.input.jsonl"))["messages"][:-1]
    assert "GET_IIS()" in complete_replies(result, {("p0", 0): asked}, swift)["p0", 0].text
    asked[0] = {"role": "system", "content": "be brief"}
    with pytest.raises(InputError, match="another prompt"):
        complete_replies(result, {("p0", 0): asked}, swift)


def test_an_error_is_played_again_and_only_its_prompts_are_asked(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems, out = make_set(3), tmp_path / "run"
    reset = RepairEnv.reset

    def failing(self: RepairEnv) -> Any:
        if self.problem.problem_id == "p1":
            raise SolverError("the solver gave up")
        return reset(self)

    with monkeypatch.context() as patch:
        patch.setattr(RepairEnv, "reset", failing)
        metrics = play(problems, out, swift)
    assert (metrics["errors"], metrics["overall"]["steps"]["n"], metrics["anchors"]["oracle"]["steps"]["n"]) == (
        1,
        2,
        2,
    )
    metrics = play(problems, out, swift)
    assert (metrics["errors"], metrics["overall"]["steps"]["n"], metrics["anchors"]["oracle"]["steps"]["n"]) == (
        0,
        3,
        3,
    )
    assert metrics["episodes"] == 3
    assert fake.calls[2:] == ["round-1-2.input.jsonl 1", "round-2-2.input.jsonl 1"]
    for file in ("episodes.jsonl", "anchors/oracle.jsonl"):
        stops = [row["stop"] for _, row in read_rows(out / file) if row["problem_id"] == "p1"]
        assert stops == ["error", "recovered"]
    assert play(problems, out, swift) == metrics
    assert len(fake.calls) == 4


def test_a_reply_that_was_cut_off_is_truncated(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake
) -> None:
    content = [{"token": "so", "logprob": -0.1, "bytes": [115, 111]}] * 64
    fake.write(body=f"text, tokens = '<think>\\nso the', dict(content={content!r})")
    metrics = play(make_set(2), tmp_path / "run", swift)
    values = {name: cell["value"] for name, cell in metrics["overall"].items()}
    assert (values["think_truncated"], values["action_valid"], values["tokens"]) == (1.0, 0.0, 64.0)
    episodes = RunFolder(tmp_path / "run").episodes()
    assert [(e.stop, e.steps[0].outcome) for e in episodes] == [("truncated", "truncated")] * 2


def test_other_weights_are_other_settings(make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out, swift)
    (Path(swift.model) / "model.safetensors").write_bytes(b"trained again")
    with pytest.raises(UsageError, match="weights differ"):
        play(problems, out, swift)


def test_other_recipe_is_other_settings(make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake) -> None:
    problems, out = make_set(2), tmp_path / "run"
    play(problems, out, swift)
    swift.recipe.write_text("max_new_tokens: 65\n")
    with pytest.raises(UsageError, match="content of recipe differs"):
        play(problems, out, swift)


def test_a_model_by_its_id_is_compared_by_its_id(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, fake: Fake
) -> None:
    problems, out = make_set(1), tmp_path / "run"
    play(problems, out, SwiftInfer("Qwen/Qwen3-8B", swift.recipe))
    assert json.loads((out / "infer/round-1.origin.json").read_text())["model"] == "Qwen/Qwen3-8B"
    with pytest.raises(UsageError, match="model is 'Qwen/Qwen3-8B' there and 'Qwen/Qwen3-4B' now"):
        play(problems, out, SwiftInfer("Qwen/Qwen3-4B", swift.recipe))
