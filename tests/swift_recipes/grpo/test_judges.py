"""Workers that judge: who waits for whom."""

import asyncio
import importlib
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gurobipy as gp
import pytest

from ordebug.converters.env_config import EnvConfig
from ordebug.core.jsonl import write_rows
from ordebug.env.solvers.gurobi import environment
from ordebug.swift_recipes.grpo import gym_env, judges
from ordebug.swift_recipes.grpo.gym_env import OrdebugEnv
from ordebug.swift_recipes.grpo.judges import Judges, shared_judges


@pytest.fixture
def slow(tmp_path: Path) -> dict[str, Any]:
    """The row of a problem that Gurobi works at for more than 20 s: a market split of 5 rows (Cornuejols, Dawande)."""
    drawn = random.Random(1)
    with gp.Model(env=environment()) as model:
        chosen = [model.addVar(vtype="B", name=f"x{column}") for column in range(40)]
        for row in range(5):
            weights = [drawn.randrange(100) for _ in chosen]
            model.addConstr(gp.LinExpr(weights, chosen) == sum(weights) // 2, name=f"market_{row}")
        model.update()
        (tmp_path / "models").mkdir()
        model.write(str(tmp_path / "models" / "slow.mps"))
    record = {"problem_id": "slow", "model_file": "models/slow.mps", "error_type": "A", "description": "", "repair": []}
    write_rows(tmp_path / "problems.jsonl", [record | {"root_cause": [], "base_id": "slow"}])
    return {"problem": "slow", "env_config": EnvConfig(problems=tmp_path).model_dump(mode="json")}


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[Judges]:
    """Two workers."""
    own = Judges(2)
    monkeypatch.setattr(gym_env, "shared_judges", lambda: own)
    yield own
    own.close()


def begun(row: dict[str, Any]) -> tuple[OrdebugEnv, Any]:
    """An episode and what its reset is given."""
    return OrdebugEnv(row["env_config"]), SimpleNamespace(data_dict={"problem": row["problem"]})


async def played(row: dict[str, Any], steps: int) -> int:
    """Plays an episode of vain replies."""
    env, request = begun(row)
    await env.reset(request)
    for number in range(steps):
        _, _, done, _ = await env.step([{"role": "assistant", "content": "Action: GET_IIS()"}])
        if done:
            return number + 1
    return steps


def test_no_step_waits_on_another_ones_slow_solve(
    make_prompts: Callable[..., Any], slow: dict[str, Any], two: Judges
) -> None:
    quick = make_prompts("A").rows[0]

    async def beside() -> tuple[int, bool]:
        await asyncio.gather(played(quick, 1), played(quick, 1))  # the workers have started
        env, request = begun(slow)
        long = asyncio.ensure_future(env.reset(request))
        steps = sum(await asyncio.gather(played(quick, 4), played(quick, 4)))
        waited_for_it = long.done()
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
        return steps, waited_for_it

    assert asyncio.run(beside()) == (8, False)


@pytest.mark.parametrize(("cores", "ranks", "workers"), [(16, "2", 8), (2, "2", 2), (1, "1", 2), (2, "1", 2)])
def test_there_are_always_two_workers(monkeypatch: pytest.MonkeyPatch, cores: int, ranks: str, workers: int) -> None:
    monkeypatch.setattr(judges, "default_workers", lambda: cores)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
    assert shared_judges.__wrapped__()._workers == workers


FAILING = """import os, time
def judge_all(items):
    for item in items:
        if item == "dies":
            os._exit(9)
        time.sleep({"hangs": 600, "slow": 1}.get(item, 0))
    return list(items)
"""


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers that do as their items say."""
    (tmp_path / "failing.py").write_text(FAILING)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(judges, "judge_all", importlib.import_module("failing").judge_all)
    yield
    sys.modules.pop("failing")


async def told(own: Judges, groups: list[list[str]]) -> tuple[list[Any], int]:
    """What is said of groups that are asked for at once, and the most processes that there were."""
    asked = asyncio.gather(*(own.judge([group]) for group in groups))  # type: ignore[list-item]
    before, most = len(multiprocessing.active_children()), 0
    while not asked.done():
        await asyncio.sleep(0.02)
        most = max(most, len(multiprocessing.active_children()) - before)
    return [verdicts for [verdicts] in await asked], most


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("bad", ["dies", "hangs"])
def test_a_worker_that_hangs_or_dies_costs_its_own_reply(bad: str) -> None:
    own = Judges(1, seconds=4)
    try:
        found: Any = asyncio.run(own.judge([["good"], ["good", bad], ["other"]]))  # type: ignore[list-item]
        assert found[0] == ["good"] and found[2] == ["other"] and found[1][0] == "good"
        assert found[1][1].why == "its worker process hung or died"
        many: Any = asyncio.run(own.judge([["good"]] * 5 + [["good", bad]] + [["other"]] * 5))  # type: ignore[list-item]
        assert many[:5] == [["good"]] * 5 and many[6:] == [["other"]] * 5 and many[5][0] == "good"
        assert many[5][1].why == "its worker process hung or died"
    finally:
        own.close()


@pytest.mark.usefixtures("failing")
def test_the_wait_for_a_worker_is_not_counted() -> None:
    own = Judges(2, seconds=4)
    try:
        found, most = asyncio.run(told(own, [["slow"]] * 12))
        assert found == [["slow"]] * 12 and most == 2
    finally:
        own.close()


@pytest.mark.usefixtures("failing")
def test_one_that_hangs_costs_no_other_and_no_further_process() -> None:
    own = Judges(2, seconds=4)
    try:
        found, most = asyncio.run(told(own, [["good"]] * 7 + [["hangs"]] + [["slow"]] * 4 + [["dies"], ["good"]]))
        kept = found[:7] + found[8:12] + found[13:]
        assert kept == [["good"]] * 7 + [["slow"]] * 4 + [["good"]] and most == 2
        assert found[7][0].why == found[12][0].why == "its worker process hung or died"
    finally:
        own.close()


@pytest.mark.usefixtures("failing")
def test_closing_waits_for_nothing_and_leaves_nothing() -> None:
    own, before = Judges(1), len(multiprocessing.active_children())

    async def left() -> list[Any]:
        asked = [asyncio.ensure_future(own.judge([[item]])) for item in ("hangs", "good")]  # type: ignore[list-item]
        while not (own._desks and own._desks[0]._worker):
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        own.close()
        return await asyncio.gather(*asked, return_exceptions=True)

    start = time.monotonic()
    hung, waiting = asyncio.run(left())
    assert time.monotonic() - start < 60 and len(multiprocessing.active_children()) == before
    assert hung == [[judges.LOST]] and isinstance(waiting, asyncio.CancelledError)
