"""A run's folder: its manifest, the episodes already played, and the refusal to mix settings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import append_rows, read_json, write_json
from ordebug.core.manifest import manifest, sha256_file
from ordebug.env.episode import Episode, read_episodes
from ordebug.env.renderer import RENDERER_VERSION
from ordebug.env.reward import REWARD_VERSION
from ordebug.env.solvers.gurobi import solver_manifest

METRICS_VERSION = 1
"""Raised whenever a metric's definition changes."""

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth")
NOT_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state")
WHERE_TO_FIND = ("problems", "model", "recipe")
Key = tuple[str, int]


def weights_sha256(model: str) -> dict[str, str]:
    """Digests of a model folder's weights by file name; none where the model is not a folder of this machine."""
    folder = Path(model)
    files = {file for pattern in WEIGHTS for file in folder.glob(pattern)} if folder.is_dir() else set()
    return {file.name: sha256_file(file) for file in sorted(files) if not file.name.startswith(NOT_WEIGHTS)}


def run_manifest(config: Mapping[str, Any], data: Mapping[str, Path], model: str | None = None) -> dict[str, Any]:
    """The manifest of a run.

    Args:
        config: The settings.
        data: Input files by name.
        model: The folder whose weights answered.
    """
    parts: dict[str, Any] = {"model": weights_sha256(model)} if model else {}
    return manifest(
        config,
        data,
        solver=solver_manifest(),
        renderer_version=RENDERER_VERSION,
        reward_version=REWARD_VERSION,
        metrics_version=METRICS_VERSION,
        **parts,
    )


@dataclass(frozen=True)
class RunFolder:
    """A folder with ``manifest.json`` and ``episodes.jsonl``; whatever else lies in it is left alone."""

    path: Path

    @property
    def name(self) -> str:
        """What reports call the run."""
        return self.path.resolve().name

    @property
    def manifest_file(self) -> Path:
        """Where the settings stand."""
        return self.path / "manifest.json"

    @property
    def metrics_file(self) -> Path:
        """Where the numbers stand."""
        return self.path / "metrics.json"

    def episodes_file(self, anchor: str | None = None) -> Path:
        """Where the episodes of the run, or of an anchor beside it, stand."""
        return self.path / "anchors" / f"{anchor}.jsonl" if anchor else self.path / "episodes.jsonl"

    def open(self, wanted: dict[str, Any]) -> None:
        """Begins the run, or goes on with it where the folder holds one of the same settings.

        Raises:
            UsageError: If the folder holds a run of other settings.
        """
        if self.manifest_file.is_file():
            self._refuse_others(wanted)
        elif self.episodes_file().exists():
            raise UsageError(
                f"{self.path} holds episodes.jsonl but no manifest.json, so nobody knows their settings.",
                "Give another folder with --out, or delete that file.",
            )
        else:
            write_json(self.manifest_file, wanted)
        for file in (self.episodes_file(), *self.path.glob("anchors/*.jsonl")):
            drop_torn_line(file)

    def read_manifest(self) -> dict[str, Any]:
        """The manifest.

        Raises:
            InputError: If the folder holds no run.
        """
        found = read_json(self.manifest_file, "a run's manifest")
        if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
            raise InputError(
                f"{self.manifest_file}: not a run's manifest.", "Give a folder that ordebug rollout wrote."
            )
        return found

    def read_metrics(self) -> dict[str, Any]:
        """The numbers.

        Raises:
            InputError: If the run was not finished.
        """
        if not self.metrics_file.is_file():
            raise InputError(
                f"{self.path} has no metrics.json.", "Finish the run: give the command that began it again."
            )
        found = read_json(self.metrics_file, "a run's metrics")
        if not isinstance(found, dict) or "overall" not in found:
            raise InputError(f"{self.metrics_file}: not a run's metrics.", "Delete it and run the command again.")
        return found

    def episodes(self, anchor: str | None = None) -> Iterator[Episode]:
        """The episodes so far."""
        file = self.episodes_file(anchor)
        return read_episodes(file) if file.is_file() else iter(())

    def finished(self, anchor: str | None = None) -> set[Key]:
        """Which (problem, sample) pairs need not be played again."""
        return {(episode.problem_id, episode.sample) for episode in self.episodes(anchor)}

    def append(self, episodes: Iterable[Episode], anchor: str | None = None) -> None:
        """Adds episodes."""
        append_rows(self.episodes_file(anchor), (episode.model_dump(mode="json") for episode in episodes))

    def _refuse_others(self, wanted: dict[str, Any]) -> None:
        differences = list(settings_differences(self.read_manifest(), wanted))
        if differences:
            raise UsageError(
                f"{self.path} holds a run of other settings: {'; '.join(differences)}.",
                "Give another folder with --out, or delete this one.",
            )


def settings_differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """What keeps two manifests from sharing a folder. Of files the content counts, not the path."""
    versions = ("renderer_version", "reward_version")
    old, new = ({**part["config"], **{name: part.get(name) for name in versions}} for part in (stored, wanted))
    for name in dict.fromkeys((*new, *old)):
        if name not in WHERE_TO_FIND and old.get(name) != new.get(name):
            yield f"{name} is {old.get(name)!r} there and {new.get(name)!r} now"
    for name in dict.fromkeys((*wanted["data"], *stored.get("data", {}))):
        if _digest(stored, name) != _digest(wanted, name):
            yield f"the content of {name} differs"
    if stored.get("model") != wanted.get("model"):
        yield "the model's weights differ"
    elif not wanted.get("model") and old.get("model") != new.get("model"):
        yield f"model is {old.get('model')!r} there and {new.get('model')!r} now"


def _digest(part: Mapping[str, Any], name: str) -> str | None:
    entry = part.get("data", {}).get(name)
    return entry["sha256"] if entry else None


def drop_torn_line(file: Path) -> None:
    """Removes a last line that was cut off while it was written."""
    if not file.is_file():
        return
    with file.open("rb+") as opened:
        content = opened.read()
        if content and not content.endswith(b"\n"):
            opened.truncate(content.rfind(b"\n") + 1)
