"""Worker processes that judge, kept from one training step to the next, where none may stop the training.

``core/workers.py`` starts its workers anew for each call, which takes longer than judging a batch does; here each has a
thread of its own that hands it its work. So there are never more processes than were asked for, and the wall-clock
limit counts from when a worker begins. Of a large batch, which is waited for as a whole, several groups are handed over
together, so that no worker waits for us between them; a step of an episode always goes alone. A worker that dies or
hangs costs its own reply at most: what it was given is judged again, each item alone. What is asked for belongs to no
event loop: ms-swift has a new one for every rollout.
"""

import asyncio
import atexit
import os
import pickle
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from itertools import chain, islice
from multiprocessing.connection import wait
from queue import SimpleQueue
from typing import Any

from ordebug.core.errors import ToolError
from ordebug.core.parallel import default_workers
from ordebug.core.workers import ENDING_SECONDS, READY, START_SECONDS, Worker, given, start_worker
from ordebug.swift_recipes.grpo.decision import Decisions, Unjudged, Verdict, judge_all

LIMIT_SECONDS = 300.0
"""A guard against hanging; what decides a score is the solver's limit of work."""

MOST_TOGETHER = 8
"""Groups that are handed over together."""

LOST = Unjudged("its worker process hung or died")

Asked = tuple[Sequence[Decisions], "Future[list[Verdict]]"]


class Judges:
    """Worker processes, started as they are needed.

    Args:
        workers: Processes.
        seconds: Wall-clock limit of what is judged together, in seconds; neither the wait for a worker nor its start
            counts.
    """

    def __init__(self, workers: int, seconds: float = LIMIT_SECONDS) -> None:
        self._workers, self._seconds = workers, seconds
        self._asking = threading.Lock()
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        self._open: set[Future[list[Verdict]]] = set()
        self._desks: list[_Desk] = []

    async def judge(self, groups: Sequence[Sequence[Decisions]]) -> list[list[Verdict]]:
        """Judges groups, each in one worker, without holding up the event loop.

        Args:
            groups: The items of a group should be of one problem, whose solves they then share.

        Raises:
            InputError: If the problems are not those the prompts were made of.
            LicenceError: If there is no licence.
            ToolError: If a worker cannot even start.
        """
        asked = [self._ask([item for items in part for item in items]) for part in self._parts(groups)]
        found = chain.from_iterable(await asyncio.gather(*map(asyncio.wrap_future, asked)))
        return [list(islice(found, len(items))) for items in groups]

    def _parts(self, groups: Sequence[Sequence[Decisions]]) -> Iterator[Sequence[Sequence[Decisions]]]:
        """What is handed over together: less and less, so that all workers end together."""
        place = 0
        while place < len(groups):
            count = max(1, min(MOST_TOGETHER, (len(groups) - place) // (2 * self._workers)))
            yield groups[place : place + count]
            place += count

    def _ask(self, items: Sequence[Decisions]) -> "Future[list[Verdict]]":
        future: Future[list[Verdict]] = Future()
        with self._asking:
            self._open.add(future)
            future.add_done_callback(self._open.discard)
            self._asked.put((items, future))
            if len(self._desks) < min(self._workers, len(self._open)):
                self._desks.append(_Desk(self._asked, self._seconds))
        return future

    def close(self) -> None:
        """Ends the workers; what waits for one is cancelled, and what one is at gets no verdict."""
        for future in list(self._open):
            future.cancel()
        for desk in self._desks:
            self._asked.put(None)
            desk.leave()
        for desk in self._desks:
            desk.thread.join()
        self._desks = []


class _Desk:
    """A worker process and the thread that started it; it would not outlive the thread (``core/workers.py``)."""

    def __init__(self, asked: "SimpleQueue[Asked | None]", seconds: float) -> None:
        self._asked, self._seconds = asked, seconds
        self._worker: Worker | None = None
        self._busy = self._leaving = False
        self.thread = threading.Thread(target=self._serve, name="ordebug-judge", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        """Hands on what is asked for until there is no more."""
        while (asked := self._asked.get()) is not None:
            items, future = asked
            if not future.set_running_or_notify_cancel():
                continue
            self._busy = True
            try:
                future.set_result(self._judged(items))
            except BaseException as error:  # whoever asked waits for an answer
                future.set_exception(error)
            self._busy = False
        self._lose(ENDING_SECONDS)

    def leave(self) -> None:
        """Kills the process where it is at work; an idle one ends by itself, and gives back a licence's session."""
        self._leaving = True
        worker = self._worker
        if self._busy and worker is not None:
            with suppress(ValueError):  # it was just lost
                worker.process.kill()

    def _judged(self, items: Sequence[Decisions]) -> list[Verdict]:
        found = self._attempt(items)
        if found is not None:
            return found
        return [verdict for item in items for verdict in self._attempt([item]) or [LOST]]

    def _attempt(self, items: Sequence[Decisions]) -> list[Verdict] | None:
        """What the process says, None where it died or took too long."""
        worker = self._worker or self._started()
        said = None if self._leaving else _answer(worker, items, self._seconds)
        if said is None:
            self._lose(0.0)
            return None
        verdicts: list[Verdict] = given(pickle.loads(said[0]))
        return verdicts

    def _started(self) -> Worker:
        self._worker = start_worker(judge_all)
        if _heard(self._worker, START_SECONDS) != READY and not self._leaving:
            self._lose(0.0)
            raise ToolError(
                "a worker process that judges does not start.", "See above what it wrote, and whether memory is left."
            )
        return self._worker

    def _lose(self, grace: float) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.pipe.close()
        wait([worker.process.sentinel], grace)
        with suppress(ValueError):  # another thread, starting a process, was told of the end in our place
            worker.end()


def _answer(worker: Worker, items: Sequence[Decisions], seconds: float) -> Any:
    try:
        worker.pipe.send([items])
    except OSError:  # died while idle
        return None
    return _heard(worker, seconds)


def _heard(worker: Worker, seconds: float) -> Any:
    """What a process says within so many seconds, None where that is nothing."""
    try:
        return worker.pipe.recv() if worker.pipe.poll(seconds) else None
    except (EOFError, OSError):
        return None


@cache
def shared_judges() -> Judges:
    """The judges of this process; the ranks of one machine share its cores. With one worker a slow solve stops all."""
    judges = Judges(max(2, default_workers() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    atexit.register(judges.close)
    return judges
