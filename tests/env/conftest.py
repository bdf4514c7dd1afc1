"""Small real models."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.solvers.gurobi import GurobiModel

MakeProblem = Callable[..., tuple[Problem, ProblemSet]]


def build_joinery(broken: bool, names: tuple[str, str, str] = ("labor", "wood", "hotel")) -> GurobiModel:
    """max 3 chairs + 2 tables, labor <= 40 (>= 40 when broken), wood <= 30, hotel: chairs = 5, paint: tables <= 60."""
    labor, wood, hotel = names
    model = GurobiModel.build("joinery", {"chairs": 3.0, "tables": 2.0}, maximize=True)
    model.add_row(labor, {"chairs": 1.0, "tables": 1.0}, ">=" if broken else "<=", 40)
    model.add_row(wood, {"chairs": 1.0, "tables": 1.0}, "<=", 30)
    model.add_row(hotel, {"chairs": 1.0}, "=", 5)
    model.add_row("paint", {"tables": 1.0}, "<=", 60)
    return model


@pytest.fixture
def joinery() -> Callable[[bool], GurobiModel]:
    """Builds the joinery, broken or not."""
    return build_joinery


@pytest.fixture
def make_problem(tmp_path: Path) -> MakeProblem:
    """Writes the joinery's clean and broken models and returns the problem with its set."""

    def make(names: tuple[str, str, str] = ("labor", "wood", "hotel"), **fields: object) -> tuple[Problem, ProblemSet]:
        for file, broken in (("clean.lp", False), ("broken.lp", True)):
            build_joinery(broken, names).write(tmp_path / file)
        record = {
            "problem_id": "joinery-1",
            "model_file": "broken.lp",
            "clean_model_file": "clean.lp",
            "error_type": "A",
            "description": f"A joinery plans.\n{names[0]}: at most 40 hours\n{names[1]}: at most 30 meters",
            "root_cause": [{"kind": "sense", "name": names[0], "touches": [names[0]]}],
            "repair": [f"FLIP_SENSE({names[0]})"],
            "original_objective": 65.0,
        }
        problem = Problem.model_validate({**record, **fields})
        return problem, ProblemSet(tmp_path, {problem.problem_id: problem})

    return make
