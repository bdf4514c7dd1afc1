"""Small real problem sets, written with Gurobi."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gurobipy as gp
import pytest

from ordebug.core.jsonl import write_rows
from ordebug.env.solvers.gurobi import environment

REPOSITORY = Path(__file__).parents[2]


def write_model(path: Path, need: float, limit: float = 4.0) -> None:
    """max x + y with x + y <= limit, x + y >= need; need above limit is infeasible."""
    with gp.Model(env=environment()) as model:
        x, y = model.addVar(ub=10, name="x"), model.addVar(ub=10, name="y")
        model.addConstr(x + y <= limit, name="limit")
        model.addConstr(x + y >= need, name="need")
        model.addConstr(x - y <= 3, name="balance")
        model.setObjective(x + y, gp.GRB.MAXIMIZE)
        path.parent.mkdir(parents=True, exist_ok=True)
        model.write(str(path))


def record(number: int, **fields: Any) -> dict[str, Any]:
    row = {
        "problem_id": f"p{number}",
        "model_file": f"models/p{number}.mps",
        "clean_model_file": f"models/p{number}_clean.mps",
        "error_type": "AD"[number % 2],
        "description": "need: at least 2",
        "root_cause": [{"kind": "rhs", "name": "need", "touches": ["need"]}],
        "repair": ["UPDATE_RHS(need, 2)"],
        "original_objective": 4.0,
        "base_id": f"b{number // 2}",
    }
    return row | fields


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a set of broken problems, with further records where given."""

    def make(count: int = 4, name: str = "set", extra: tuple[dict[str, Any], ...] = ()) -> Path:
        folder = tmp_path / name
        for number in range(count):
            write_model(folder / f"models/p{number}.mps", need=10.0 + number)
            write_model(folder / f"models/p{number}_clean.mps", need=2.0)
        write_rows(folder / "problems.jsonl", [*(record(number) for number in range(count)), *extra])
        return folder

    return make


@pytest.fixture
def public_problems() -> Path:
    """The published problems, where they are present."""
    root = Path(os.environ.get("ORDEBUG_PUBLIC_BENCH", REPOSITORY.parent / "shared" / "public_bench"))
    folder = root / "problems" / "full"
    if not (folder / "dataset.json").is_file():
        pytest.skip("the public problems are not here; set ORDEBUG_PUBLIC_BENCH to their folder")
    return folder
