"""The same function over many items in worker processes, in order, so that no result depends on the worker count."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ordebug.core.errors import ToolError
from ordebug.core.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")


def default_workers() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parallel_map(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int, label: str, chunk: int = 8
) -> Iterator[Result]:
    """Yields ``function(item)`` for each item, in the order of ``items``.

    Args:
        function: A module-level function; with more than one worker it and its items are pickled.
        items: What to work on.
        workers: Processes; 1 runs in this process.
        label: What the progress line calls the work.
        chunk: Items handed to a worker at a time.

    Raises:
        ToolError: If a worker process was killed.
    """
    if workers <= 1 or len(items) <= 1:
        yield from track(map(function, items), len(items), label)
        return
    # spawn: a forked child would share the parent's solver environment and its threads.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(workers, len(items)), mp_context=context) as pool:
            yield from track(pool.map(function, items, chunksize=chunk), len(items), label)
    except BrokenProcessPool:
        raise ToolError(
            f"{label}: a worker process was killed, usually for lack of memory.",
            "Give the same command again with fewer --workers.",
        ) from None
