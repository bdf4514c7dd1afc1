import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError, ToolError, UsageError
from ordebug.core.jsonl import read_rows, write_rows
from ordebug.env.problem_set import read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import PolicyReply, Replay, Setting, replay
from ordebug.eval.rollout import Rollout, rollout, swift_for
from ordebug.eval.run_folder import weights_sha256
from ordebug.eval.swift_infer import SwiftInfer, _call, _replies, swift_program
from ordebug.eval.swift_result import carrier

MakeSet = Callable[..., Path]
SETTING = Setting(rules=Rules(max_steps=2))
REPLIES = ("<think>\nhm\n</think>\n\nAction: GET_IIS()", "<think>\nneed\n</think>\n\nAction: DROP_CONSTRAINT(need)")


@pytest.fixture
def swift(tmp_path: Path) -> SwiftInfer:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    recipe = tmp_path / "infer.yaml"
    recipe.write_text("max_new_tokens: 64\n")
    return SwiftInfer(str(model), recipe)


def write_rounds(problems: Path, out: Path) -> None:
    """The files of both rounds, as ``swift infer`` leaves them, in another order than asked."""
    said: list[PolicyReply] = []
    for number, text in enumerate(REPLIES, start=1):
        asked: list[dict[str, Any]] = []
        for problem in read_problem_set(problems):
            messages, _ = replay(Replay(problem, problems, SETTING, "swift-infer", replies=tuple(said)))
            asked.append(
                {
                    "messages": [*messages, carrier((problem.problem_id, 0))],
                    "problem_id": problem.problem_id,
                    "sample": 0,
                }
            )
        answered = [
            {"response": text, "labels": row["messages"][-1]["content"], "logprobs": None, "messages": row["messages"]}
            for row in reversed(asked)
        ]
        write_rows(out / f"infer/round-{number}.input.jsonl", asked)
        write_rows(out / f"infer/round-{number}.result.jsonl", answered)
        said.append(PolicyReply(text))


def play(problems: Path, out: Path, swift: SwiftInfer) -> dict[str, Any]:
    return rollout(Rollout("swift-infer", problems, out, SETTING, swift))


def no_swift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Python without ms-swift."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    monkeypatch.setenv("PATH", str(tmp_path))


