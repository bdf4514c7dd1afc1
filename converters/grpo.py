"""GRPO prompts: states that episodes came to, each one decision, or the beginnings of problems where there is no run.

A state of a run is made again by its earlier decisions, and its prompt proved to be the one that was shown. A row holds
the problem's id and the way to the state, never what was broken or how it is repaired.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ordebug.converters.env_config import EnvConfig, told
from ordebug.converters.messages import GRPORow, Turn
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_writer
from ordebug.core.parallel import parallel_map
from ordebug.env.episode import Episode
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import messages_sha256
from ordebug.env.repair_env import RepairEnv

Order = Literal["mixed", "easy-to-hard"]
NO_TYPE = "unknown"


@dataclass(frozen=True)
class State:
    """A state to make a prompt of.

    Attributes:
        past: The decisions that lead to it, as ``env_config`` tells them.
        prompt_sha256: Digest of the prompt that was shown there; empty where none was.
    """

    past: tuple[str, ...] = ()
    prompt_sha256: str = ""


@dataclass(frozen=True)
class Source:
    """A problem and the states to make prompts of, with all that a worker needs."""

    problems: ProblemSet
    problem_id: str
    config: EnvConfig
    states: tuple[State, ...]
    pass_rate: float | None = None


@dataclass(frozen=True)
class Wanted:
    """Which prompts are written.

    Attributes:
        per_problem: At most so many states a problem: its beginning, and later ones drawn at random.
        limit: At most so many rows, drawn from all types alike.
        order: ``mixed`` alternates the types; ``easy-to-hard`` goes from the highest pass rate to the lowest.
        seed: What is drawn from.
    """

    per_problem: int = 1
    limit: int | None = None
    order: Order = "mixed"
    seed: int = 0


@dataclass
class Prompts:
    """What was written.

    Attributes:
        rows: Rows written.
        problems: Problems with a row.
        later: Rows that begin after a decision.
        dropped: Problems without a row, by reason.
        by_type: Rows of each error type.
    """

    rows: int = 0
    problems: int = 0
    later: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        return {**vars(self), "dropped": dict(self.dropped), "by_type": dict(self.by_type)}


def write_prompts(
    problems: ProblemSet,
    config: EnvConfig,
    out: Path,
    *,
    episodes: Sequence[Episode] | None = None,
    pass_rates: Mapping[str, float] | None = None,
    wanted: Wanted = Wanted(),
    workers: int = 1,
) -> Prompts:
    """Writes GRPO rows.

    Args:
        problems: The problems.
        config: What prompts and episodes are like.
        out: The file.
        episodes: Those of a run, whose states are the prompts; None for the problems' beginnings alone.
        pass_rates: Each problem's, over the run's samples; only problems strictly between 0 and 1 give prompts.
            None takes all.
        wanted: Which of them.
        workers: Processes; the rows do not depend on it.

    Raises:
        InputError: If a prompt is not the one that was shown, or nothing is left to write.
        UsageError: If an order asks for pass rates that there are none of.
    """
    if wanted.order == "easy-to-hard" and pass_rates is None:
        raise UsageError(
            "easy-to-hard goes by pass rates, and there is no run.", "Add --run RUN, or leave out --order."
        )
    done = Prompts()
    sources = list(_sources(problems, config, episodes, pass_rates, wanted, done))
    rows = [row for found in parallel_map(rows_of, sources, workers=workers, label="prompts") for row in found]
    chosen = _arranged(rows, wanted)
    if not chosen:
        raise InputError(
            f"no prompt is left of {len(problems)} problems{_why(done)}.",
            "Play a run with 8 samples that neither always fails nor always succeeds.",
        )
    with atomic_writer(out) as writer:
        writer.write_all(chosen)
    return _counted(done, chosen)


def rows_of(source: Source) -> list[dict[str, Any]]:
    """The rows of one problem.

    Raises:
        InputError: If a prompt is not the one that was shown.
        SolverError: If the solver failed.
    """
    problem = source.problems.get(source.problem_id)
    env = RepairEnv(problem, source.problems, source.config.rules)
    rate = {} if source.pass_rate is None else {"pass_rate": source.pass_rate}
    try:
        return [
            GRPORow(
                messages=messages,
                problem=problem.problem_id,
                env_config=config.model_dump(mode="json"),
                base_id=problem.cluster,
                error_type=problem.error_type or "",
                step=len(state.past) + 1,
                **rate,
            ).model_dump(mode="json")
            for state in source.states
            for config, messages in [_proved(env, source, state)]
        ]
    finally:
        env.close()


def _proved(env: RepairEnv, source: Source, state: State) -> tuple[EnvConfig, tuple[Turn, ...]]:
    config = source.config.model_copy(update={"past": json.dumps(state.past, ensure_ascii=False)})
    observation, _ = env.reset(config.decisions())
    messages = config.messages(observation)
    digest = messages_sha256(messages)
    if state.prompt_sha256 and digest != state.prompt_sha256:
        raise InputError(
            f"{source.problem_id}: after {len(state.past)} decisions the prompt is not the one that was shown.",
            "The problems, the solver or ordebug changed since; run ordebug rollout again.",
        )
    turns = tuple(Turn.model_validate(message) for message in messages)
    return config.model_copy(update={"prompt_sha256": digest}), turns


def _sources(
    problems: ProblemSet,
    config: EnvConfig,
    episodes: Sequence[Episode] | None,
    pass_rates: Mapping[str, float] | None,
    wanted: Wanted,
    done: Prompts,
) -> Iterator[Source]:
    states = _states(episodes or ())
    for problem in problems:
        rate = None if pass_rates is None else pass_rates.get(problem.problem_id)
        complaint = "" if pass_rates is None else _complaint(rate)
        if complaint:
            done.dropped[complaint] += 1
            continue
        found = states.get(problem.problem_id, {})
        drawn = _drawn(list(found.values()), wanted, problem.problem_id) if found else (State(),)
        only = problems.only([problem.problem_id])  # a worker needs no other
        yield Source(only, problem.problem_id, config, drawn, rate)


def _complaint(rate: float | None) -> str:
    """Why a problem teaches nothing: where all samples of a group end alike, no advantage is other than zero."""
    if rate is None:
        return "not scored"
    return "never passed" if rate <= 0 else "always passed" if rate >= 1 else ""


def _states(episodes: Iterable[Episode]) -> dict[str, dict[str, State]]:
    """The distinct states of each problem, by the digest of their prompts."""
    found: defaultdict[str, dict[str, State]] = defaultdict(dict)
    for episode in episodes:
        past: tuple[str, ...] = ()
        for step in episode.steps:
            found[episode.problem_id].setdefault(step.messages_sha256, State(past, step.messages_sha256))
            past = (*past, told(step.action, step.outcome))
    return found


def _drawn(states: list[State], wanted: Wanted, problem_id: str) -> tuple[State, ...]:
    """The beginning, and as many later states as are wanted."""
    first = [state for state in states if not state.past][:1]
    later = [state for state in states if state.past]
    random.Random(f"{wanted.seed}/{problem_id}").shuffle(later)
    return tuple((first + later)[: wanted.per_problem])


def _arranged(rows: Sequence[dict[str, Any]], wanted: Wanted) -> list[dict[str, Any]]:
    """Rows of every type in turn, so that a limit, and any stretch of the file, holds all types alike."""
    shuffled = list(rows)
    random.Random(f"{wanted.seed}/rows").shuffle(shuffled)
    turns: Counter[str] = Counter()
    places: list[tuple[int, str, int]] = []
    for place, row in enumerate(shuffled):
        turns[row["error_type"]] += 1
        places.append((turns[row["error_type"]], row["error_type"], place))
    chosen = [shuffled[place] for _, _, place in sorted(places)[: wanted.limit]]
    return sorted(chosen, key=lambda row: -row["pass_rate"]) if wanted.order == "easy-to-hard" else chosen


def _counted(done: Prompts, rows: Sequence[dict[str, Any]]) -> Prompts:
    done.rows = len(rows)
    done.problems = len({row["problem"] for row in rows})
    done.later = sum(row["step"] > 1 for row in rows)
    done.by_type.update(row["error_type"] or NO_TYPE for row in rows)
    return done


def _why(done: Prompts) -> str:
    reasons = [f"{count} {reason}" for reason, count in done.dropped.items()]
    return f" ({', '.join(reasons)})" if reasons else ""
