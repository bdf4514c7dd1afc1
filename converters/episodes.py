"""Recovered episodes into SFT rows; each is played again, which proves every prompt to be the one that was seen."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ordebug.converters.choice import chosen
from ordebug.converters.messages import SFTRow, assistant_text, conversation
from ordebug.converters.replayed import Choice, Played, Replay, Settings, played, read_settings
from ordebug.converters.think import canonical
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_writer
from ordebug.core.parallel import parallel_map
from ordebug.env.action import Action, InvalidReason
from ordebug.env.episode import read_episodes
from ordebug.env.policies import reply_text
from ordebug.env.problem_set import read_problem_set
from ordebug.env.reply import parse_reply
from ordebug.env.wording import varied

EPISODES = "episodes.jsonl"
NO_THOUGHT = "no thought"
VAIN = "GET_IIS found no other conflict"
DEFAULT = Choice()


@dataclass
class Harvest:
    """What became of the episodes.

    Attributes:
        episodes: Episodes read.
        skipped: Those that did not recover.
        passed_over: Those that recovered and were not chosen, by reason.
        problems: Problems with a row.
        rows: Rows written.
        without_thought: Steps that answer without a thought, among the rows or left out.
        left_out: Steps of chosen episodes that are no example to follow, by reason.
    """

    episodes: int = 0
    skipped: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    problems: int = 0
    rows: int = 0
    without_thought: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}


def harvest(
    runs: Sequence[Path], out: Path, *, choice: Choice = DEFAULT, workers: int = 1, limit: int | None = None
) -> Harvest:
    """Writes the decisions of recovered episodes as SFT rows.

    Args:
        runs: Run folders.
        out: The SFT file.
        choice: Which of them, and how.
        workers: Processes; the rows do not depend on it.
        limit: How many episodes to read at most.

    Raises:
        InputError: If a folder is no run, its prompts cannot be made again, or no episode gave a row.
        UsageError: If the runs showed different prompts.
    """
    total = Harvest()
    replays = chosen(_recovered(runs, choice, limit, total), choice, total.passed_over)
    problems: set[tuple[Path, str]] = set()
    with atomic_writer(out) as writer:
        results = parallel_map(replay, replays, workers=workers, label="replaying")
        for item, (rows, left_out) in zip(replays, results, strict=True):
            writer.write_all(rows)
            total.rows += len(rows)
            total.without_thought += left_out.count(NO_THOUGHT) + sum(map(_thoughtless, rows))
            total.left_out.update(left_out)
            problems |= {item.key} if rows else set()
        total.problems = len(problems)
        if not total.rows:
            raise InputError(f"none of {total.episodes} episodes gave a row{_why(total)}.", _way_out(total))
    return total


def replay(item: Replay) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of one episode, and why steps of it were left out.

    Raises:
        InputError: If a prompt or an outcome is not what the episode says.
        SolverError: If the solver failed.
    """
    rows, left_out = [], []
    for step in played(item):
        row = _row(item, step)
        if isinstance(row, SFTRow):
            rows.append(row.model_dump())
        else:
            left_out.append(row)
    return rows, left_out


def _recovered(runs: Sequence[Path], choice: Choice, limit: int | None, total: Harvest) -> Iterator[Replay]:
    shown: dict[tuple[str, str], Path] = {}
    for run in runs:
        settings = read_settings(run)
        shown.setdefault(settings.shown, run)
        if len(shown) > 1:
            raise UsageError(
                f"{' and '.join(map(str, shown.values()))} showed different prompts.",
                f"Write one file for each profile and action set: {' / '.join(map(' '.join, shown))}.",
            )
        yield from _of_run(run, settings, choice, limit, total)


def _of_run(run: Path, settings: Settings, choice: Choice, limit: int | None, total: Harvest) -> Iterator[Replay]:
    if not settings.problems.is_dir():
        raise InputError(
            f"{run}: its problems are not at {settings.problems}.",
            "Put them back there, or change problems in the run's manifest.json to where they lie.",
        )
    problems = read_problem_set(settings.problems)
    for episode in read_episodes(run / EPISODES):
        if limit is not None and total.episodes >= limit:
            return
        total.episodes += 1
        if episode.recovered:
            own = problems.only([episode.problem_id])
            yield Replay(episode, own, settings, f"{run.resolve().name}:{episode.policy}", choice)
        else:
            total.skipped += 1


def _row(item: Replay, played: Played) -> SFTRow | str:
    """The row of a step, or why it is no example to follow."""
    step = played.step
    if step.outcome in get_args(InvalidReason):
        return step.outcome
    if step.action == "GET_IIS()" and not played.new:
        return VAIN
    try:
        answer = canonical(step.reply)
    except InputError as error:
        return error.message
    text = _varied(item, played) if item.choice.wording == "varied" and item.episode.policy == "oracle" else answer.text
    if not answer.thought and not item.choice.without_thought:
        return NO_THOUGHT
    problem = item.problems.get(item.episode.problem_id)
    return SFTRow(
        messages=conversation(played.messages, text),
        problem_id=problem.problem_id,
        base_id=problem.cluster,
        step=played.number,
        source=item.source,
        error_type=problem.error_type or "",
    )


def _varied(item: Replay, played: Played) -> str:
    """The oracle's turn with its thought in other words."""
    action = parse_reply(played.step.reply, item.settings.actions).action
    assert isinstance(action, Action)
    key = f"{item.episode.problem_id}/{item.episode.sample}/{played.number}"
    return reply_text(action, varied(played.observation, action, played.messages[-1]["content"], key))


def _thoughtless(row: dict[str, Any]) -> bool:
    return assistant_text("", "") in row["messages"][2]["content"]


def _why(total: Harvest) -> str:
    """The reasons why episodes and steps gave no row, where there are any."""
    reasons = [f"{count} did not recover" for count in [total.skipped] if count]
    reasons += [f"{count} {reason}" for reason, count in (total.passed_over + total.left_out).items()]
    return f" ({', '.join(reasons)})" if reasons else ""


def _way_out(total: Harvest) -> str:
    if total.left_out[NO_THOUGHT]:
        return "Give runs whose replies hold a thought, or add --without-thought."
    return "Give runs in which a policy repaired something, or ask less of them."
