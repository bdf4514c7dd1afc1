"""A run's folder: its manifest, the episodes already played, and the refusal to mix settings or processes."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import append_rows, read_json, write_json
from ordebug.env.episode import Episode, read_episodes
from ordebug.eval.metrics import METRICS, METRICS_VERSION
from ordebug.eval.run_manifest import settings_differences

Key = tuple[str, int]
"""What tells episodes of one policy apart: the problem and which attempt at it."""

LOCK = ".lock"
REPLIES = "replies.jsonl"
REMAINS = ("episodes.jsonl", "anchors", "infer", REPLIES, "metrics.json", "quality.jsonl")
METRICS_HOLD = ("policy", "problems", "episodes", "errors", "by_type", "anchors", "anchors_by_type", "paired")


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

    @contextmanager
    def open(self, wanted: dict[str, Any]) -> Iterator[None]:
        """Begins the run, or goes on with it where the folder holds one of the same settings; locked meanwhile.

        Raises:
            UsageError: If the folder holds a run of other settings, or another process is at work there.
        """
        with locked(self.path):
            if self.manifest_file.is_file():
                self._refuse_others(wanted)
            else:
                self._refuse_remains()
                write_json(self.manifest_file, wanted)
            for file in (self.episodes_file(), *self.path.glob("anchors/*.jsonl")):
                drop_torn_line(file)
            yield

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
            InputError: If the run was not finished, or they are of another version or no run's.
        """
        if not self.metrics_file.is_file():
            raise InputError(
                f"{self.path} has no metrics.json.", "Finish the run: give the command that began it again."
            )
        found = read_json(self.metrics_file, "a run's metrics")
        complaint = _complaint(found)
        if complaint is not None:
            raise InputError(
                f"{self.metrics_file}: {complaint}.", f"Count its episodes again: ordebug score {self.path}"
            )
        return dict(found)

    def episodes(self, anchor: str | None = None) -> list[Episode]:
        """The episodes so far: of each problem and sample the last record, since what ended in error is played again.

        Raises:
            InputError: If an episode is there twice, and not because the first one ended in error.
        """
        file = self.episodes_file(anchor)
        found: dict[Key, Episode] = {}
        for episode in read_episodes(file) if file.is_file() else ():
            key = episode.problem_id, episode.sample
            earlier = found.pop(key, None)
            if earlier is not None and earlier.stop != "error":
                raise InputError(
                    f"{file}: a second episode of {key[0]!r}, sample {key[1]}.",
                    "Two runs wrote there or lines were copied: delete that file and give the run's command again.",
                )
            found[key] = episode
        return list(found.values())

    def finished(self, anchor: str | None = None) -> set[Key]:
        """Which (problem, sample) pairs need not be played again; what ended in error must."""
        return {(episode.problem_id, episode.sample) for episode in self.episodes(anchor) if episode.stop != "error"}

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

    def _refuse_remains(self) -> None:
        remains = [name for name in REMAINS if (self.path / name).exists()]
        if remains:
            raise UsageError(
                f"{self.path} holds {', '.join(remains)} but no manifest.json, so nobody knows their settings.",
                f"Give another folder with --out, or delete all of them: {' '.join(remains)}.",
            )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps every other process out of a run's folder; the lock goes with the process, however that ends.

    Raises:
        UsageError: If another process is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UsageError(
                f"another process is at work in {folder}: {file.read().strip() or 'it has just begun'}.",
                "Wait until it has ended, or give another folder with --out.",
            ) from None
        file.truncate(0)
        print(f"process {os.getpid()}", file=file, flush=True)
        yield


def _complaint(found: Any) -> str | None:
    """Why a JSON document cannot be read as a run's metrics, None where it can."""
    overall = found.get("overall") if isinstance(found, dict) else None
    if not isinstance(overall, dict) or "version" not in found:
        return "not a run's metrics"
    if found["version"] != METRICS_VERSION:
        return f"metrics of version {found['version']}, and this ordebug reads {METRICS_VERSION}"
    missing = [name for name in METRICS_HOLD if name not in found] or sorted(METRICS.keys() - overall.keys())
    return f"not a run's metrics: {', '.join(missing)} missing" if missing else None


def drop_torn_line(file: Path) -> None:
    """Removes a last line that was cut off while it was written."""
    if not file.is_file():
        return
    with file.open("rb+") as opened:
        content = opened.read()
        if content and not content.endswith(b"\n"):
            opened.truncate(content.rfind(b"\n") + 1)
