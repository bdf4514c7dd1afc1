import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner, Result

from ordebug.cli import data
from ordebug.cli.data_audit import ActionSetName
from ordebug.core.errors import InputError, ToolError, UsageError
from ordebug.env.action import ActionSet

GOOD = {
    "instruction": "Debug.",
    "input": "ID: p\nConflicting Constraints: ['c1']",
    "output": "<think>\nc1\n</think>\n\nAction: DROP_CONSTRAINT(c1)",
}


def run(*words: object) -> Result:
    return CliRunner().invoke(data.app, ["audit", *map(str, words), "--workers", "1"])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "good.jsonl", [GOOD])


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_warnings_exit_0_and_errors_1(good: Path, tmp_path: Path) -> None:
    done = run(good)
    assert done.exit_code == 0, done.output
    assert "1 rows: 0 errors, 1 warning, 1 note" in done.output.replace("\n", " ")
    done = run(write(tmp_path / "bad.jsonl", [GOOD, 5]))
    assert done.exit_code == 1
    assert "error unreadable: 1 of 2 rows (50 %)" in done.output
    assert "fix: Mend or drop them" in done.output


def test_json(good: Path, tmp_path: Path) -> None:
    done = run(good, write(tmp_path / "more.jsonl", [GOOD]), "--json", "--max-length", 20)
    told = json.loads(done.stdout)
    assert (told["rows"], len(told["files"]), told["errors"]) == (2, 2, 0)
    findings = {finding["kind"]: finding for finding in told["findings"]}
    assert findings["duplicate"]["examples"][0]["place"].endswith("more.jsonl:1")
    assert findings["too_long"]["count"] == 2
    assert {"severity", "title", "count", "of", "share", "advice", "figures"} <= findings["duplicate"].keys()


def test_html_is_written_whole(good: Path, tmp_path: Path) -> None:
    page = tmp_path / "out" / "audit.html"
    assert run(good, "--html", page).exit_code == 0
    assert page.read_text().rstrip().endswith("</html>")
    done = run(good, "--html", good)
    with pytest.raises(UsageError, match="is an input"):
        raise done.exception or AssertionError(done.output)


def test_without_qwens_tokens_lengths_are_characters(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> None:
        raise ToolError("dashscope is missing.", "pip install dashscope")

    monkeypatch.setattr("ordebug.swift_recipes.qwen_lengths.conversation_lengths", missing)
    told = json.loads(run(good, "--json", "--max-length", 1).stdout)
    findings = {finding["kind"]: finding for finding in told["findings"]}
    assert findings["lengths_unknown"]["advice"] == "pip install dashscope"
    assert "too_long" not in findings


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["missing.jsonl"], InputError, "does not exist"),
        (["good.jsonl", "--problems", "nowhere"], InputError, "not a problem set"),
        (["."], InputError, "is a folder"),
    ],
)
def test_what_the_user_must_change(
    good: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], error: type[Exception], said: str
) -> None:
    monkeypatch.chdir(good.parent)
    done = run(*words)
    with pytest.raises(error, match=said):
        raise done.exception or AssertionError(done.output)


def test_markup_in_a_file_is_text(tmp_path: Path) -> None:
    done = run(
        write(tmp_path / "odd.jsonl", [{**GOOD, "output": "<think>\n[bold]x_1[/] [/red]\n</think>\n\nAction: [/]"}])
    )
    assert done.exit_code == 1
    assert "[/]" in done.output


def test_choices_are_the_environments_own() -> None:
    assert set(get_args(ActionSetName)) == set(get_args(ActionSet))


def test_importing_the_command_is_light() -> None:
    code = (
        "import sys, ordebug.cli.data_audit; print([n for n in ('pydantic', 'numpy', 'tiktoken') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
