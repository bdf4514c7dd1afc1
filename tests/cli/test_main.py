"""Bad input ends with exit status 2 and a message that says the way out, never with a traceback."""

import os
import subprocess
from pathlib import Path

import pytest


def ordebug(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ordebug", *arguments], capture_output=True, text=True, env=os.environ | environment)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["problems", "check", "{tmp}/none"], "is not a problem set"),
        (["problems", "show", "{tmp}/none"], "is not a problem set"),
        (["problems", "generate", "--out", "{tmp}/set", "--types", "Q"], "unknown error type Q"),
        (["problems", "generate", "--out", "{tmp}/set", "--rows", "many"], "number of rows"),
        (["rollout", "--policy", "guess", "--problems", "{tmp}", "--out", "{tmp}/run"], "guess"),
        (["score", "{tmp}/none.jsonl", "--problems", "{tmp}/none", "--out", "{tmp}/run"], "none"),
        (["report", "{tmp}/none"], "none"),
        (["tiny", "build", "--data", "{tmp}/none.jsonl", "--out", "{tmp}/tiny"], "does not exist"),
    ],
)
def test_errors_say_what_to_do(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = ordebug(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert "error: " in done.stderr and says in done.stderr and "fix: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_set_is_made_proved_selected_and_shown(tmp_path: Path) -> None:
    out = f"{tmp_path}/set"
    assert ordebug("problems", "generate", "--out", out, "--count", "6", "--workers", "1").returncode == 0
    assert "6 of 6 problems proved" in ordebug("problems", "check", out, "--workers", "1").stdout
    shown = ordebug("problems", "show", out).stdout
    assert "[user]" in shown and "Action: DROP_CONSTRAINT(" in shown and "[truth]" in shown
    some = ordebug(
        "problems", "select", out, "--ids", f"{out}/problems.jsonl", "--limit", "2", "--out", f"{tmp_path}/two"
    )
    assert some.returncode == 0 and "2 problems" in some.stdout


def test_a_set_that_lies_exits_1(tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert ordebug("problems", "generate", "--out", str(out), "--count", "2", "--workers", "1").returncode == 0
    listed = out / "problems.jsonl"
    listed.write_text(listed.read_text().replace('"original_objective": ', '"original_objective": 9'))
    done = ordebug("problems", "check", str(out), "--workers", "1")
    assert done.returncode == 1 and "0 of 2 problems proved" in done.stdout


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "at most"), ("latin-1", r"\u4ea7"), ("utf-8", r"\ud83d")])
def test_text_that_the_terminal_cannot_show_is_no_error(tmp_path: Path, encoding: str, shown: str) -> None:
    out = tmp_path / "set"
    assert ordebug("problems", "generate", "--out", str(out), "--count", "1", "--workers", "1").returncode == 0
    listed = out / "problems.jsonl"
    listed.write_text(listed.read_text().replace('"description": "', '"description": "\\u4ea7 \\ud83d '))
    done = ordebug("problems", "show", str(out), PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
