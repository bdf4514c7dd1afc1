"""Stored episodes played back: the prompts, which episodes keep by digest alone, and the models that were left."""

import random
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from ordebug.core.errors import OrdebugError
from ordebug.core.workers import Failure
from ordebug.env.difference import changes, told
from ordebug.env.episode import Episode
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import Message
from ordebug.env.repair_env import RepairEnv
from ordebug.env.solvers.model import Model, read_model
from ordebug.eval.attempt import Attempt, PolicyReply, Setting
from ordebug.eval.isolation import isolated
from ordebug.eval.quality import Repair, make_edits, standing_edits

MOST_EPISODES = 1000
MOST_SECONDS = 60.0
"""By the seconds that the steps took when they were played, so that the choice is the same on every machine."""

EACH_SECONDS = 0.05
"""What reading and solving a model again is taken to cost."""

MOST_CHANGES = 30
Words = tuple[str, ...]


@dataclass(frozen=True)
class Playback:
    """An episode as it was seen.

    Attributes:
        prompts: The messages before each step; fewer than there are steps where the episode went another way.
        left: What differs from the clean model at the end, in words; None where nothing can be said.
        broken: What differed at the start.
        trouble: Why there is nothing, or not all of it.
    """

    prompts: tuple[tuple[Message, ...], ...] = ()
    left: Words | None = None
    broken: Words | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Wanted:
    """The episodes of one problem that are to be played back."""

    problem: Problem
    folder: Path
    setting: Setting
    episodes: tuple[Episode, ...]


def chosen(episodes: Sequence[Episode]) -> list[Episode]:
    """Episodes in the order in which they deserve room: failures first, else as drawn with a fixed seed."""
    drawn = random.Random(0).sample(episodes, len(episodes))
    return sorted(drawn, key=lambda episode: episode.recovered)


def within_budget(episodes: Sequence[Episode]) -> list[Episode]:
    """The first that can be played back in reasonable time."""
    found: list[Episode] = []
    seconds = 0.0
    for episode in episodes[:MOST_EPISODES]:
        seconds += EACH_SECONDS + sum(step.seconds or 0.0 for step in episode.steps)
        if found and seconds > MOST_SECONDS:
            break
        found.append(episode)
    return found


def play_back(problems: ProblemSet, setting: Setting, episodes: Sequence[Episode], workers: int) -> list[Playback]:
    """What was seen of each episode; those of one problem go together, so that it is read and solved once."""
    groups: dict[str, list[int]] = {}
    for index, episode in enumerate(episodes):
        groups.setdefault(episode.problem_id, []).append(index)
    tasks = [
        Wanted(problems.get(name), problems.folder, setting, tuple(episodes[index] for index in places))
        for name, places in groups.items()
    ]
    found: dict[int, Playback] = {}
    played = isolated(play, tasks, workers=workers, label="played back")
    for places, result in zip(groups.values(), played, strict=True):
        lost = [Playback(trouble=result.message)] * len(places) if isinstance(result, Failure) else result
        found |= dict(zip(places, lost, strict=True))
    return [found[index] for index in range(len(episodes))]


def play(wanted: Wanted) -> list[Playback]:
    """Plays the episodes of one problem back; a model that cannot be used costs these and no others."""
    try:
        told = _differences(wanted)
        return [replace(found, broken=told[0], left=left) for found, left in zip(_seen(wanted), told[1:], strict=True)]
    except OrdebugError as error:
        return [Playback(trouble=error.message)] * len(wanted.episodes)


def _seen(wanted: Wanted) -> list[Playback]:
    env = wanted.setting.environment(wanted.problem, wanted.folder)
    try:
        return [_prompts(env, wanted.setting, episode) for episode in wanted.episodes]
    finally:
        env.close()


def _prompts(env: RepairEnv, setting: Setting, episode: Episode) -> Playback:
    """The last reply is not taken again: what it left needs no solve, and its reward may need long ones."""
    attempt = Attempt(env, setting, episode.policy, episode.sample)
    prompts: list[tuple[Message, ...]] = []
    for number, step in enumerate(episode.steps, start=1):
        if attempt.observation is None or attempt.episode is not None:
            why = attempt.episode.error if attempt.episode is not None else None
            return Playback(tuple(prompts), trouble=why or f"Played back, it ended after {len(prompts)} steps.")
        prompts.append(tuple(attempt.messages))
        if number < len(episode.steps):
            attempt.take(PolicyReply(step.reply, step.tokens, step.outcome == "truncated"))
    return Playback(tuple(prompts))


def _differences(wanted: Wanted) -> list[Words | None]:
    """What differed from the clean model at the start, and at the end of each episode; None without a clean model."""
    problems = ProblemSet(wanted.folder, {})
    path = problems.clean_model_path(wanted.problem)
    if path is None:
        return [None] * (1 + len(wanted.episodes))
    with ExitStack() as opened:
        clean = opened.enter_context(closing(read_model(path)))
        broken = opened.enter_context(closing(read_model(problems.model_path(wanted.problem))))
        found: dict[tuple[str, ...], Words] = {}
        for edits in ((), *map(standing_edits, wanted.episodes)):
            if edits not in found:
                with closing(broken.copy()) as model:
                    make_edits(model, Repair(wanted.problem, wanted.folder, wanted.setting.actions, edits))
                    found[edits] = _words(clean, model)
        return [found[()], *(found[standing_edits(episode)] for episode in wanted.episodes)]


def _words(clean: Model, model: Model) -> Words:
    found = [told(change) for change in changes(clean, model)]
    rest = len(found) - MOST_CHANGES
    return tuple(found[:MOST_CHANGES] + ([f"and {rest} more differences"] if rest > 0 else []))
