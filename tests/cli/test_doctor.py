"""The doctor on this machine, and on machines that are odd."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordebug.cli.main import app
from ordebug.swift_recipes import machine
from ordebug.swift_recipes.machine import GPU, Gurobi
from ordebug.swift_recipes.stages import STAGES, Stage, stages

A800 = GPU("NVIDIA A800-SXM4-80GB", 80.0, 580)
LICENSED = Gurobi(True, False, "13.0.3, models of any size")


def by_name(cards: list[GPU], solver: Gurobi = LICENSED, free: float | None = 500.0) -> dict[str, Stage]:
    return {stage.name: stage for stage in stages(cards, solver, free)}


def test_this_machine_can_do_what_the_tests_do() -> None:
    done = CliRunner().invoke(app, ["doctor", "--stage", "data", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert list(told["stages"]) == list(STAGES) and told["stages"]["evaluate"]["ready"]
    assert told["machine"]["Gurobi"].startswith("13.")


def test_it_is_quick_and_imports_nothing_heavy() -> None:
    code = """
import sys
from typer.testing import CliRunner
from ordebug.cli.main import app
assert CliRunner().invoke(app, ["doctor"]).exit_code == 0
assert not {"torch", "swift", "transformers", "vllm", "gurobipy"} & set(sys.modules)
"""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert time.monotonic() - started < 20  # 2 s alone; the limit is for machines at work


def test_a_gpu_wants_vllm_and_its_driver() -> None:
    found = by_name([A800])
    if machine.installed("vllm") is None:
        assert found["serve"].missing == ["vllm==0.28.0 (not installed)"]
        assert found["serve"].commands == ["pip install vllm==0.28.0"] == found["grpo"].commands
    old = by_name([A800, GPU("NVIDIA A800-SXM4-80GB", 80.0, 535)], free=10.0)["train"]
    assert "an NVIDIA driver of at least 580, for CUDA 13" in old.missing
    assert "10 GiB free here; a run of Qwen3-8B wants 60" in old.notes
    assert by_name([GPU("unknown", 0.0, 0)])["data"].ready


def test_a_licence_that_fails_leaves_highs() -> None:
    found = by_name([], Gurobi(False, False, "the licence expired"))
    assert found["evaluate"].ready and found["evaluate"].notes == ["with HiGHS alone: the licence expired"]


def test_other_versions_are_missing() -> None:
    assert machine.unmet(["typer>=0.20", "typer<0.1", "no-such-package-at-all>=1"]) == [
        "typer<0.1",
        "no-such-package-at-all>=1",
    ]


@pytest.mark.parametrize(
    "says",
    ["exit 9", "exit 0", "echo garbage", "echo 'A, B, C, D'", "echo 'NVIDIA, [N/A], [N/A]'", "head -c 99 /dev/urandom"],
)
def test_odd_drivers(tmp_path: Path, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{says}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    assert all(isinstance(card, GPU) for card in machine.gpus())
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_no_tool_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.gpus() == []
    assert machine.free_gib(tmp_path / "none") is None
    found = by_name([])["train"]
    assert "g++ (DeepSpeed compiles one operation for CPUs)" in found.missing and not found.ready
    assert CliRunner().invoke(app, ["doctor", "--stage", "train"]).exit_code == 1


def test_an_unreachable_address() -> None:
    assert not machine.reachable("http://127.0.0.1:9", seconds=1)
    assert not machine.reachable("no address")
