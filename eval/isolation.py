"""Episodes played where a solver that hangs, or a process that dies, costs the episode at work and nothing else."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ordebug.core.parallel import Executor
from ordebug.core.progress import track
from ordebug.core.workers import Failure, guarded_map
from ordebug.env.episode import Episode
from ordebug.env.problem import Problem

Item = TypeVar("Item")
Result = TypeVar("Result")

HARD_LIMIT_SECONDS = 900.0
"""For all that is played on one problem at a time. A guard against hanging: what decides a score is a limit of work."""


def isolated(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    label: str,
    executor: Executor = "local",
) -> Iterator[Result | Failure]:
    """Yields ``function(item)``, or why its process gave no result, in order; one worker is this process, unguarded."""
    if executor == "ray":
        from ordebug.core.ray_executor import guarded_ray_map

        return guarded_ray_map(function, items, workers=workers, seconds=HARD_LIMIT_SECONDS, label=label)
    if workers <= 1:
        return track(map(function, items), len(items), label)
    return guarded_map(function, items, workers=min(workers, len(items)), seconds=HARD_LIMIT_SECONDS, label=label)


def lost_episode(problem: Problem, policy: str, sample: int, failure: Failure) -> Episode:
    """The record of an episode whose process hung or died."""
    return unscored(problem, policy, sample, failure.message)


def unscored(problem: Problem, policy: str, sample: int, message: str) -> Episode:
    """The record of an episode that nobody is scored for; a resumed run plays it again."""
    return Episode(
        problem_id=problem.problem_id,
        base_id=problem.base_id,
        error_type=problem.error_type,
        sample=sample,
        policy=policy,
        steps=(),
        stop="error",
        error=message,
    )
