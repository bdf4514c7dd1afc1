"""Provenance: what exactly produced a folder of results."""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SOURCE = Path(__file__).resolve().parent.parent
PACKAGES = {
    "ordebug": "ordebug",
    "ms-swift": "ms-swift",
    "transformers": "transformers",
    "torch": "torch",
    "deepspeed": "deepspeed",
    "vllm": "vllm",
    "gurobi": "gurobipy",
}
WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth")
NOT_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state")


def package_versions() -> dict[str, str | None]:
    """Installed versions by name; None where a package is absent."""
    return {name: _version(package) for name, package in PACKAGES.items()}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_sha256(model: str) -> dict[str, str]:
    """Digests of a model folder's weights by file name; none where the model is not a folder of this machine."""
    folder = Path(model)
    files = {file for pattern in WEIGHTS for file in folder.glob(pattern)} if folder.is_dir() else set()
    return {file.name: sha256_file(file) for file in sorted(files) if not file.name.startswith(NOT_WEIGHTS)}


def sha256_text(text: str) -> str:
    """Hex digest of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def git_commit() -> str | None:
    """The commit of this source tree, with ``-dirty`` when files differ; None where it is no repository of its own."""
    if not (SOURCE / ".git").exists():  # installed into a folder of another repository
        return None
    command = ["git", "-C", str(SOURCE), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() or None


def hardware() -> dict[str, Any]:
    """What the machine is, without its name."""
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _gpus(),
    }


def _gpus() -> list[str]:
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return run.stdout.strip().splitlines() if run.returncode == 0 else []


def manifest(config: Mapping[str, Any], data: Mapping[str, Path], **parts: Any) -> dict[str, Any]:
    """A manifest.

    Args:
        config: The settings of the run; their hash decides whether two runs may share a folder.
        data: Input files by name; each is recorded with its SHA-256.
        **parts: Further entries, such as solver parameters and format versions.
    """
    return {
        "command": shlex.join(sys.argv),
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "versions": package_versions(),
        "hardware": hardware(),
        "config": dict(config),
        "data": {name: {"path": str(path), "sha256": sha256_file(path)} for name, path in data.items()},
        **parts,
    }
