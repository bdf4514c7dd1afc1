"""Many episodes in flight for minutes, against a local server that fails at random: is any lost, double, or leaked?

python benchmarks/endpoint_load.py PROBLEMS [SECONDS] [SHARE]

PROBLEMS is a problem set, SECONDS how long it lasts (600 by default), SHARE how many of the requests fail (0.3). 64
episodes are in flight. The server (tests/eval/faulty_server.py) answers 429, 500, 502, 503, HTML, half JSON, nothing,
cuts connections or takes too long, at most three times in a row for one request. Exits 1 where an episode is lost or
double, or where memory grew.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ordebug.core.jsonl import read_rows
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Replay, Setting, open_episodes
from ordebug.eval.endpoint.episodes import Tally, play_all
from ordebug.eval.endpoint.replies import Replies
from ordebug.eval.endpoint.settings import Endpoint, Limits
from ordebug.eval.run_folder import REPLIES, RunFolder

IN_FLIGHT = 64
WORKERS = 2
SERVER = Path(__file__).resolve().parent.parent / "tests/eval/faulty_server.py"
TIMEOUT = 10.0
SLOW = 12.0
MOST_A_SECOND = 100
"""Episodes; more are not played here."""

GROWTH_MIB = 20.0
"""Allowed of either from a fifth of the time to its end."""

SETTLED_SECONDS = 60.0
"""Until then workers still start and meet problems for the first time: in a shorter run their memory says nothing."""


@dataclass
class Server:
    """The local server."""

    url: str

    def log(self) -> dict[str, Any]:
        """What it was asked."""
        return call(self.url.removesuffix("/v1") + "/log")


def call(address: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Asks the server itself."""
    sent = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, sent, {"content-type": "application/json"}), timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def serving(**plan: Any) -> Iterator[Server]:
    """The server, doing what the plan says."""
    with tempfile.TemporaryDirectory() as folder:
        port = Path(folder) / "port"
        process = subprocess.Popen([sys.executable, str(SERVER), str(port)])
        try:
            while not port.exists() and process.poll() is None:
                time.sleep(0.05)
            address = f"http://127.0.0.1:{port.read_text()}"
            call(f"{address}/plan", plan)
            yield Server(f"{address}/v1")
        finally:
            process.kill()
            process.wait()


@dataclass
class Memory:
    """MiB of this process and of its workers, sampled in a thread."""

    every: float
    samples: list[tuple[float, float]] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._end.wait(self.every):
            self.samples.append((resident(os.getpid()), sum(map(resident, workers()))))

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self.watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join()

    def stop(self) -> None:
        """No more samples: from here on less and less is in flight."""
        self._end.set()

    def growth(self, which: int) -> tuple[float, float]:
        """The least of a tenth of the samples after the first fifth, and of the last tenth."""
        values, tenth = [sample[which] for sample in self.samples], max(1, len(self.samples) // 10)
        return min(values[2 * tenth : 3 * tenth] or values[:1]), min(values[-tenth:])


def resident(pid: int) -> float:
    """MiB that a process holds, 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 2**20


def workers() -> list[int]:
    """The processes this one started that hold environments."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@dataclass
class Outcome:
    """What came of it."""

    seconds: float
    asked: int
    stops: Counter[str]
    lost: int
    double: int
    faults: dict[str, int]
    memory: Memory


def load(problems: ProblemSet, seconds: float, share: float) -> Outcome:
    """Plays as many episodes as fit into the time."""
    with serving(share=share, slow_seconds=SLOW, seconds=0.2) as server, tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        endpoint = Endpoint(server.url, "tiny", concurrency=IN_FLIGHT, timeout=TIMEOUT)
        samples = max(10, round(seconds * MOST_A_SECOND / len(problems)))
        items = open_episodes((), problems, Setting(rules=Rules(max_steps=5)), "endpoint", samples)
        begun: list[tuple[str, int]] = []

        def beginning() -> Iterator[Replay]:
            """One problem after another, until the time is over."""
            for key in sorted(items, key=lambda key: key[1]):
                if time.monotonic() > start + seconds:
                    break
                begun.append(key)
                yield items[key]
            memory.stop()

        memory, start = Memory(every=max(0.1, seconds / 600)), time.monotonic()
        replies = Replies(run.path / REPLIES, items.keys(), Limits())
        with memory.watched():
            asyncio.run(play_all(run, beginning(), len(items), endpoint, replies, 0, WORKERS, Tally()))
        spent = time.monotonic() - start
        rows = [row for _, row in read_rows(run.episodes_file())]
        counts = Counter((row["problem_id"], row["sample"]) for row in rows)
        return Outcome(
            seconds=spent,
            asked=len(begun),
            stops=Counter(row["stop"] for row in rows),
            lost=sum(key not in counts for key in begun),
            double=sum(count - 1 for count in counts.values()),
            faults=server.log()["counts"],
            memory=memory,
        )


def main() -> int:
    problems = read_problem_set(Path(sys.argv[1]))
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 600.0
    found = load(problems, seconds, float(sys.argv[3]) if len(sys.argv) > 3 else 0.3)
    requests = found.faults.pop("requests")
    print(f"{IN_FLIGHT} in flight for {found.seconds:.0f} s: {found.asked} episodes, {requests} requests, of which")
    print(f"failed {sum(found.faults.values())}: {dict(sorted(found.faults.items()))}")
    print(f"episodes by their end: {dict(found.stops)}; lost {found.lost}, double {found.double}")
    grown = []
    for which, name in enumerate(("this process", f"{WORKERS} workers")):
        early, late = found.memory.growth(which)
        grown.append(late - early)
        print(f"memory of {name}: {early:.1f} MiB early, {late:.1f} MiB at the end")
    judged = grown if seconds / 5 > SETTLED_SECONDS else grown[:1]
    return int(found.lost + found.double > 0 or max(judged) > GROWTH_MIB)


if __name__ == "__main__":
    sys.exit(main())
