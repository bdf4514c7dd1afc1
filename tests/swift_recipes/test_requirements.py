"""The locked sets satisfy what is declared, and the GPU set, which no machine of ours installs, resolves."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent


def locked(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(package): version.split()[0] for package, version in pairs}


@pytest.mark.parametrize(("name", "extras"), [("cpu", ("train",)), ("gpu", ("train", "gpu"))])
def test_the_lock_has_all_that_is_declared(name: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(each for extra in extras for each in project["optional-dependencies"][extra]),
    ]
    have = locked(name)
    for requirement in map(Requirement, declared):
        version = have.get(canonicalize_name(requirement.name))
        assert version is not None and requirement.specifier.contains(version), requirement


def test_both_sets_train_alike() -> None:
    cpu, gpu = locked("cpu"), locked("gpu")
    for package in (
        "ms-swift",
        "torch",
        "transformers",
        "trl",
        "peft",
        "datasets",
        "deepspeed",
        "accelerate",
        "gurobipy",
    ):
        assert cpu[package] == gpu[package], package


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """uv, which reads the metadata of a package without its wheel; pip would download gigabytes."""
    folder = tmp_path_factory.mktemp("uv")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "uv==0.13.9"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no package index to resolve with: {done.stderr.strip().splitlines()[-1][:200]}")
    return [str(folder / "bin" / "uv"), "--no-config", "--quiet", "--cache-dir", str(folder / "cache"), "pip"]


@pytest.mark.slow
def test_the_gpu_set_is_what_its_ranges_resolve_to(uv: list[str]) -> None:
    """As its head says it was made, with the lock as constraints, so that newer releases change nothing."""
    command = [*uv, "compile", "pyproject.toml", "--extra", "train", "--extra", "gpu", "--python-version", "3.11"]
    command += ["--python-platform", "x86_64-manylinux_2_28", "--no-header", "--no-annotate"]
    command += ["--constraint", "requirements/gpu.txt", "--system-certs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lock = [line for line in (ROOT / "requirements" / "gpu.txt").read_text().splitlines() if not line.startswith("#")]
    assert done.stdout.splitlines() == lock
