"""Which stages can run on this machine, and what to install for the others."""

import shlex
import shutil
import sys
from dataclasses import dataclass, field

from ordebug.swift_recipes.machine import DRIVER, GPU, Gurobi, installed, unmet, wanted

STAGES = ("data", "train", "serve", "evaluate", "grpo")
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
        stage.missing.append("Python 3.11")
        stage.commands.append("PYTHON=python3.11 bash shell/setup.sh")
    extras = () if name in ("data", "evaluate") else ("train",)
    declared = wanted(("", *extras))
    if not declared:
        stage.missing.append("ordebug itself (not installed)")
        stage.commands.append("pip install --no-deps -e .")
    _packages(stage, unmet(declared))
    if name in ("data", "evaluate", "grpo"):
        _solver(stage, solver)
    if name == "data" and unmet(["tiktoken", "dashscope"]):
        stage.notes.append("lengths are counted in characters; pip install tiktoken dashscope")
    if name in ("train", "serve", "grpo"):
        _gpus(stage, cards, free)
    return stage


def _packages(stage: Stage, names: list[str]) -> None:
    if names:
        stage.missing += [f"{name} ({_have(name)})" for name in names]
        stage.commands.append(f"pip install {shlex.join(names)}")


def _have(requirement: str) -> str:
    from packaging.requirements import Requirement

    have = installed(Requirement(requirement).name)
    return f"{have} is installed" if have else "not installed"


def _solver(stage: Stage, solver: Gurobi) -> None:
    if not solver.works and installed("highspy") is None:
        stage.missing.append(f"a solver: {solver.said}; HiGHS is not installed")
        stage.commands.append("pip install highspy")
    elif not solver.works:
        stage.notes.append(f"with HiGHS alone: {solver.said}")


def _gpus(stage: Stage, cards: list[GPU], free: float | None) -> None:
    if not cards:
        stage.notes.append("no NVIDIA GPU: the small model alone, on the CPU")
        if stage.name == "train" and shutil.which("g++") is None:
            stage.missing.append("g++ (DeepSpeed compiles one operation for CPUs)")
            stage.commands.append("apt-get install g++")
        return
    if stage.name in ("serve", "grpo"):
        _packages(stage, unmet([each for each in wanted(("gpu",)) if each.startswith("vllm")]))
    if 0 < min(card.driver for card in cards) < DRIVER:
        stage.missing.append(f"an NVIDIA driver of at least {DRIVER}, for CUDA 13")
        stage.commands.append(f"apt-get install nvidia-driver-{DRIVER}  # or as the machine's owner does it")
    if free is not None and free < DISK:
        stage.notes.append(f"{free:.0f} GiB free here; a run of Qwen3-8B wants {DISK}")
