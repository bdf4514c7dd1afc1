"""Recovered episodes into SFT rows; each is played again, which proves every prompt to be the one that was seen."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from ordebug.converters.messages import SFTRow, assistant_text, conversation
from ordebug.converters.think import canonical
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_writer, read_json
from ordebug.core.manifest import MANIFEST
from ordebug.core.parallel import parallel_map
from ordebug.env.action import ActionSet, InvalidReason
from ordebug.env.episode import Episode, Step, read_episodes
from ordebug.env.observation import Observation
from ordebug.env.problem import explain
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.renderer import Message, Profile, messages_sha256, render
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.solvers.model import SolverName

EPISODES = "episodes.jsonl"


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
class Replay:
    """An episode to be played again, with all that a worker needs."""

    episode: Episode
    problems: ProblemSet
    settings: Settings
    source: str


@dataclass
class Harvest:
    """What became of the episodes.

    Attributes:
        episodes: Episodes read.
        skipped: Those that did not recover.
        rows: Rows written.
        without_thought: Those of them that answer without a thought.
        left_out: Steps of recovered episodes that are no example to follow, by reason.
    """

    episodes: int = 0
    skipped: int = 0
    rows: int = 0
    without_thought: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def harvest(runs: Sequence[Path], out: Path, *, workers: int = 1, limit: int | None = None) -> Harvest:
    """Writes the decisions of every recovered episode as SFT rows.

    Args:
        runs: Run folders.
        out: The SFT file.
        workers: Processes; the rows do not depend on it.
        limit: How many episodes to read at most.

    Raises:
        InputError: If a folder is no run, its prompts cannot be made again, or no episode recovered.
        UsageError: If the runs showed different prompts.
    """
    total = Harvest()
    replays = list(_recovered(runs, limit, total))
    with atomic_writer(out) as writer:
        for rows, left_out in parallel_map(replay, replays, workers=workers, label="replaying"):
            writer.write_all(rows)
            total.rows += len(rows)
            total.without_thought += sum(assistant_text("", "") in row["messages"][2]["content"] for row in rows)
            total.left_out.update(left_out)
        if not total.rows:
            raise InputError(
                f"none of {total.episodes} episodes gave a row.", "Give runs in which a policy repaired something."
            )
    return total


def replay(item: Replay) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of one episode, and why steps of it were left out.

    Raises:
        InputError: If a prompt or an outcome is not what the episode says.
        SolverError: If the solver failed.
    """
    rows, left_out = [], []
    for number, (step, messages) in enumerate(_played(item), start=1):
        if step.outcome in get_args(InvalidReason):
            left_out.append(step.outcome)
            continue
        try:
            answer = canonical(step.reply)
        except InputError as error:
            left_out.append(error.message)
            continue
        rows.append(_row(item, number, messages, answer.text).model_dump())
    return rows, left_out


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


def _recovered(runs: Sequence[Path], limit: int | None, total: Harvest) -> Iterator[Replay]:
    shown: dict[tuple[str, str], Path] = {}
    for run in runs:
        settings = read_settings(run)
        shown.setdefault(settings.shown, run)
        if len(shown) > 1:
            raise UsageError(
                f"{' and '.join(map(str, shown.values()))} showed different prompts.",
                f"Write one file for each profile and action set: {' / '.join(map(' '.join, shown))}.",
            )
        yield from _of_run(run, settings, limit, total)


def _of_run(run: Path, settings: Settings, limit: int | None, total: Harvest) -> Iterator[Replay]:
    problems = read_problem_set(settings.problems)
    for episode in read_episodes(run / EPISODES):
        if limit is not None and total.episodes >= limit:
            return
        total.episodes += 1
        if episode.recovered:
            own = problems.only([episode.problem_id])
            yield Replay(episode, own, settings, f"{run.resolve().name}:{episode.policy}")
        else:
            total.skipped += 1


def _played(item: Replay) -> Iterator[tuple[Step, list[Message]]]:
    """Each step with the messages it saw."""
    settings, episode = item.settings, item.episode
    rules = Rules(settings.actions, settings.max_steps, settings.auto_submit, settings.solver)
    env = RepairEnv(item.problems.get(episode.problem_id), item.problems, rules)
    try:
        observation, info = env.reset()
        for number, step in enumerate(episode.steps, start=1):
            yield step, _checked(item, number, step, observation)
            observation, _, _, _, info = env.step(step.reply)
            if info["outcome"] != step.outcome:
                raise _differs(item, number, f"it gives {info['outcome']}, not {step.outcome}")
        if info.get("objective") is None:
            raise _differs(item, len(episode.steps), "it leaves no feasible model")
    finally:
        env.close()


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


def _row(item: Replay, number: int, messages: list[Message], text: str) -> SFTRow:
    problem = item.problems.get(item.episode.problem_id)
    return SFTRow(
        messages=conversation(messages, text),
        problem_id=problem.problem_id,
        base_id=problem.cluster,
        step=number,
        source=item.source,
        error_type=problem.error_type or "",
    )
