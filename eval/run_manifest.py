"""What a run's manifest says, and which of it must agree before two runs may share a folder or a reply."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ordebug.core.manifest import manifest, sha256_file, weights_sha256
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import RENDERER_VERSION
from ordebug.env.reward import REWARD_VERSION
from ordebug.env.solvers.gurobi import solver_manifest
from ordebug.env.solvers.highs_engine import highs_manifest
from ordebug.eval.metrics import METRICS_VERSION

WHERE_TO_FIND = ("problems", "model", "recipe")
SINCE_ADDED = {"solver": "auto"}
"""Settings that older manifests do not name, with what held then."""
COMPARED_VERSIONS = ("renderer_version", "reward_version")


def run_manifest(
    config: Mapping[str, Any], problems: ProblemSet, data: Mapping[str, Path], model: str | None = None
) -> dict[str, Any]:
    """The manifest of a run.

    Args:
        config: The settings.
        problems: What is played; its list and its model files are hashed.
        data: Further input files by name.
        model: The folder whose weights answered.
    """
    parts: dict[str, Any] = {"model": weights_sha256(model)} if model else {}
    found = manifest(
        config,
        {"problems": problems.source, **data},
        solver=highs_manifest() if config.get("solver") == "highs" else solver_manifest(),
        elastic_solver=highs_manifest(),
        renderer_version=RENDERER_VERSION,
        reward_version=REWARD_VERSION,
        metrics_version=METRICS_VERSION,
        **parts,
    )
    found["data"]["models"] = {"path": str(problems.folder), "sha256": models_sha256(problems)}
    return found


def models_sha256(problems: ProblemSet) -> str:
    """One digest over the problems' model files, broken and clean: each name and its bytes, or that it is missing."""
    names = dict.fromkeys(
        name for problem in problems for name in (problem.model_file, problem.clean_model_file) if name is not None
    )
    total = hashlib.sha256()
    for name in names:
        file = problems.folder / name
        total.update(f"{name!r} {sha256_file(file) if file.is_file() else 'missing'}\n".encode())
    return total.hexdigest()


def identity(found: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a manifest that every reply and episode depends on. Of files the content counts, not the path."""
    config, versions = found["config"], {name: found.get(name) for name in COMPARED_VERSIONS}
    settings = SINCE_ADDED | {name: value for name, value in config.items() if name not in WHERE_TO_FIND}
    return {
        "settings": settings | versions,
        "contents": {name: entry["sha256"] for name, entry in found.get("data", {}).items()},
        "model": found.get("model") or config.get("model"),
    }


def settings_differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """What keeps two manifests from sharing a folder."""
    old, new = identity(stored), identity(wanted)
    for name, there, now in _differences(old["settings"], new["settings"]):
        yield f"{name} is {there!r} there and {now!r} now"
    for name, _, _ in _differences(old["contents"], new["contents"]):
        yield f"the content of {name} differs"
    models = old["model"], new["model"]
    if models[0] != models[1]:
        named = any(isinstance(model, str) for model in models)
        yield f"model is {models[0]!r} there and {models[1]!r} now" if named else "the model's weights differ"


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys((*new, *old)):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)
