"""A published run checked by a third party: every reply is played again, and every number computed again."""

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ordebug.core.parallel import parallel_map
from ordebug.core.workers import Failure
from ordebug.env.episode import Episode
from ordebug.env.renderer import RENDERER_VERSION
from ordebug.env.reward import REWARD_VERSION
from ordebug.eval.attempt import PolicyReply, Replay, replay
from ordebug.eval.isolation import isolated
from ordebug.eval.played import PlayedRun
from ordebug.eval.quality import Repair, measure, repair_key, standing_edits

TOLERANCE = 1e-6
"""Relative difference of two numbers below which they agree: solvers of other builds differ in the last digits."""

DEPENDS_ON = {"messages_sha256": ("renderer_version", RENDERER_VERSION), "reward": ("reward_version", REWARD_VERSION)}
"""What only this version of the renderer and of the reward would give again."""

TOLD = 20
"""How many differences are told one by one."""


@dataclass
class Verification:
    """What a check found.

    Attributes:
        episodes: Episodes played again, those of the anchors included.
        unscored: Episodes that ended in error and are not played again.
        numbers: Numbers of ``metrics.json`` computed again.
        repairs: Repairs measured again.
        differences: How often something is not as it was published.
        told: The first of them, each in words.
        unchecked: What could not be compared, since this version of ordebug makes it otherwise.
    """

    episodes: int = 0
    unscored: int = 0
    numbers: int = 0
    repairs: int = 0
    differences: int = 0
    told: list[str] = field(default_factory=list)
    unchecked: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether everything is as published."""
        return not self.differences

    def differs(self, what: str) -> None:
        """Notes a difference."""
        self.differences += 1
        if len(self.told) < TOLD:
            self.told.append(what)

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {"holds": self.holds, **asdict(self)}


def verify(run: PlayedRun, *, workers: int, quality: bool = False) -> Verification:
    """Plays every stored reply again on the run's own problems and computes its numbers anew.

    Args:
        run: The run; that its problems are those of the manifest is checked first.
        workers: Processes.
        quality: Whether the stored measures of repairs are measured again too.

    Raises:
        InputError: If files are missing or the problems are not those that were played.
        LicenceError: If the solver has no licence.
    """
    found = Verification(unchecked=_of_other_versions(run.manifest))
    published = run.folder.read_metrics()
    for policy in run.policies:
        _check_episodes(run, policy, workers, found)
    for place, before, now in _differing(published, run.metrics(published), found):
        found.differs(f"metrics.json: {place} is {before!r}, and {now!r} by the episodes")
    if quality:
        _check_quality(run, workers, found)
    return found


def _check_episodes(run: PlayedRun, policy: str | None, workers: int, found: Verification) -> None:
    episodes = run.folder.episodes(policy)
    scored = [episode for episode in episodes if episode.stop != "error"]
    found.unscored += len(episodes) - len(scored)
    items = [_as_played(run, episode) for episode in scored]
    label = f"{policy or 'the run'} again"
    for episode, outcome in zip(scored, isolated(replay, items, workers=workers, label=label), strict=True):
        found.episodes += 1
        now = None if isinstance(outcome, Failure) else outcome[1]
        why = outcome.message if isinstance(outcome, Failure) else _difference(episode, now, found.unchecked)
        if why:
            found.differs(f"{policy or 'run'}: {episode.problem_id}, sample {episode.sample}: {why}")


def _as_played(run: PlayedRun, episode: Episode) -> Replay:
    replies = tuple(PolicyReply(s.reply, s.tokens, truncated=s.outcome == "truncated") for s in episode.steps)
    problem = run.problems.get(episode.problem_id)
    return Replay(problem, run.problems.folder, run.setting, episode.policy, episode.sample, replies)


def _of_other_versions(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What the run's own version made otherwise, each with why."""
    return {
        name: f"{version} is {manifest.get(version)} in the run and {installed} here"
        for name, (version, installed) in DEPENDS_ON.items()
        if manifest.get(version) != installed
    }


def _difference(before: Episode, now: Episode | None, unchecked: Container[str]) -> str:
    """What is not as it was, empty where everything is."""
    if now is None:
        return f"its replies do not end the episode, which says {before.stop}"
    if now.stop == "error":
        return f"it could not be played again ({now.error})"
    for number, (old, new) in enumerate(zip(before.steps, now.steps, strict=False), start=1):
        for name in ("messages_sha256", "action", "outcome", "status", "iis_rows", "iis_bounds"):
            if name not in unchecked and getattr(old, name) != getattr(new, name):
                return f"step {number}: {name} is {getattr(old, name)!r}, and {getattr(new, name)!r} when played again"
    for name in ("stop", "objective", "reward"):
        if name not in unchecked and not _agree(getattr(before, name), getattr(now, name)):
            return f"{name} is {getattr(before, name)!r}, and {getattr(now, name)!r} when played again"
    return "" if len(before.steps) == len(now.steps) else f"{len(before.steps)} steps, of which {len(now.steps)} play"


def _check_quality(run: PlayedRun, workers: int, found: Verification) -> None:
    repairs: dict[str, Repair] = {}
    for policy in run.policies:
        for episode in run.folder.episodes(policy):
            key = repair_key(episode.problem_id, standing_edits(episode))
            if episode.recovered and key in run.quality:
                problem = run.problems.get(episode.problem_id)
                repairs[key] = Repair(
                    problem, run.problems.folder, run.setting.actions, standing_edits(episode), run.setting.rules.solver
                )
    measured = parallel_map(measure, list(repairs.values()), workers=workers, label="repairs again")
    for (key, repair), now in zip(repairs.items(), measured, strict=True):
        found.repairs += 1
        for name, value in asdict(run.quality[key]).items():
            if name != "reason" and not _agree(value, getattr(now, name)):
                found.differs(
                    f"quality.jsonl: {repair.problem.problem_id}: {name} is {value!r}, and {getattr(now, name)!r} anew"
                )


def _differing(before: Any, now: Any, found: Verification, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The places where two JSON documents do not agree; counts the numbers compared."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*before, *now)):
            yield from _differing(before.get(name), now.get(name), found, f"{place}.{name}".lstrip("."))
        return
    found.numbers += isinstance(before, int | float)
    if not _agree(before, now):
        yield place, before, now


def _agree(before: Any, now: Any) -> bool:
    if isinstance(before, int | float) and isinstance(now, int | float):
        return math.isclose(before, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(before == now)
