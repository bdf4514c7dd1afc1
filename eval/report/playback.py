"""Stored episodes played back: the prompts, which episodes keep by digest alone, and the models that were left."""

import random
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from ordebug.core.errors import InputError, OrdebugError
from ordebug.core.workers import Failure
from ordebug.env.difference import changes, told
from ordebug.env.episode import Episode
from ordebug.env.observation import Observation
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import Message, render
from ordebug.env.repair_env import RepairEnv
from ordebug.env.solvers.model import Model, read_model
from ordebug.eval.attempt import Setting
from ordebug.eval.isolation import isolated
from ordebug.eval.quality import Repair, make_edits, standing_edits

MOST_EPISODES = 1000
MOST_SECONDS = 60.0
"""By the seconds that the steps took when they were played, so that the choice is the same on every machine."""

EACH_SECONDS = 0.01
"""What reading and solving a model again, and rendering it, is taken to cost."""

SECONDS_A_WORKER = 15.0
"""Starting a process costs more than it saves where less is to be done."""

MOST_CHANGES = 30
Words = tuple[str, ...]
Messages = tuple[Message, ...]


@dataclass(frozen=True)
class Playback:
    """An episode as it was seen.

    Attributes:
        prompts: The messages before each step; fewer than there are steps where the episode went another way.
        left: What differs from the clean model at the end, in words; None where nothing can be said.
        broken: What differed at the start.
        trouble: Why there is nothing, or not all of it.
    """

    prompts: tuple[Messages, ...] = ()
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
    sums = accumulate(map(_estimated, episodes[:MOST_EPISODES]))
    return [episode for episode, seconds in zip(episodes, sums, strict=False) if seconds <= MOST_SECONDS]


def _estimated(episode: Episode) -> float:
    return EACH_SECONDS + sum(step.seconds or 0.0 for step in episode.steps)


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
    enough = 1 + int(sum(map(_estimated, episodes)) / SECONDS_A_WORKER)
    played = isolated(play, tasks, workers=min(workers, enough), label="played back")
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
    known: dict[str, Messages] = {}
    try:
        return [_prompts(env, wanted.setting, episode, known) for episode in wanted.episodes]
    finally:
        env.close()


def _prompts(env: RepairEnv, setting: Setting, episode: Episode, known: dict[str, Messages]) -> Playback:
    """A prompt that another episode met is not rendered again, which is most of the time.

    The last reply is not taken again either: what it left needs no solve, and its reward may need long ones.
    """
    prompts: list[Messages] = []
    try:
        observation, ended = env.reset()[0], None
        for number, step in enumerate(episode.steps, start=1):
            if ended is not None:
                return Playback(tuple(prompts), trouble=f"another end ({ended}) came after {len(prompts)} steps")
            if step.messages_sha256 not in known:
                known[step.messages_sha256] = _shown(observation, setting)
            prompts.append(known[step.messages_sha256])
            if number < len(episode.steps):
                observation, _, _, _, info = env.step(step.reply, truncated=step.outcome == "truncated")
                ended = info["stop"]
    except OrdebugError as error:
        return Playback(tuple(prompts), trouble=error.message)
    return Playback(tuple(prompts))


def _shown(observation: Observation, setting: Setting) -> Messages:
    left = setting.rules.max_steps - len(observation.past)  # of stored replies, fewer are played than were told
    told = replace(observation, steps_left=left)
    return tuple(render(told, setting.profile, setting.actions, setting.max_prompt_tokens))


def _differences(wanted: Wanted) -> list[Words | None]:
    """What differed from the clean model at the start, and at the end of each episode; None without a clean model."""
    problems, solver = ProblemSet(wanted.folder, {}), wanted.setting.rules.solver
    path = problems.clean_model_path(wanted.problem)
    if path is None:
        return [None] * (1 + len(wanted.episodes))
    with ExitStack() as opened:
        clean = opened.enter_context(closing(read_model(path, solver)))
        broken = opened.enter_context(closing(read_model(problems.model_path(wanted.problem), solver)))
        found: dict[tuple[str, ...], Words | None] = {}
        for edits in ((), *map(standing_edits, wanted.episodes)):
            if edits not in found:
                found[edits] = _left(wanted, clean, broken, edits)
        return [found[()], *(found[standing_edits(episode)] for episode in wanted.episodes)]


def _left(wanted: Wanted, clean: Model, broken: Model, edits: tuple[str, ...]) -> Words | None:
    """What differs after these edits; None where they cannot be made again."""
    with closing(broken.copy()) as model, suppress(InputError):
        make_edits(model, Repair(wanted.problem, wanted.folder, wanted.setting.actions, edits))
        return _words(clean, model)
    return None


def _words(clean: Model, model: Model) -> Words:
    found = [told(change) for change in changes(clean, model)]
    rest = len(found) - MOST_CHANGES
    return tuple(found[:MOST_CHANGES] + ([f"and {rest} more differences"] if rest > 0 else []))
