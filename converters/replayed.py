"""An episode played again, which proves every prompt to be the one that was seen, and the end to be the one told."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_json
from ordebug.core.manifest import MANIFEST
from ordebug.env.action import ActionSet
from ordebug.env.episode import Episode, Step
from ordebug.env.observation import Observation
from ordebug.env.problem import explain
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import Message, Profile, messages_sha256, render
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reward import Terms
from ordebug.env.solvers.model import SolverName

Wording = Literal["plain", "varied"]
CLOSE = 1e-6
"""Within which the optimum of a repaired model must be the one that the episode tells."""


class Settings(BaseModel):
    """What a run's prompts depend on: ``config`` of its manifest."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    profile: Profile
    actions: ActionSet
    max_steps: int
    max_prompt_tokens: int
    auto_submit: bool = True
    solver: SolverName = "auto"
    problems: Path

    @property
    def shown(self) -> tuple[str, str]:
        """What must be one in a training file."""
        return self.profile, self.actions


@dataclass(frozen=True)
class Choice:
    """Which episodes become rows, and how.

    Attributes:
        min_op: The least OP an episode must have kept; where the clean optimum is not known it is left out.
        equivalent: Whether it must have given back the clean model's feasible set, proved.
        per_problem: At most so many a problem, of distinct action sequences, the shortest first; None takes all.
        without_thought: Whether rows that answer without a thought are written too.
        wording: ``varied`` writes the oracle's thoughts anew, in words drawn by problem and step.
    """

    min_op: float = 0.0
    equivalent: bool = False
    per_problem: int | None = None
    without_thought: bool = False
    wording: Wording = "plain"


@dataclass(frozen=True)
class Replay:
    """An episode to be played again, with all that a worker needs."""

    episode: Episode
    problems: ProblemSet
    settings: Settings
    source: str
    choice: Choice

    @property
    def key(self) -> tuple[Path, str]:
        """The problem: ids may recur in another set."""
        return self.settings.problems.resolve(), self.episode.problem_id


def read_settings(run: Path) -> Settings:
    """The settings of a run folder.

    Raises:
        InputError: If its manifest is missing or lacks one.
    """
    path = run / MANIFEST
    document = read_json(path, "the manifest of a run; give the folder that ordebug rollout wrote")
    try:
        return Settings.model_validate(document.get("config") if isinstance(document, dict) else None)
    except ValidationError as error:
        raise InputError(f"{path}: config: {explain(error)}.", "Give a folder that ordebug rollout wrote.") from None


class Played(NamedTuple):
    """A step played again: its number, what it saw, what it was, and whether the state it led to shows anything new."""

    number: int
    observation: Observation
    messages: list[Message]
    step: Step
    new: bool


def played(item: Replay) -> Iterator[Played]:
    """Each step with what it saw."""
    settings, episode = item.settings, item.episode
    rules = Rules(settings.actions, settings.max_steps, settings.auto_submit, settings.solver)
    env = RepairEnv(item.problems.get(episode.problem_id), item.problems, rules)
    try:
        observation, info = env.reset()
        for number, step in enumerate(episode.steps, start=1):
            before, messages = observation, _checked(item, number, step, observation)
            observation, _, _, _, info = env.step(step.reply)
            if info["outcome"] != step.outcome:
                raise _differs(item, number, f"it gives {info['outcome']}, not {step.outcome}")
            yield Played(number, before, messages, step, observation.conflict != before.conflict)
        _check_end(item, env.state.solution.objective, info.get("terms"))
    finally:
        env.close()


def _check_end(item: Replay, objective: float | None, terms: Terms | None) -> None:
    last = len(item.episode.steps)
    if objective is None:
        raise _differs(item, last, "it leaves no feasible model")
    if not math.isclose(objective, item.episode.objective or 0.0, rel_tol=CLOSE, abs_tol=CLOSE):
        raise _differs(item, last, f"the optimum is {objective:.9g}, not {item.episode.objective:.9g}")
    if item.choice.equivalent and terms is not None and terms["equivalence"] != "equivalent":
        raise _differs(item, last, "it is not proved equivalent to the clean model")


def _checked(item: Replay, number: int, step: Step, observation: Observation) -> list[Message]:
    settings = item.settings
    messages = render(observation, settings.profile, settings.actions, settings.max_prompt_tokens)
    if messages_sha256(messages) != step.messages_sha256:
        raise _differs(item, number, "its prompt is not the one that was shown")
    return messages


def _differs(item: Replay, number: int, why: str) -> InputError:
    return InputError(
        f"{item.source}: {item.episode.problem_id}, sample {item.episode.sample}, step {number}: played again, {why}.",
        "The problems, the solver or ordebug changed since; run ordebug rollout again.",
    )
