"""A checkpoint is chosen by what the environment says of it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app

ROOT = Path(__file__).resolve().parent.parent.parent
RECIPE = ROOT / "swift_recipes" / "infer" / "tiny_cpu.yaml"
OPTIONS = ["--max-steps", "1", "--infer-arg", "--max_new_tokens 8", "--workers", "1"]


def select(*words: object) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "shell" / "select.sh"), *(str(word) for word in words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    done = select(tmp_path, RECIPE, tmp_path, tmp_path / "out")
    assert done.returncode == 2 and "holds no checkpoint-*" in done.stderr
    assert select().returncode == 2 and select("--help").returncode == 0


@pytest.mark.slow
def test_of_equals_the_earlier_is_chosen(tmp_path: Path) -> None:
    pytest.importorskip("swift")
    from ordebug.swift_recipes.tiny import build

    rows = tmp_path / "rows.jsonl"
    turns = [{"role": "user", "content": "labor: at most 40"}, {"role": "assistant", "content": "Action: SUBMIT()"}]
    rows.write_text((json.dumps({"messages": turns}) + "\n") * 20)
    build(rows, tmp_path / "checkpoint-9")
    shutil.copytree(tmp_path / "checkpoint-9", tmp_path / "checkpoint-10")
    problems = tmp_path / "problems"
    words = ["problems", "generate", "--out", str(problems), "--count", "1", "--types", "A", "--workers", "1"]
    assert CliRunner().invoke(app, words).exit_code == 0
    done = select(tmp_path, RECIPE, problems, tmp_path / "out", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "best").read_text().strip().endswith("checkpoint-9")
    assert len(done.stdout.splitlines()) == 2 and done.stdout.startswith("op 0.000 [")
