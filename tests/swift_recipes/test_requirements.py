"""The locked sets satisfy what is declared; resolving them anew needs a package index, so it is not done here."""

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
