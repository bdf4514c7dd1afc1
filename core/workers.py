"""Worker processes of which any may hang or die: that costs its item and nothing else.

``core/parallel.py`` is for work that does not fail. Here, an item has a limit of wall-clock seconds; a worker that
oversteps it is killed, one that dies is noticed at once, and another takes its place. The limit only guards against
hanging: what decides a score must be a limit of work, which gives the same answer on a busy machine.

Short items travel in chunks, because a message costs as much as they do. A chunk whose worker hung or died is worked on
again, one item at a time, so that only the item at fault is lost.
"""

import ctypes
import multiprocessing
import pickle
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, Literal, TypeVar

from ordebug.core.errors import ToolError
from ordebug.core.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

START_SECONDS = 120.0
"""How long a worker may take to start, which is importing the function's module."""

ENDING_SECONDS = 5.0
"""How long a process whose pipe is closed may take to end by itself, cleaning up and with a status that tells why."""

CHUNK_SECONDS, MOST_IN_CHUNK = 0.1, 64
"""A chunk grows while it takes less than this."""

READY = "ready"
DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


@dataclass(frozen=True)
class Failure:
    """What is known of an item that gave no result.

    Attributes:
        reason: Whether its worker overstepped the limit or died.
        message: The same for a reader, with the exit status or the limit.
    """

    reason: Literal["hung", "killed"]
    message: str


def guarded_map(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int, seconds: float, label: str
) -> Iterator[Result | Failure]:
    """Yields ``function(item)``, or why there is none, for each item, in the order of ``items``.

    Args:
        function: A module-level function; it, the items and the results are pickled. It may be called again on items
            that shared a chunk with one that hung or died.
        items: What to work on.
        workers: Processes; with 1 too, the work is done in a process of its own.
        seconds: Wall-clock limit of one item, in seconds; starting a worker does not count.
        label: What the progress line calls the work.

    Raises:
        ToolError: If workers cannot even start.
        Exception: What the function raised, when its item's turn comes: a function that fails is no accident.
    """
    results = _Pool(function, items, workers, seconds, label).results()
    try:
        yield from track(results, len(items), label)
    finally:
        results.close()


@dataclass
class Worker:
    """A process, its pipe, and what it is doing."""

    process: SpawnProcess
    pipe: Connection
    deadline: float
    chunk: list[int] = field(default_factory=list)
    ready: bool = False
    began: float = 0.0
    most: int = 1

    @property
    def busy(self) -> bool:
        """Whether something is to be heard from it."""
        return bool(self.chunk) or not self.ready

    def end(self, grace: float = 0.0) -> int | None:
        """Kills the process once ``grace`` seconds are over, frees what it holds, and returns its exit status."""
        self.process.join(grace)
        self.process.kill()
        self.process.join()
        status = self.process.exitcode
        self.process.close()
        self.pipe.close()
        return status


def start_worker(function: Callable[[Any], object]) -> Worker:
    """A process that answers each list of items with their pickled results; it says ``READY`` first.

    ``given`` opens a result.
    """
    # spawn: a forked child would share the parent's solver environment and its threads
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, function), daemon=True)
    process.start()
    theirs.close()  # else the end of the worker would not close the pipe
    return Worker(process, ours, time.monotonic() + START_SECONDS)


