"""Two runs on the same problems: what one does better, and whether chance explains it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ordebug.core.errors import InputError
from ordebug.eval.intervals import Difference, Estimate, mean_interval, paired_difference, problems_needed
from ordebug.eval.metrics import METRICS, Case
from ordebug.eval.played import PlayedRun
from ordebug.eval.summary import by_problem

SHOWN_SETTINGS = ("policy", "profile", "actions", "max_steps", "auto_submit", "max_prompt_tokens", "samples")


@dataclass(frozen=True)
class Compared:
    """One metric of both runs, over the problems on which it was measured in both.

    Attributes:
        a: Mean of the first run.
        b: Mean of the second.
        difference: a - b, paired by problem.
        needed: Problems that would show such a difference with a power of 80 %; None where there is none.
    """

    a: Estimate
    b: Estimate
    difference: Difference
    needed: int | None


@dataclass(frozen=True)
class Comparison:
    """A comparison of two runs.

    Attributes:
        names: What the runs are called.
        common: Problems that both played.
        only: Problems that only the first, and only the second, played.
        settings: Settings in which they differ, each with both values.
        metrics: By name; those measured in both.
    """

    names: tuple[str, str]
    common: int
    only: tuple[int, int]
    settings: dict[str, tuple[Any, Any]]
    metrics: dict[str, Compared]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)


def compare(a: PlayedRun, b: PlayedRun) -> Comparison:
    """Compares two runs metric by metric.

    Raises:
        InputError: If they have no scored problem in common, or one problem is not the same in both.
    """
    first, second = a.cases(), b.cases()
    ids = {case.problem.problem_id for case in first}, {case.problem.problem_id for case in second}
    common = ids[0] & ids[1]
    if not common:
        raise InputError(
            f"{a.folder.path} and {b.folder.path} have no scored problem in common.",
            "Play both on one problem set, with the same --limit and --seed.",
        )
    _same_problems(first, second)
    return Comparison(
        names=_names(a, b),
        common=len(common),
        only=(len(ids[0] - common), len(ids[1] - common)),
        settings=_settings(a, b),
        metrics={name: found for name in METRICS if (found := _compared(name, first, second)) is not None},
    )


def _same_problems(first: Sequence[Case], second: Sequence[Case]) -> None:
    """Refuses two sets that use one name for different problems."""
    known = {case.problem.problem_id: case.problem for case in first}
    for case in second:
        other = known.get(case.problem.problem_id, case.problem)
        if (other.description, other.root_cause, other.original_objective) != (
            case.problem.description,
            case.problem.root_cause,
            case.problem.original_objective,
        ):
            raise InputError(
                f"the problem {case.problem.problem_id!r} of one run is another problem in the other.",
                "Compare runs on the same problem set.",
            )


def _names(a: PlayedRun, b: PlayedRun) -> tuple[str, str]:
    """The folders' names, or their paths where the names are one."""
    names = a.folder.name, b.folder.name
    return names if names[0] != names[1] else (str(a.folder.path), str(b.folder.path))


def _settings(a: PlayedRun, b: PlayedRun) -> dict[str, tuple[Any, Any]]:
    found = {name: (a.config.get(name), b.config.get(name)) for name in SHOWN_SETTINGS}
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _compared(name: str, first: Sequence[Case], second: Sequence[Case]) -> Compared | None:
    a, b = by_problem(first, name), by_problem(second, name)
    both = [problem_id for problem_id in a if problem_id in b]
    if not both:
        return None
    clusters = {case.problem.problem_id: case.problem.cluster for case in first}
    groups = [clusters[problem_id] for problem_id in both]
    values = [a[problem_id] for problem_id in both], [b[problem_id] for problem_id in both]
    share = METRICS[name].share
    return Compared(
        mean_interval(values[0], groups, share=share),
        mean_interval(values[1], groups, share=share),
        paired_difference(*values, groups),
        problems_needed(*values, groups),
    )
