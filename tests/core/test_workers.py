import importlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.core import workers
from ordebug.core.errors import SolverError, ToolError
from ordebug.core.workers import Failure, guarded_map

Act = Callable[[tuple[str, Any]], Any]


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Act:
    """A function that workers import by its module's name, as they import those of ordebug."""
    folder = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")]))
    function: Act = importlib.import_module("worker_functions").act
    return function


def children() -> set[str]:
    """Processes that this one started and that still run, but for multiprocessing's own helper."""
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return {pid for pid in text.split() if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_order_whatever_the_worker_count(count: int) -> None:
    made = list(guarded_map(math.isqrt, range(40), workers=count, seconds=30, label="roots"))
    assert made == [math.isqrt(value) for value in range(40)]
    assert list(guarded_map(math.isqrt, [], workers=count, seconds=30, label="roots")) == []


@pytest.mark.parametrize("count", [1, 2])
def test_hung_and_killed_workers_cost_their_items_alone(count: int, act: Act) -> None:
    items: list[tuple[str, Any]] = [("give", number) for number in range(9)]
    items[1], items[4], items[6] = ("sleep", 60), ("kill", None), ("exit", 3)
    start = time.monotonic()
    before = children()
    made = list(guarded_map(act, items, workers=count, seconds=1.5, label="mixed"))
    assert [result for result in made if not isinstance(result, Failure)] == [0, 2, 3, 5, 7, 8]
    hung, killed, left = made[1], made[4], made[6]
    assert isinstance(hung, Failure) and hung.reason == "hung" and "1.5 s" in hung.message
    assert isinstance(killed, Failure) and killed.reason == "killed" and "-9" in killed.message
    assert isinstance(left, Failure) and left.reason == "killed" and "status 3" in left.message
    assert time.monotonic() - start < 30 and children() == before


@pytest.mark.parametrize("count", [1, 2])
def test_short_items_travel_together_and_are_lost_alone(count: int, act: Act) -> None:
    items: list[tuple[str, Any]] = [("give", number) for number in range(400)]
    lost = {150: ("kill", None), 151: ("exit", 3), 200: ("sleep", 60), 399: ("kill", None)}
    for place, item in lost.items():
        items[place] = item
    start, before = time.monotonic(), children()
    made = list(guarded_map(act, items, workers=count, seconds=1.5, label="chunks"))
    assert {place for place, result in enumerate(made) if isinstance(result, Failure)} == lost.keys()
    assert [result for result in made if not isinstance(result, Failure)] == [n for n in range(400) if n not in lost]
    assert isinstance(made[200], Failure) and made[200].reason == "hung"
    assert time.monotonic() - start < 40 and children() == before


def test_chunks_cost_fewer_messages(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    assign = workers._Pool._assign

    def counted(pool: workers._Pool[Any, Any], worker: workers.Worker) -> None:
        assign(pool, worker)
        sent.append(len(worker.chunk))

    monkeypatch.setattr(workers._Pool, "_assign", counted)
    made = list(guarded_map(act, [("give", n) for n in range(500)], workers=2, seconds=30, label="many"))
    assert made == list(range(500)) and sum(sent) == 500
    assert max(sent) > 8 and sum(map(bool, sent)) < 100


def test_a_worker_serves_many_items(act: Act) -> None:
    made = list(guarded_map(act, [("pid", None)] * 20, workers=2, seconds=30, label="pids"))
    assert len(set(made)) <= 2 and os.getpid() not in made


def test_idle_workers_clean_up_at_the_end(act: Act, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in "ab"]
    list(guarded_map(act, [("clean up", file) for file in files], workers=2, seconds=30, label="cleaning"))
    assert all(Path(file).exists() for file in files)


def test_what_is_raised_comes_at_its_items_turn(act: Act) -> None:
    before = children()
    results = guarded_map(act, [("give", 1), ("raise", "answer"), ("give", 3)], workers=2, seconds=30, label="raising")
    assert next(results) == 1
    with pytest.raises(SolverError, match="no answer") as caught:
        next(results)
    assert caught.value.fix == "try another" and children() == before
    for item in (("awkward", None), ("unpicklable", 1)):
        with pytest.raises(Exception, match=r"one and two|pickle"):
            list(guarded_map(act, [item], workers=1, seconds=30, label="raising"))


def test_a_reader_who_leaves_leaves_nothing_behind(act: Act) -> None:
    before = children()
    results = guarded_map(act, [("give", 1), ("sleep", 60), ("sleep", 60)], workers=2, seconds=90, label="left")
    assert next(results) == 1
    results.close()  # type: ignore[attr-defined]
    assert children() == before


def test_a_slow_reader_is_not_the_workers_fault(act: Act) -> None:
    large = "x" * 2**20  # more than a pipe holds: the worker waits for its reader
    made = []
    for result in guarded_map(act, [("give", large)] * 4, workers=2, seconds=1, label="slow"):
        time.sleep(1.2)
        made.append(result)
    assert made == [large] * 4


def test_a_function_that_workers_cannot_import_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("def f(item):\n    return item\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    function = importlib.import_module("only_here").f
    (tmp_path / "only_here.py").unlink()
    with pytest.raises(ToolError, match="ended with status 1 at its start"):
        list(guarded_map(function, [1], workers=1, seconds=30, label="lost"))


def test_a_worker_that_never_starts_is_given_up(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_SECONDS", 0.0)
    with pytest.raises(ToolError, match="did not start"):
        list(guarded_map(act, [("give", 1)], workers=1, seconds=30, label="slow start"))


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_hanging_workers_end_when_their_parent_is_killed(act: Act) -> None:
    program = (
        "from worker_functions import act; from ordebug.core.workers import guarded_map\n"
        "results = guarded_map(act, [('pid', 0), ('sleep', 600)], workers=1, seconds=900, label='orphan')\n"
        "print(next(results), flush=True)\nnext(results)\n"
    )
    command = [sys.executable, "-c", f"if __name__ == '__main__':\n    exec({program!r})"]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not runs(worker):
            return
        time.sleep(0.1)
    pytest.fail("the worker still runs")


def runs(pid: int) -> bool:
    """Whether the process is neither gone nor a zombie that nobody waits for."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
