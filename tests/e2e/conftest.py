"""The real tools, each started as a user would."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run_script(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "shell" / name), *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True)


@pytest.fixture(scope="session")
def tiny_job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 64 problems, their oracle rows and a small Qwen3."""
    folder = tmp_path_factory.mktemp("tiny-job")
    for command in (
        [
            "problems",
            "generate",
            "--out",
            f"{folder}/train",
            "--count",
            "64",
            "--types",
            "A,D",
            "--families",
            "production",
            "--seed",
            "7",
        ],
        [
            "rollout",
            "--policy",
            "oracle",
            "--problems",
            f"{folder}/train",
            "--out",
            f"{folder}/oracle",
            "--max-steps",
            "5",
        ],
        ["sft-data", f"{folder}/oracle", "--out", f"{folder}/train.jsonl"],
        ["tiny", "build", "--data", f"{folder}/train.jsonl", "--out", f"{folder}/tiny"],
    ):
        done = subprocess.run(["ordebug", *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder
