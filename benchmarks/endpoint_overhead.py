"""How much of an episode is neither the model's server nor the solver, with many episodes in flight.

python benchmarks/endpoint_overhead.py PROBLEMS [SECONDS] [EPISODES]

PROBLEMS is a problem set, SECONDS what the server takes for a reply (2 by default), EPISODES how many are counted (320
by default), 32 in flight. The server is tests/eval/faulty_server.py in a process of its own, without faults.

Of each episode's wall-clock time these are told apart, and what is left is overhead: HTTP on both sides, the client,
the event loop, handing over to a worker process and back, files.

* server: from a request's arrival to its answer, by the server's clock
* environment: reading, solving, explaining, rendering, judging, by the worker's clock
* in line: waiting for a worker process that is at another episode, which more cores would shorten
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from endpoint_load import serving

from ordebug.core.workers import Failure
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Replay, Setting, open_episodes
from ordebug.eval.endpoint import episodes as module
from ordebug.eval.endpoint.environments import Environments, Played
from ordebug.eval.endpoint.episodes import Tally, play_all
from ordebug.eval.endpoint.replies import Replies
from ordebug.eval.endpoint.settings import Endpoint, Limits
from ordebug.eval.run_folder import REPLIES, RunFolder

IN_FLIGHT = 32
WORKERS = 2


@dataclass
class Spent:
    """Seconds by where they went, of all episodes."""

    episodes: int = 0
    whole: float = 0.0
    server: float = 0.0
    environment: float = 0.0
    in_line: float = 0.0
    processor: float = 0.0

    @property
    def overhead(self) -> float:
        """What is left."""
        return self.whole - self.server - self.environment - self.in_line


@dataclass
class Clocked(Environments):
    """Environments that note what they took; their processes are there before the first episode begins."""

    workers: int
    spent: Spent
    first: Replay
    started: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        super().__init__(self.workers)

    async def play(self, item: Replay) -> Played | Failure:
        found = await super().play(item)
        if isinstance(found, Played):
            self.spent.environment += found.seconds
            self.spent.in_line += found.waited
        return found

    async def begin(self) -> None:
        """Starts every process."""
        await asyncio.gather(*(desk.play(self.first) for desk in self._desks))


def measure(problems: ProblemSet, seconds: float, episodes: int) -> Spent:
    """Plays that many episodes at least."""
    spent = Spent()
    with serving(seconds=seconds) as server, tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        endpoint = Endpoint(server.url, "tiny", concurrency=IN_FLIGHT)
        setting = Setting(rules=Rules(max_steps=5))
        items = open_episodes((), problems, setting, "endpoint", samples=-(-episodes // len(problems)))
        replies = Replies(run.path / REPLIES, items.keys(), Limits())
        clocked = Clocked(WORKERS, spent, next(iter(items.values())))
        module.Environments = lambda workers: clocked  # type: ignore[assignment, misc]

        async def play() -> None:
            await clocked.begin()
            start = time.process_time()
            await play_all(run, iter(items.values()), len(items), endpoint, replies, 0, WORKERS, Tally())
            spent.processor = time.process_time() - start

        asyncio.run(play())
        spent.server = server.log()["seconds"]
        played = run.episodes()
        spent.episodes, spent.whole = len(played), sum(episode.seconds or 0.0 for episode in played)
    return spent


def main() -> None:
    problems = read_problem_set(Path(sys.argv[1]))
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    found = measure(problems, seconds, int(sys.argv[3]) if len(sys.argv) > 3 else 320)
    print(f"{IN_FLIGHT} in flight, {WORKERS} workers, a reply in {seconds:g} s, {found.episodes} episodes")
    print(f"an episode takes {found.whole / found.episodes:.3f} s, of which")
    for name in ("server", "environment", "in_line", "overhead"):
        part = getattr(found, name)
        print(f"  {name:12} {part / found.episodes:.3f} s  {part / found.whole:.1%}")
    processor = 1000 * found.processor / found.episodes
    print(f"processor time of the event loop's process: {processor:.1f} ms an episode")


if __name__ == "__main__":
    main()
