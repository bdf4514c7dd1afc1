"""Worker processes that judge, kept from one training step to the next, where none may stop the training.

``core/workers.py`` starts its workers anew for each call, which takes longer than judging a batch does. A worker that
dies or hangs costs its own reply at most: all who waited for its pool are judged again in workers of their own.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache

from ordebug.core.parallel import default_workers
from ordebug.swift_recipes.grpo.decision import Decisions, Unjudged, Verdict, judge_all

LIMIT_SECONDS = 300.0
"""A guard against hanging, the wait for a worker among it; what decides a score is the solver's limit of work."""


class Judges:
    """Worker processes.

    Args:
        workers: Processes.
        seconds: Wall-clock limit of what is judged together, in seconds.
    """

    def __init__(self, workers: int, seconds: float = LIMIT_SECONDS) -> None:
        self._workers, self._seconds = workers, seconds
        self._pool: ProcessPoolExecutor | None = None

    async def judge(self, groups: Sequence[Sequence[Decisions]]) -> list[list[Verdict]]:
        """Judges groups, each in one worker, without holding up the event loop.

        Args:
            groups: The items of a group should be of one problem, whose solves they then share.

        Raises:
            InputError: If the problems are not those the prompts were made of.
            LicenceError: If there is no licence.
        """
        found = await asyncio.gather(*(self._attempt(items, self._shared()) for items in groups))
        return [
            await self._alone(items) if verdicts is None else verdicts
            for items, verdicts in zip(groups, found, strict=True)
        ]

    async def _alone(self, items: Sequence[Decisions]) -> list[Verdict]:
        """Judges a group in a worker of its own, and if that fails too, each item in one of its own."""
        own = self._new(1)
        try:
            found = await self._attempt(items, own)
        finally:
            self._end(own)
        if found is not None:
            return found
        if len(items) == 1:
            return [Unjudged("its worker process hung or died")]
        return [verdict for item in items for verdict in await self._alone([item])]

    async def _attempt(self, items: Sequence[Decisions], pool: ProcessPoolExecutor) -> list[Verdict] | None:
        """What the workers say, None where one died or took too long."""
        try:
            # The future belongs to no event loop; ms-swift has a new one for every rollout.
            return await asyncio.wait_for(asyncio.wrap_future(pool.submit(judge_all, items)), self._seconds)
        except (BrokenProcessPool, TimeoutError):
            self._end(pool)
            return None

    def _shared(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = self._new(self._workers)
        return self._pool

    @staticmethod
    def _new(workers: int) -> ProcessPoolExecutor:
        # spawn: a forked child would share CUDA, the solver's environment and their threads
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)

    def close(self) -> None:
        """Ends the workers."""
        if self._pool is not None:
            self._end(self._pool)

    def _end(self, pool: ProcessPoolExecutor) -> None:
        for process in list((pool._processes or {}).values()):  # a worker that hangs never ends by itself
            process.kill()
        pool.shutdown(wait=False)
        if self._pool is pool:
            self._pool = None


@cache
def shared_judges() -> Judges:
    """The judges of this process; the ranks of one machine share its cores. With one worker a slow solve stops all."""
    return Judges(max(2, default_workers() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))


def _begin() -> None:
    """A worker outlives neither a Ctrl-C, which its parent answers, nor its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
