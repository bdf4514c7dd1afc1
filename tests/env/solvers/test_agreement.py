"""Gurobi and HiGHS behind one interface say the same, on generated, public and random models."""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.env.problem_set import ProblemSet
from ordebug.env.solvers.gurobi import GurobiModel
from ordebug.env.solvers.highs import HighsModel
from ordebug.env.solvers.model import Model

Proof = Callable[..., str]


def compared(path: Path, flaw: Proof) -> str:
    """The status both agree on; fails where they differ, or where a conflict of either is not proved by both."""
    gurobi, highs = GurobiModel.read(path), HighsModel.read(path)
    found, other = gurobi.solve(), highs.solve()
    assert found.status == other.status, path
    if found.objective is not None and other.objective is not None:
        assert math.isclose(found.objective, other.objective, rel_tol=1e-5, abs_tol=1e-5), path
    if found.status == "INFEASIBLE":
        conflict, own = highs.conflict(), gurobi.conflict()
        assert (conflict.rows or conflict.bounds) and (own.rows or own.bounds), path
        for model in (gurobi, highs):
            assert flaw(model, conflict) == "", (path, conflict, type(model))
            # of a MILP whose relaxation is infeasible, Gurobi explains the relaxation
            assert "" in (flaw(model, own), flaw(model, own, relaxed=True)), (path, own, type(model))
    gurobi.close()
    return found.status


def test_random_models(random_models: list[Path], flaw: Proof) -> None:
    counts = Counter(compared(path, flaw) for path in random_models)
    assert all(counts[status] >= 5 for status in ("OPTIMAL", "INFEASIBLE")), counts


def test_generated_models(generated: ProblemSet, flaw: Proof) -> None:
    for problem in generated:
        assert compared(generated.model_path(problem), flaw) == "INFEASIBLE"
        clean = generated.clean_model_path(problem)
        assert clean is not None and compared(clean, flaw) == "OPTIMAL"


def test_public_models(public_problems: list[Path], flaw: Proof) -> None:
    assert Counter(compared(path, flaw) for path in public_problems)["INFEASIBLE"] >= 100


def test_both_read_the_same_content(random_models: list[Path]) -> None:
    for path in random_models[:40]:
        gurobi, highs = GurobiModel.read(path), HighsModel.read(path)
        assert gurobi.row_names == highs.row_names and gurobi.variable_names == highs.variable_names
        assert gurobi.matrix() == highs.matrix() == HighsModel(gurobi.arrays(), "m").matrix(), path


EDITS: list[Callable[[Model], object]] = [
    lambda model: model.drop("wood"),
    lambda model: model.relax("labor", 4),
    lambda model: model.relax("hotel", 2),
    lambda model: model.relax("hotel", 1),
    lambda model: model.set_rhs("hotel", 7),
    lambda model: model.set_rhs("paint", 61),
    lambda model: model.shift("labor", 2),
    lambda model: model.flip("labor"),
    lambda model: model.flip("hotel"),
    lambda model: model.set_bounds("chairs", 1),
    lambda model: model.set_bounds("tables", 0.5, 40.5),
    lambda model: model.set_coefficient("labor", "tables", 2),
    lambda model: model.set_coefficient("paint", "chairs", 0.5),
    lambda model: model.set_coefficient("labor", "chairs", 0),
    lambda model: model.set_type("tables", "I"),
    lambda model: model.add_row("more", {"chairs": 1, "tables": -1}, ">=", -30),
    lambda model: model.drop("hotel"),
]


@pytest.mark.parametrize("broken", [False, True])
def test_every_edit_means_the_same(broken: bool, joinery: Callable[[bool], GurobiModel]) -> None:
    gurobi = joinery(broken)
    highs = HighsModel(gurobi.arrays(), "joinery")
    for edit in EDITS:
        assert edit(gurobi) == edit(highs)
        assert gurobi.row_names == highs.row_names
        assert gurobi.matrix() == highs.matrix() == HighsModel(gurobi.arrays(), "again").matrix()
        found, other = gurobi.solve(), highs.solve()
        assert found.status == other.status and found.objective == pytest.approx(other.objective)