def test_complete_rounds_are_read_not_run_again(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems, out = make_set(3), tmp_path / "run"
    write_rounds(problems, out)
    no_swift(monkeypatch, tmp_path)
    metrics = play(problems, out, swift)
    assert metrics["overall"]["root_cause_at_1"]["value"] == 1.0
    assert metrics["overall"]["rr_at_1"]["value"] == 0.0
    assert metrics["overall"]["steps"]["value"] == 2.0
    assert metrics["overall"]["think_valid"]["value"] == 1.0
    assert [row["stop"] for _, row in read_rows(out / "episodes.jsonl")] == ["recovered"] * 3
    # After a kill, the stored rounds bring the run to where it was.
    (out / "episodes.jsonl").write_text((out / "episodes.jsonl").read_text().splitlines(keepends=True)[0])
    assert play(problems, out, swift)["overall"] == metrics["overall"]


def test_an_incomplete_round_is_run_again(
    make_set: MakeSet, tmp_path: Path, swift: SwiftInfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems, out = make_set(3), tmp_path / "run"
    write_rounds(problems, out)
    result = out / "infer/round-2.result.jsonl"
    result.write_text("".join(result.read_text().splitlines(keepends=True)[:2]))
    no_swift(monkeypatch, tmp_path)
    with pytest.raises(ToolError, match="not installed"):
        play(problems, out, swift)
    assert not result.exists()  # swift infer would have appended to it


def test_replies_to_other_prompts_are_not_taken(make_set: MakeSet, tmp_path: Path, swift: SwiftInfer) -> None:
    problems = make_set(1)
    write_rounds(problems, tmp_path)
    result = tmp_path / "infer/round-1.result.jsonl"
    asked = next(row for _, row in read_rows(tmp_path / "infer/round-1.input.jsonl"))["messages"][:-1]
    assert _replies(result, {("p0", 0): asked}, swift)["p0", 0].text == REPLIES[0]
    asked[0] = {"role": "system", "content": "be brief"}
    with pytest.raises(InputError, match="another prompt"):
        _replies(result, {("p0", 0): asked}, swift)


def test_other_weights_are_other_settings(make_set: MakeSet, tmp_path: Path, swift: SwiftInfer) -> None:
    problems, out = make_set(2), tmp_path / "run"
    write_rounds(problems, out)
    play(problems, out, swift)
    (Path(swift.model) / "model.safetensors").write_bytes(b"trained again")
    with pytest.raises(UsageError, match="weights differ"):
        play(problems, out, swift)


def test_other_recipe_is_other_settings(make_set: MakeSet, tmp_path: Path, swift: SwiftInfer) -> None:
    problems, out = make_set(2), tmp_path / "run"
    write_rounds(problems, out)
    play(problems, out, swift)
    swift.recipe.write_text("max_new_tokens: 65\n")
    with pytest.raises(UsageError, match="content of recipe differs"):
        play(problems, out, swift)


def test_weights_are_told_from_training_state(tmp_path: Path) -> None:
    for name in ("model.safetensors", "optimizer.pt", "training_args.bin", "config.json"):
        (tmp_path / name).touch()
    assert list(weights_sha256(str(tmp_path))) == ["model.safetensors"]
    assert weights_sha256("Qwen/Qwen3-8B") == {}


def test_command(tmp_path: Path, swift: SwiftInfer, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/swift"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python"))
    assert swift_program() == str(program)
    command = SwiftInfer(swift.model, swift.recipe, ("--temperature", "1")).command(Path("in"), Path("out"))
    assert command[:5] == [str(program), "infer", str(swift.recipe), "--model", swift.model]
    assert command[5:] == [
        *("--val_dataset", "in", "--result_path", "out", "--remove_unused_columns", "true", "--temperature", "1")
    ]
    (Path(swift.model) / "adapter_config.json").touch()
    assert "--adapters" in swift.command(Path("in"), Path("out"))


def test_limit_of_replies(swift: SwiftInfer) -> None:
    assert swift.max_new_tokens == 64
    assert SwiftInfer(swift.model, swift.recipe, ("--max_new_tokens", "9")).max_new_tokens == 9
    swift.recipe.write_text("temperature: 0\n")
    assert swift.max_new_tokens is None
    swift.recipe.write_text("a: [\n")
    with pytest.raises(InputError, match="not YAML"):
        _ = swift.max_new_tokens


def test_a_failing_program_shows_its_last_lines(tmp_path: Path) -> None:
    program = "import sys; print('\\n'.join(map(str, range(50)))); sys.exit('no such model')"
    with pytest.raises(ToolError, match=r"status 1(.|\n)*49\nno such model") as error:
        _call([sys.executable, "-c", program], tmp_path / "round-1.log", 1, 3)
    assert "\n0\n" not in str(error.value)


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no meaning for the policy 'oracle'"):
        swift_for("oracle", "model", None, [])
    with pytest.raises(UsageError, match="needs a model and a recipe"):
        swift_for("swift-infer", "model", None, [])
    with pytest.raises(InputError, match="does not exist"):
        swift_for("swift-infer", "model", tmp_path / "r.yaml", [])
    (tmp_path / "r.yaml").write_text("max_new_tokens: 9\n")
    with pytest.raises(UsageError, match="cannot be read"):
        swift_for("swift-infer", "model", tmp_path / "r.yaml", ["--system 'be"])
    found = swift_for("swift-infer", "model", tmp_path / "r.yaml", ["--temperature 1", "--system 'be brief'"])
    assert found is not None
    assert found.arguments == ("--temperature", "1", "--system", "be brief")
