"""The same function over many items in worker processes, in order, so that no result depends on the worker count."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

from ordebug.core.errors import ToolError
from ordebug.core.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")
Executor = Literal["local", "ray"]
"""Where the work is done: in processes of this machine, or on a Ray cluster; the results are the same."""

CHUNKS_AHEAD = 3
"""Chunks given out for each worker before the first is awaited: none idles, and memory does not grow with the items."""

SMALL_FILE_BYTES = 8_000_000


def default_workers() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(path: Path, workers: int) -> int:
    """The workers worth starting for a file: a small one is done before they have started."""
    return workers if path.exists() and path.stat().st_size > SMALL_FILE_BYTES else 1


def parallel_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    label: str,
    chunk: int = 8,
    total: int | None = None,
    executor: Executor = "local",
) -> Generator[Result, None, None]:
    """Yields ``function(item)`` for each item, in the order of ``items``.

    Whoever ends the iteration early closes it: then no worker goes on working.

    Args:
        function: A module-level function or an object that is called; with more than one worker it and its items are
            pickled.
        items: What to work on; a stream is read no further than the workers need.
        workers: Processes; 1 runs in this process, unless the executor is Ray.
        label: What the progress line calls the work.
        chunk: Items handed to a worker at a time.
        total: How many items a stream has, where that is known; for the progress line.
        executor: ``ray`` runs on a Ray cluster, started here or named by ``RAY_ADDRESS``.

    Raises:
        ToolError: If a worker process was killed.
        UsageError: If Ray is asked for and not installed.
    """
    total = len(items) if isinstance(items, Sequence) else total
    if executor == "ray":
        from ordebug.core.ray_executor import ray_map

        results: Iterator[Result] = ray_map(function, _chunks(items, chunk), workers, label)
    elif workers <= 1 or (total is not None and total <= 1):
        results = map(function, items)
    else:
        results = _pool_map(function, _chunks(items, chunk), min(workers, _count(total, chunk) or workers), label)
    try:
        yield from track(results, total, label)
    finally:
        if isinstance(results, Generator):
            results.close()


def _count(total: int | None, chunk: int) -> int:
    return -(-(total or 0) // chunk)


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    stream = iter(items)
    while chunk := list(islice(stream, size)):
        yield chunk


def _pool_map(
    function: Callable[[Item], Result], chunks: Iterator[list[Item]], workers: int, label: str
) -> Iterator[Result]:
    # spawn: a forked child would share the parent's solver environment and its threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_hold, initargs=(function,))
    waiting: deque[Future[list[Any]]] = deque()
    try:
        waiting.extend(pool.submit(_apply, chunk) for chunk in islice(chunks, workers * CHUNKS_AHEAD))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(_apply, chunk) for chunk in islice(chunks, 1))
            yield from done
    except BrokenProcessPool:
        raise ToolError(
            f"{label}: a worker process was killed, usually for lack of memory.",
            "Give the same command again with fewer --workers.",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


_held: list[Callable[[Any], Any]] = []


def _hold(function: Callable[[Any], Any]) -> None:
    """Keeps a worker's function, which may be large, so that it is sent once."""
    _held[:] = [function]


def _apply(chunk: list[Any]) -> list[Any]:
    return [_held[0](item) for item in chunk]
