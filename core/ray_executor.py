"""Work on a Ray cluster: the one that ``RAY_ADDRESS`` names, else processes of this machine, started for the work.

A cluster's nodes need ordebug installed and the folder of the command under the same path. Tasks are given out and
their results taken in order, so that what is written does not depend on where it was computed.
"""

import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from ordebug.core.errors import ToolError, UsageError
from ordebug.core.progress import track
from ordebug.core.workers import Failure

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 3
"""Tasks given out for each core before the first is awaited."""

STORE_BYTES = 256 * 2**20
"""Ray's shared memory where we start it; its default is 30 % of the machine's, and our chunks are small."""

ENDING_SECONDS = 60.0
CONNECT_SECONDS = 10.0


def ray_map(
    function: Callable[[Item], Result], chunks: Iterable[list[Item]], workers: int, label: str
) -> Iterator[Result]:
    """Yields ``function(item)`` for the items of all chunks, in order; a chunk is a task.

    Raises:
        ToolError: If Ray cannot be reached or lost a task for good.
        UsageError: If Ray is not installed.
        Exception: What the function raised.
    """
    with _cluster(workers) as ray, _told(ray, label):
        task, held = ray.remote(_apply), ray.put((function, Path.cwd()))
        with closing(_ahead(ray, (task.remote(held, chunk) for chunk in chunks))) as references:
            for reference in references:
                yield from ray.get(reference)


def guarded_ray_map(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int, seconds: float, label: str
) -> Iterator[Result | Failure]:
    """Like ``core.workers.guarded_map``: a task that hangs or whose process dies costs its item and nothing else.

    Raises:
        ToolError: If Ray cannot be reached.
        UsageError: If Ray is not installed.
        Exception: What the function raised.
    """
    yield from track(_guarded(function, items, workers, seconds, label), len(items), label)


def _guarded(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, seconds: float, label: str
) -> Iterator[Result | Failure]:
    with _cluster(workers) as ray, _told(ray, label):
        task, held = ray.remote(max_retries=0)(_apply), ray.put((function, Path.cwd()))
        with closing(_ahead(ray, (task.remote(held, [item]) for item in items))) as references:
            for reference in references:
                yield _result(ray, reference, seconds)


def _result(ray: Any, reference: Any, seconds: float) -> Any:
    try:
        return ray.get(reference, timeout=seconds)[0]
    except ray.exceptions.GetTimeoutError:
        ray.cancel(reference, force=True)
        return Failure("hung", f"a Ray worker took more than {seconds:g} s and was killed")
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
        return Failure("killed", "a Ray worker died, often for lack of memory")


def _ahead(ray: Any, references: Iterator[Any]) -> Generator[Any, None, None]:
    """The references in order, while a few tasks for each core are under way; none is when the iteration ends."""
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting = deque(islice(references, AHEAD * cores))
    try:
        while waiting:
            yield waiting.popleft()
            waiting.extend(islice(references, 1))
    finally:  # what is not wanted any more must not go on writing files
        for reference in waiting:
            ray.cancel(reference)
        if waiting:
            ray.wait(list(waiting), num_returns=len(waiting), timeout=ENDING_SECONDS)


@contextmanager
def _cluster(workers: int) -> Iterator[Any]:
    """Ray, connected; what was started here is ended."""
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    own = {"address": "local", "num_cpus": workers, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    try:
        _answers(address or "")
        ray.init(**quiet, **({} if address else own))
    except (OSError, ValueError, RuntimeError) as error:
        raise ToolError(
            f"Ray cannot be reached{f' at RAY_ADDRESS={address}' if address else ''}: {error}",
            "Start the cluster, or unset RAY_ADDRESS to use this machine alone." if address else "",
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _answers(address: str) -> None:
    """Asks at ``host:port`` before Ray does, which takes minutes to give up.

    Raises:
        OSError: If nothing is there.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of a change to come
    try:
        import ray
    except ImportError:
        raise UsageError("--executor ray needs Ray, which is not installed.", "pip install 'ordebug[ray]'") from None
    return ray


@contextmanager
def _told(ray: Any, label: str) -> Iterator[None]:
    """Ray's own errors as ours, and the function's as it raised them."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise ToolError(
            f"{label}: Ray lost a task: {said[0]}", "Give the same command again, with fewer --workers or more memory."
        ) from None


def _apply(held: tuple[Callable[[Any], Any], Path], chunk: list[Any]) -> list[Any]:
    """In a Ray worker: the results of a chunk."""
    function, folder = held
    if Path.cwd() != folder:
        with suppress(OSError):
            os.chdir(folder)  # a cluster's workers start elsewhere; relative paths are the command's
        if Path.cwd() != folder:
            raise ToolError(f"{folder} is not on every node of the Ray cluster.", "Work in a folder that all share.")
    return [function(item) for item in chunk]
