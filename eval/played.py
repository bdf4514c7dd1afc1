"""A run that was played, with what its numbers depend on: its problems, its setting, its scored episodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError
from ordebug.core.manifest import sha256_file
from ordebug.env.policies import ANCHORS
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Setting
from ordebug.eval.metrics import Case
from ordebug.eval.quality import Quality, stored
from ordebug.eval.run_folder import RunFolder
from ordebug.eval.run_manifest import models_sha256
from ordebug.eval.summary import cases_of, metrics_of

KEPT = ("prompts_differ",)
"""What of the numbers was counted when the run was scored, and is no metric."""

PLAYED_WITH = ("profile", "actions", "max_steps", "max_prompt_tokens", "auto_submit", "problems", "limit", "seed")
NEEDED = ("policy", *PLAYED_WITH, "samples")
"""What a manifest must say before any number of its run can be told."""


@dataclass(frozen=True)
class PlayedRun:
    """A run's folder and its problems, which are proved to be those that were played.

    Attributes:
        folder: The run's folder.
        problems_folder: Where its problems lie now; None where the manifest says.
    """

    folder: RunFolder
    problems_folder: Path | None = None

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The run's manifest.

        Raises:
            InputError: If the folder holds no run, or its manifest lacks what every run's has.
        """
        found = self.folder.read_manifest()
        data = found["data"] if isinstance(found.get("data"), dict) else {}
        digests = {name for name, entry in data.items() if isinstance(entry, dict) and "sha256" in entry}
        missing = [name for name in NEEDED if name not in found["config"]]
        missing += [f"data {name}" for name in ("problems", "models") if name not in digests]
        if missing:
            raise InputError(
                f"{self.folder.manifest_file}: not a whole manifest: {', '.join(missing)} missing.",
                "Restore it from where the run was played, or play the run again.",
            )
        return found

    @property
    def config(self) -> dict[str, Any]:
        """The run's settings."""
        config: dict[str, Any] = self.manifest["config"]
        return config

    @cached_property
    def setting(self) -> Setting:
        """What the policies met."""
        config = self.config
        rules = Rules(config["actions"], config["max_steps"], config["auto_submit"], config.get("solver", "auto"))
        return Setting(config["profile"], rules, config["max_prompt_tokens"], config.get("decisions"))

    @cached_property
    def problems(self) -> ProblemSet:
        """The problems.

        Raises:
            InputError: If they are missing or have changed since.
        """
        folder = self.problems_folder or Path(self.config["problems"])
        if not folder.is_dir():
            raise InputError(
                f"{self.folder.path}: its problems are not at {folder}.", "Say where they lie: --problems DIR."
            )
        problems = read_problem_set(folder).draw(self.config["limit"], self.config["seed"])
        digests = {"problems": sha256_file(problems.source), "models": models_sha256(problems)}
        changed = [name for name, digest in digests.items() if self.manifest["data"][name]["sha256"] != digest]
        if changed:
            raise InputError(
                f"{self.folder.path}: the content of {' and '.join(changed)} in {problems.folder} differs from what "
                "was played.",
                "Restore the problem set, or play the run again.",
            )
        return problems

    def require_whole(self) -> None:
        """Refuses a run that has not ended: episodes are kept as they end, so short ones, mostly solved, come first.

        Raises:
            InputError: If a problem lacks one of its samples.
        """
        there = {(episode.problem_id, episode.sample) for episode in self.folder.episodes()}
        samples = range(self.config["samples"])
        lacking = [problem for problem in self.problems if any((problem.problem_id, n) not in there for n in samples)]
        if lacking:
            raise InputError(
                f"{self.folder.path} is not finished: {len(lacking)} of {len(self.problems)} problems lack samples "
                f"({len(samples)} each), and there are {len(there)} episodes. The first to end are not like the rest.",
                f"Go on with it: {self.manifest.get('command') or 'give the command that began it again'}",
            )

    @property
    def policies(self) -> list[str | None]:
        """None for the run's own episodes, then the anchors that were played beside it."""
        return [None, *(name for name in ANCHORS if self.folder.episodes_file(name).is_file())]

    @cached_property
    def quality(self) -> dict[str, Quality]:
        """What was measured of its repairs."""
        return dict(stored(self.folder.path))

    def metrics(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """What ``metrics.json`` holds by the episodes; what is no metric is kept from ``known``."""
        kept = {name: known[name] for name in KEPT if name in known}
        return metrics_of(self.folder, self.problems, self.setting, samples=self.config["samples"], **kept)

    def cases(self, policy: str | None = None) -> list[Case]:
        """The scored episodes of the run, or of an anchor beside it."""
        return cases_of(self.folder.episodes(policy), self.problems, self.setting, self.quality)
