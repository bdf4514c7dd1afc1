"""Workers that judge: who waits for whom."""

import asyncio
import random
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
