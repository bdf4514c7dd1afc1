"""Small real problem sets, written with Gurobi, and a program that stands in for ms-swift's."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gurobipy as gp
import pytest

from ordebug.core.jsonl import write_rows
from ordebug.env.solvers.gurobi import environment
from ordebug.eval.swift_infer import SwiftInfer

THOUGHT = "<think>\nhm\n</think>\n\n"
# Answers in another order than asked, as ms-swift may, and appends to a result that exists, as ms-swift does.
PROGRAM = """#!{python} -SE
import json, sys
from pathlib import Path
given = dict(zip(sys.argv, sys.argv[1:]))
asked = Path(given["--val_dataset"])
rows = [json.loads(line) for line in asked.read_text().splitlines()]
with Path("{folder}/calls").open("a") as calls:
    print(asked.name, len(rows), file=calls)
with Path(given["--result_path"]).open("a") as result:
    for row in reversed(rows):
        *prompt, label = row["messages"]
        {body}
        found = dict(response=text, labels=label["content"], logprobs=tokens)
        found["messages"] = [*prompt, dict(role="assistant", content=text)]
        print(json.dumps(found), file=result)
{end}
"""
TWO_STEPS = f"""text = {THOUGHT!r} + "Action: " + (
            "DROP_CONSTRAINT(need)" if "GET_IIS()" in prompt[-1]["content"] else "GET_IIS()"
        )
        tokens = None"""


@dataclass(frozen=True)
class FakeSwift:
    """A ``swift`` that first asks for a conflict and then drops ``need``, unless told otherwise."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "swift"

    def write(self, body: str = TWO_STEPS, end: str = "") -> None:
        """``body`` sets ``text`` and ``tokens`` from ``prompt``; ``end`` runs last."""
        self.folder.mkdir(exist_ok=True)
        self.program.write_text(PROGRAM.format(python=sys.executable, folder=self.folder, body=body, end=end))
        self.program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """What was asked: each input file's name and its count of prompts."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSwift:
    found = FakeSwift(tmp_path / "fake")
    found.write()
    monkeypatch.setattr("ordebug.eval.swift_infer.swift_program", lambda: str(found.program))
    return found


@pytest.fixture
def swift(tmp_path: Path) -> SwiftInfer:
    """A checkpoint and a recipe."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"weights")
    recipe = tmp_path / "infer.yaml"
    recipe.write_text("max_new_tokens: 64\n")
    return SwiftInfer(str(model), recipe)


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