@dataclass
class _Pool(Generic[Item, Result]):
    function: Callable[[Item], Result]
    items: Sequence[Item]
    workers: int
    seconds: float
    label: str
    _team: list[Worker] = field(default_factory=list)
    _done: dict[int, object] = field(default_factory=dict)
    _left: deque[int] = field(init=False)
    _suspects: deque[int] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._left = deque(range(len(self.items)))

    def results(self) -> Generator[Result | Failure, None, None]:
        """The results in order; every worker is gone when the iteration ends, however it ends."""
        try:
            for index in range(len(self.items)):
                while index not in self._done:
                    self._advance()
                yield given(self._done.pop(index))
        finally:
            self._end()

    def _end(self) -> None:
        """Ends every worker; idle ones by themselves, so that a solver's licence session is given back."""
        for worker in self._idle():
            worker.pipe.close()
        for worker in self._team:
            worker.end(0.0 if worker.busy else ENDING_SECONDS)

    def _advance(self) -> None:
        """Keeps everyone at work and waits until something happens."""
        for worker in self._idle():
            self._assign(worker)
        waiting = len(self._left) + len(self._suspects)
        while len(self._team) < self.workers and sum(not w.ready for w in self._team) < waiting:
            self._team.append(start_worker(self.function))
        busy = [worker for worker in self._team if worker.busy]
        rest = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
        heard = wait([worker.pipe for worker in busy], timeout=rest)
        for worker in busy:
            # what has arrived counts, even if we were too busy to look at it before the deadline
            if worker.pipe in heard:
                self._hear(worker)
            elif time.monotonic() > worker.deadline and not worker.pipe.poll():
                self._lose(worker, hung=True)

    def _idle(self) -> list[Worker]:
        return [worker for worker in self._team if not worker.busy]

    def _assign(self, worker: Worker) -> None:
        worker.chunk = self._next_chunk(worker.most)
        if not worker.chunk:
            return
        worker.began = time.monotonic()
        worker.deadline = worker.began + self.seconds
        with suppress(BrokenPipeError):  # died while idle: its end is heard, and its item counts as killed
            worker.pipe.send([self.items[index] for index in worker.chunk])

    def _next_chunk(self, most: int) -> list[int]:
        """A suspect alone, or the next items: so few that all workers end together."""
        if self._suspects:
            return [self._suspects.popleft()]
        fair = max(1, len(self._left) // (2 * self.workers))
        return [self._left.popleft() for _ in range(min(most, fair, len(self._left)))]

    def _hear(self, worker: Worker) -> None:
        try:
            said = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._lose(worker, hung=False)
            return
        if not worker.ready:
            worker.ready = said == READY
        else:
            self._done.update(zip(worker.chunk, map(pickle.loads, said), strict=True))
            if time.monotonic() - worker.began < CHUNK_SECONDS / 2:
                worker.most = min(2 * worker.most, MOST_IN_CHUNK)
            elif time.monotonic() - worker.began > CHUNK_SECONDS:
                worker.most = max(1, worker.most // 2)
        self._assign(worker)  # at once, for the reader of results may take its time

    def _lose(self, worker: Worker, *, hung: bool) -> None:
        """Takes a worker out; its item, if it had one, has failed, and of several nobody knows which."""
        self._team.remove(worker)
        status = worker.end(0.0 if hung else ENDING_SECONDS)
        if not worker.ready:
            what = f"did not start within {START_SECONDS:g} s" if hung else f"ended with status {status} at its start"
            raise ToolError(f"{self.label}: a worker process {what}.", "Give the same command again with --workers 1.")
        if len(worker.chunk) > 1:
            self._suspects.extend(worker.chunk)
            return
        if hung:
            failure = Failure("hung", f"a worker process took more than {self.seconds:g} s and was killed")
        else:
            failure = Failure("killed", f"a worker process ended with status {status}, often for lack of memory")
        self._done.update(dict.fromkeys(worker.chunk, failure))


@dataclass(frozen=True)
class _Raised:
    """What the function raised in a worker."""

    error: BaseException


def given(outcome: object) -> Any:
    """What a worker said as what its function returned; raises what that raised."""
    if isinstance(outcome, _Raised):
        raise outcome.error
    return outcome


def _work(pipe: Connection, function: Callable[[object], object]) -> None:
    """A worker's life: chunks of items in, their pickled results out, until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    _die_with_parent()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(READY)
        while True:
            pipe.send([_answer(function, item) for item in pipe.recv()])


def _answer(function: Callable[[object], object], item: object) -> bytes:
    """The pickled result, or what was raised in its place."""
    try:
        return pickle.dumps(function(item))
    except Exception as error:
        return _portable(error)


def _portable(error: Exception) -> bytes:
    """An error pickled, with where it was raised; as text where it would not arrive whole."""
    error.add_note(f"raised in a worker process:\n{traceback.format_exc()}")
    try:
        pickled = pickle.dumps(_Raised(error))
        pickle.loads(pickled)
        return pickled
    except Exception:
        return pickle.dumps(_Raised(RuntimeError(f"{type(error).__name__}: {error}")))


def _die_with_parent() -> None:
    """On Linux, has us killed when the parent is, though we may hang where no closed pipe is noticed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
