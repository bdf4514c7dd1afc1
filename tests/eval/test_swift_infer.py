import sys
from pathlib import Path

import pytest

from ordebug.core.errors import InputError, ToolError, UsageError
from ordebug.eval.rollout import swift_for
from ordebug.eval.swift_infer import SwiftInfer, call, swift_program


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
    program = "import sys; print('\\n'.join(map(str, range(50))), flush=True); sys.exit('no such model')"
    with pytest.raises(ToolError, match=r"status 1(.|\n)*49\nno such model") as error:
        call([sys.executable, "-c", program], tmp_path / "round-1.log")
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


def test_an_adapter_that_vllm_does_not_take_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "base", "modules_to_save": ["lm_head"]}')
    recipe = tmp_path / "r.yaml"
    recipe.write_text("infer_backend: vllm\n")
    with pytest.raises(UsageError, match="holds whole layers") as caught:
        swift_for("swift-infer", str(tmp_path), recipe, [])
    assert f"shell/merge.sh {tmp_path} {tmp_path}-merged" in caught.value.fix
    assert swift_for("swift-infer", str(tmp_path), recipe, ["--infer_backend transformers"])
    assert swift_for("swift-infer", str(tmp_path), recipe, ["--merge_lora true"])
