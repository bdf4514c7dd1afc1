"""Many episodes at once: while the model writes in some, the solver works on others; nobody waits for the slowest."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ordebug.core.errors import OrdebugError
from ordebug.core.progress import Progress
from ordebug.core.workers import Failure
from ordebug.env.episode import Episode
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import Message
from ordebug.eval.attempt import PolicyReply, Replay, Setting, open_episodes
from ordebug.eval.endpoint.budget import Budget
from ordebug.eval.endpoint.client import Client
from ordebug.eval.endpoint.environments import Environments
from ordebug.eval.endpoint.faults import UnansweredError
from ordebug.eval.endpoint.replies import Replies
from ordebug.eval.endpoint.settings import Endpoint, request_seed
from ordebug.eval.isolation import lost_episode, unscored
from ordebug.eval.run_folder import REPLIES, RunFolder

TICK_SECONDS = 1.0


def play_endpoint(
    run: RunFolder,
    problems: ProblemSet,
    setting: Setting,
    endpoint: Endpoint,
    *,
    policy: str,
    samples: int,
    seed: int,
    workers: int,
) -> None:
    """Plays every problem ``samples`` times; finished episodes are kept, and replies of those that were stopped.

    Raises:
        UsageError: If the endpoint refuses the key or the model, or the cost limit is reached.
        ToolError: If the endpoint fails at everything, or workers cannot start.
        LicenceError: If the solver has no licence.
    """
    played = run.episodes()
    items = open_episodes(run.finished(), problems, setting, policy, samples)
    if not items:
        return
    replies = Replies(run.path / REPLIES, items.keys(), endpoint.limits)
    tally = Tally.of(played)
    try:
        asyncio.run(play_all(run, iter(items.values()), len(items), endpoint, replies, seed, workers, tally))
    except BaseExceptionGroup as group:
        raise _cause(group) from None
    if not tally.errors:
        replies.delete()


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of several errors that ended the tasks, one of ours before others."""
    first, *rest = group.exceptions
    ours = next((error for error in (first, *rest) if isinstance(error, OrdebugError)), first)
    return _cause(ours) if isinstance(ours, BaseExceptionGroup) else ours


@dataclass
class Tally:
    """What the progress line says."""

    scored: int = 0
    recovered: int = 0
    errors: int = 0
    done: int = 0

    @classmethod
    def of(cls, episodes: list[Episode]) -> "Tally":
        """The episodes of earlier starts; those that ended in error are played again."""
        scored = [episode for episode in episodes if episode.stop != "error"]
        return cls(len(scored), sum(episode.recovered for episode in scored))

    def add(self, episode: Episode) -> None:
        """Counts an episode of this start."""
        self.done += 1
        self.errors += episode.stop == "error"
        self.scored += episode.stop != "error"
        self.recovered += episode.stop != "error" and episode.recovered

    @property
    def text(self) -> str:
        """The running recovery rate, and the errors where there are some."""
        rate = f"RR {self.recovered / self.scored:.3f}" if self.scored else ""
        return ", ".join(part for part in (rate, f"{self.errors} errors" if self.errors else "") if part)


async def play_all(
    run: RunFolder,
    items: Iterator[Replay],
    count: int,
    endpoint: Endpoint,
    replies: Replies,
    seed: int,
    workers: int,
    tally: Tally,
) -> None:
    """Plays the items as they come.

    Args:
        run: Where the episodes go.
        items: What to play; an item is taken when a player is free.
        count: How many there are, for the progress line.
        endpoint: Who is asked.
        replies: What it said so far.
        seed: What the requests' seeds are drawn from.
        workers: Processes for environments.
        tally: Is counted on.

    Raises:
        BaseExceptionGroup: With whatever ended a player.
    """
    environments = Environments(workers)
    try:
        async with Client(endpoint, Budget(endpoint.limits, replies.spent)) as client:
            table = _Table(run, items, client, environments, replies, seed, tally)
            with Progress(count, "episodes") as progress:
                async with asyncio.TaskGroup() as group:
                    ticking = group.create_task(table.tick(progress))
                    players = [group.create_task(table.play()) for _ in range(min(endpoint.concurrency, count))]
                    await asyncio.wait(players)
                    ticking.cancel()
    finally:
        environments.close()


@dataclass
class _Table:
    """Where the episodes are played: as many players as may be in flight, each takes the next that is open."""

    run: RunFolder
    items: Iterator[Replay]
    client: Client
    environments: Environments
    replies: Replies
    seed: int
    tally: Tally
    in_flight: int = field(default=0, init=False)

    async def play(self) -> None:
        """One player."""
        for item in self.items:
            start = time.perf_counter()
            self.in_flight += 1
            episode = await self._episode(item)
            self.in_flight -= 1
            self.run.append([episode.model_copy(update={"seconds": round(time.perf_counter() - start, 4)})])
            self.tally.add(episode)

    async def tick(self, progress: Progress) -> None:
        """Says how far it is, once a second."""
        while True:
            spent = f"cost {self.client.budget.spent:.2f}" if self.client.budget.spent else ""
            parts = (self.tally.text, f"{self.in_flight} in flight", f"{self.client.replies} replies", spent)
            progress.update(self.tally.done, ", ".join(part for part in parts if part))
            await asyncio.sleep(TICK_SECONDS)

    async def _episode(self, item: Replay) -> Episode:
        seconds: list[float] = []
        while True:
            found = await self.environments.play(item)
            if isinstance(found, Failure):
                return lost_episode(item.problem, item.policy, item.sample, found)
            seconds += [found.seconds] if item.replies else []
            if found.episode is not None:
                return _timed(found.episode, seconds)
            try:
                reply = await self._reply(item, found.messages)
            except UnansweredError as given_up:
                return unscored(item.problem, item.policy, item.sample, str(given_up))
            item = replace(item, replies=(*item.replies, reply))

    async def _reply(self, item: Replay, messages: list[Message]) -> PolicyReply:
        place = item.problem.problem_id, item.sample, len(item.replies)
        known = self.replies.known(place, messages)
        if known is not None:
            return known
        reply = await self.client.reply(messages, request_seed(self.seed, *place))
        self.replies.add(place, messages, reply)
        return reply


def _timed(episode: Episode, seconds: list[float]) -> Episode:
    """The episode with what each step took when it was first played: to replay it is only to look up."""
    steps = tuple(
        step.model_copy(update={"seconds": round(spent, 4)})
        for step, spent in zip(episode.steps, seconds, strict=False)
    )
    return episode.model_copy(update={"steps": steps})
