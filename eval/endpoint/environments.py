"""Environments in worker processes: the event loop never waits for a solver, and a solve that hangs costs its episode.

A step is asked for with the replies so far (``Replay``), so no process holds an episode: one that dies takes nothing
along but its item, and any other can go on. Nothing is solved again for that, since each process keeps the environments
it used last with all states they came through, and a problem mostly goes to the same process: to replay is to look up.
"""

import asyncio
import pickle
import time
import zlib
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from ordebug.core.errors import ToolError
from ordebug.core.workers import ENDING_SECONDS, READY, START_SECONDS, Failure, Worker, given, start_worker
from ordebug.env.episode import Episode
from ordebug.env.renderer import Message
from ordebug.env.repair_env import RepairEnv
from ordebug.eval import isolation
from ordebug.eval.attempt import Replay, replayed

MOST_KEPT = 32
"""Environments a process keeps."""

LONGER_LINE = 8
"""How many more may wait for the process that knows the problem than for another one: it may hang."""

_kept: OrderedDict[str, RepairEnv] = OrderedDict()


@dataclass(frozen=True)
class Played:
    """Where the replies so far lead.

    Attributes:
        messages: The next prompt.
        episode: The episode, where it has ended.
        seconds: What the last step took.
        waited: How long it stood in line for the process.
    """

    messages: list[Message]
    episode: Episode | None
    seconds: float
    waited: float = 0.0


def play(item: Replay) -> Played:
    """Brings an episode to where it is; runs in a worker process."""
    start = time.perf_counter()
    messages, episode = replayed(_environment(item), item)
    if episode is not None and episode.stop == "error":
        _kept.pop(item.problem.problem_id).close()  # what failed once is made anew
    return Played(messages, episode, time.perf_counter() - start)


def _environment(item: Replay) -> RepairEnv:
    name = item.problem.problem_id
    if name not in _kept:
        _kept[name] = item.setting.environment(item.problem, item.folder)
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)[1].close()
    _kept.move_to_end(name)
    return _kept[name]


class Environments:
    """The worker processes.

    Args:
        workers: How many.
    """

    def __init__(self, workers: int) -> None:
        self._desks = [_Desk() for _ in range(workers)]

    async def play(self, item: Replay) -> Played | Failure:
        """Where the replies so far lead, or why nobody knows.

        Raises:
            LicenceError: If the solver has no licence.
            ToolError: If a process cannot even start.
        """
        usual = self._desks[zlib.crc32(item.problem.problem_id.encode(errors="replace")) % len(self._desks)]
        shortest = min(self._desks, key=lambda desk: desk.line)
        return await (usual if usual.line <= shortest.line + LONGER_LINE else shortest).play(item)

    def close(self) -> None:
        """Ends every process."""
        for desk in self._desks:
            desk.close()


class _Desk:
    """One process, and who waits for it."""

    def __init__(self) -> None:
        self.line = 0
        self._free = asyncio.Lock()
        self._worker: Worker | None = None
        self._busy = False

    async def play(self, item: Replay) -> Played | Failure:
        self.line += 1
        start = time.perf_counter()
        try:
            async with self._free:
                waited = time.perf_counter() - start
                found = await self._answer(item)
            return found if isinstance(found, Failure) else replace(found, waited=waited)
        finally:
            self.line -= 1

    async def _answer(self, item: Replay) -> Played | Failure:
        worker = await self._ready()
        seconds = isolation.HARD_LIMIT_SECONDS
        self._busy = True  # and stays so where we are cancelled: nobody takes that answer for another
        try:
            said = await _said(worker.pipe, item, seconds)
        except TimeoutError:
            self._lose(0.0)
            return Failure("hung", f"a worker process took more than {seconds:g} s and was killed")
        except (EOFError, OSError):
            status = self._lose(ENDING_SECONDS)
            return Failure("killed", f"a worker process ended with status {status}, often for lack of memory")
        self._busy = False
        found: Played = given(pickle.loads(said[0]))
        return found

    async def _ready(self) -> Worker:
        """The process; another one where it died since."""
        if self._worker is not None and not self._worker.process.is_alive():
            self._lose(ENDING_SECONDS)
        if self._worker is None:
            self._worker, self._busy = start_worker(play), True
            try:
                ready = await _said(self._worker.pipe, None, START_SECONDS) == READY
            except (EOFError, OSError):
                ready = False
            if not ready:
                raise ToolError(
                    f"a worker process for environments does not start (status {self._lose(0.0)}).",
                    "Give the same command again with --workers 1.",
                )
            self._busy = False
        return self._worker

    def close(self) -> None:
        """Ends the process: an idle one by itself, so that a solver's licence session is given back."""
        if self._worker is not None:
            self._lose(0.0 if self._busy else ENDING_SECONDS)

    def _lose(self, grace: float) -> int | None:
        worker, self._worker, self._busy = self._worker, None, False
        if worker is None:
            return None
        with suppress(OSError):
            worker.pipe.close()
        return worker.end(grace)


async def _said(pipe: Connection, item: Replay | None, seconds: float) -> Any:
    """Sends an item, if there is one, and waits for what the process says.

    Raises:
        TimeoutError: If it says nothing in time.
        EOFError: If it is gone; other errors of a pipe too.
    """
    if item is not None:
        pipe.send([item])
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    loop.add_reader(pipe.fileno(), heard.set)
    try:
        async with asyncio.timeout(seconds):
            await heard.wait()
    except TimeoutError:
        if not pipe.poll():  # what has arrived counts, even if we were too busy to look
            raise
    finally:
        loop.remove_reader(pipe.fileno())
    return pipe.recv()
