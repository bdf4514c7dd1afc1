import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner, Result

from ordebug.cli import data
from ordebug.cli.sft_data import sft_data
from ordebug.core.errors import InputError, UsageError
from ordebug.env.action import ActionSet
from ordebug.env.renderer import Profile

GOOD = {"instruction": "Debug.", "input": "ID: p", "output": "<think>a</think>Action: SUBMIT()"}


def run(*words: object) -> Result:
    return CliRunner().invoke(data.app, [str(word) for word in words])


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_convert_says_what_it_did(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [GOOD, {**GOOD, "output": "Action: SUBMIT()"}])
    done = run("convert", path, "--out", tmp_path / "sft.jsonl")
    assert done.exit_code == 0, done.output
    assert "2 rows read, 2 written" in done.output
    assert f"warning no_thought: 1, first at {path}:2" in done.output


@pytest.mark.parametrize("bad", [b"5", b'{"output": "caf\xe9"}', b'{"output": NaN}'])
def test_convert_with_bad_rows_exits_1_and_keeps_the_others(tmp_path: Path, bad: bytes) -> None:
    path = write(tmp_path / "rows.jsonl", [GOOD])
    path.write_bytes(path.read_bytes() + bad + b"\n")
    done = run("convert", path, "--out", tmp_path / "sft.jsonl", "--json")
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert (told["written"], told["rejected"], told["reasons"][0]["place"]) == (1, 1, f"{path}:2")
    assert len((tmp_path / "sft.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--strict"], InputError, r"rows\.jsonl:2: a JSON int"),
        (["--profile", "names"], UsageError, "no problems were given"),
        (["--profile", "algebra"], UsageError, "no problems were given"),
        (["--problems", "."], UsageError, "keeps the file's own text"),
        (["--profile", "names", "--problems", "nowhere"], InputError, "not a problem set"),
    ],
)
def test_what_the_user_must_change(tmp_path: Path, words: list[str], error: type[Exception], said: str) -> None:
    path = write(tmp_path / "rows.jsonl", [GOOD, 5])
    done = run("convert", path, "--out", tmp_path / "sft.jsonl", *words)
    with pytest.raises(error, match=said):
        raise done.exception or AssertionError(done.output)
    assert not (tmp_path / "sft.jsonl").exists()


def test_split(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [{**GOOD, "input": f"ID: p{index}\nat most {index}"} for index in range(40)])
    run("convert", path, "--out", tmp_path / "sft.jsonl")
    words = ("split", tmp_path / "sft.jsonl", "--out", tmp_path / "parts", "--by", "problem")
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    assert {name: part["rows"] for name, part in json.loads(done.output)["parts"].items()} == {
        "train": 36,
        "val": 2,
        "test": 2,
    }
    again = run(*words)
    assert "val: 2 rows (5.0%, 5.0% asked), 2 groups" in again.output
    assert "warning: 1 masked texts are in two parts" in again.output
    for more, said in ((["--by", "text"], "the largest of 40 rows"), (["--folds", 2, "--val", 0.1], "Leave out --val")):
        refused = run(*words[:2], "--out", tmp_path / "other", *more)
        with pytest.raises(UsageError, match=said):
            raise refused.exception or AssertionError(refused.output)


def test_split_names_the_line_of_a_number_it_could_not_write(tmp_path: Path) -> None:
    run("convert", write(tmp_path / "rows.jsonl", [GOOD]), "--out", tmp_path / "sft.jsonl")
    row = json.loads((tmp_path / "sft.jsonl").read_text())
    path = write(tmp_path / "scored.jsonl", [{**row, "score": 1.0}, {**row, "score": math.nan}])
    done = run("split", path, "--out", tmp_path / "parts")
    with pytest.raises(InputError, match=r"scored\.jsonl:2: not JSON .NaN is not a finite number"):
        raise done.exception or AssertionError(done.output)


def test_sft_data_refuses_what_is_no_run(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(sft_data)
    done = CliRunner().invoke(app, [str(tmp_path), "--out", str(tmp_path / "sft.jsonl")])
    with pytest.raises(InputError, match=r"manifest\.json does not exist"):
        raise done.exception or AssertionError(done.output)


def test_choices_are_the_environments_own() -> None:
    assert set(get_args(data.ProfileName)) == set(get_args(Profile))
    assert set(get_args(data.ActionSetName)) == set(get_args(ActionSet))


def test_importing_the_commands_is_light() -> None:
    code = (
        "import sys; import ordebug.cli.data, ordebug.cli.sft_data;"
        "print([name for name in ('pydantic', 'gurobipy', 'torch', 'swift', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
