import ast
import json
from pathlib import Path
from typing import get_args

import pytest
import yaml
from typer.testing import CliRunner

from ordebug.cli import data, data_export
from ordebug.converters.export.folder import export_file
from ordebug.converters.export.frameworks import FRAMEWORKS, FrameworkName
from ordebug.converters.messages import SFTRow, Turn, read_sft_rows
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_rows, write_rows

ANSWER = "<think>\nwhy\n</think>\n\nAction: DROP_CONSTRAINT(c1)"
ROOT = Path(__file__).resolve().parents[3]


def row(decisions: int = 1) -> SFTRow:
    turns = [Turn(role="user", content="é state"), Turn(role="assistant", content=ANSWER)] * decisions
    return SFTRow(messages=(Turn(role="system", content="Repair."), *turns), problem_id="p1", error_type="A")


def sft_file(folder: Path, *rows: SFTRow) -> Path:
    write_rows(folder / "rows.jsonl", (row.model_dump() for row in rows))
    return folder / "rows.jsonl"


@pytest.mark.parametrize("name", get_args(FrameworkName))
@pytest.mark.parametrize("decisions", [1, 2])
def test_every_row_is_there_with_its_ids_and_the_settings_can_be_read(
    tmp_path: Path, name: FrameworkName, decisions: int
) -> None:
    source = sft_file(tmp_path, row(), row(decisions))
    done = export_file(source, tmp_path / "out", name)
    assert (done.rows, done.conversations) == (2, decisions - 1)
    assert sorted([*done.files, "manifest.json"]) == sorted(path.name for path in (tmp_path / "out").iterdir())
    written = [line for _, line in read_rows(tmp_path / "out" / "train.jsonl")]
    turns = [line["messages"] if "messages" in line else line["prompt"] + line["completion"] for line in written]
    assert [[Turn(**turn) for turn in each] for each in turns] == [list(row.messages) for row in read_sft_rows(source)]
    assert {line["problem_id"] for line in written} == {"p1"}
    for file in done.files[1:]:
        text = (tmp_path / "out" / file).read_text()
        {".json": json.loads, ".yaml": yaml.safe_load, ".py": ast.parse}[Path(file).suffix](text)
        assert "train.jsonl" in text or name == "llamafactory"
        assert FRAMEWORKS[name].version in text or file.endswith(".json")


def test_the_settings_are_those_of_the_recipe(tmp_path: Path) -> None:
    recipe = yaml.safe_load((ROOT / "swift_recipes" / "sft" / "qwen3_8b_lora.yaml").read_text())
    source = sft_file(tmp_path, row())
    names = {"llamafactory": ("model_name_or_path", "lora_rank", "cutoff_len", "num_train_epochs"),
             "trl": ("model_name_or_path", "lora_r", "max_length", "num_train_epochs"),
             "axolotl": ("base_model", "lora_r", "sequence_len", "num_epochs")}  # fmt: skip
    for name, keys in names.items():
        export_file(source, tmp_path / name, name)  # type: ignore[arg-type]
        held = yaml.safe_load((tmp_path / name / "train.yaml").read_text())
        wanted = [recipe[key] for key in ("model", "lora_rank", "max_length", "num_train_epochs")]
        assert [held[key] for key in keys] == wanted
        same = ("lora_alpha", "lora_dropout", "learning_rate", "gradient_accumulation_steps", "weight_decay", "seed")
        assert {key: held[key] for key in same} == {key: recipe[key] for key in same}


def test_conversations_change_the_settings(tmp_path: Path) -> None:
    export_file(sft_file(tmp_path, row()), tmp_path / "single", "trl")
    export_file(sft_file(tmp_path, row(), row(2)), tmp_path / "chat", "trl")
    single, chat = (yaml.safe_load((tmp_path / name / "train.yaml").read_text()) for name in ("single", "chat"))
    assert single["completion_only_loss"] and "assistant_only_loss" not in single
    assert chat["assistant_only_loss"] and "completion_only_loss" not in chat


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    source = sft_file(tmp_path, row())
    with pytest.raises(UsageError, match="holds something else"):
        export_file(source, tmp_path, "trl")
    export_file(source, tmp_path / "out", "trl")
    assert export_file(source, tmp_path / "out", "trl").rows == 1
    with pytest.raises(UsageError, match="holds something else"):
        export_file(source, tmp_path / "out", "axolotl")


def test_a_broken_manifest_is_something_else(tmp_path: Path) -> None:
    source = sft_file(tmp_path, row())
    (tmp_path / "out").mkdir()
    for text in ("", "[]", '{"config": []}', '{"config": {"framework": "x"}}'):
        (tmp_path / "out" / "manifest.json").write_text(text)
        with pytest.raises(UsageError, match="holds something else"):
            export_file(source, tmp_path / "out", "trl")


@pytest.mark.parametrize("text", ["", "{}\n", '{"instruction": "a"}\n', "[\n"])
def test_what_is_no_sft_file_is_refused_and_nothing_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"holds no row|not an SFT row|not JSON"):
        export_file(tmp_path / "rows.jsonl", tmp_path / "out", "trl")
    assert not (tmp_path / "out").exists()


def test_the_command(tmp_path: Path) -> None:
    words = [str(sft_file(tmp_path, row(), row(2))), "--to", "llamafactory", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(data.app, ["export", *words])
    assert done.exit_code == 0, done.output
    assert "2 rows (1 whole conversations) for llamafactory" in done.output
    assert "llamafactory-cli train train.yaml" in done.output
    told = json.loads(CliRunner().invoke(data.app, ["export", *words, "--json"]).output)
    assert (told["rows"], told["conversations"], told["files"][0]) == (2, 1, "train.jsonl")
    assert get_args(data_export.FrameworkName) == get_args(FrameworkName)
