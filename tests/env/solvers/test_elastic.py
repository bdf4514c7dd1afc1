import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from ordebug.env.problem_set import ProblemSet
from ordebug.env.solvers import elastic
from ordebug.env.solvers.arrays import Arrays
from ordebug.env.solvers.elastic import Violation, cheapest_repair, least_violation
from ordebug.env.solvers.gurobi import GurobiModel
from ordebug.env.solvers.highs import HighsModel
from ordebug.env.solvers.highs_conflict import members
from ordebug.env.solvers.model import Model, read_model

BuildModel = Callable[[bool], GurobiModel]


def loosened(model: Model, repair: tuple[Violation, ...]) -> Model:
    """The model with a repair carried out, every amount a hair larger for rounding."""
    twin = model.copy()
    for part in repair:
        amount = part.amount * (1 + 1e-9) + 1e-9
        view = twin.variable(part.name) if part.kind != "row" else None
        if view is None:
            twin.relax(part.name, amount)
        elif part.kind == "lower":
            twin.set_bounds(part.name, view.lower - amount)
        else:
            twin.set_bounds(part.name, view.lower, view.upper + amount)
    return twin


def by_another_way(arrays: Arrays) -> float:
    """The least violation, each side of each row and bound an inequality of its own, by scipy."""
    rows, limits, scales = [], [], []
    lower, upper = arrays.limits
    dense = np.zeros((len(arrays.row_lower), len(arrays.cost)))
    dense[arrays.entry_rows, arrays.columns] = arrays.values
    for row, low, high in zip(dense, arrays.row_lower, arrays.row_upper, strict=True):
        for left, limit in ((-row, -low), (row, high)):
            if math.isfinite(limit):
                rows.append(left)
                limits.append(limit)
                scales.append(max(abs(limit), max(abs(left))) or 1.0)
    for index, (low, high) in enumerate(zip(lower, upper, strict=True)):
        unit = np.eye(len(arrays.cost))[index]
        for left, limit, implied in ((-unit, -low, 0.0), (unit, high, 1.0)):
            if math.isfinite(limit):
                rows.append(left)
                limits.append(limit)
                hard = arrays.types[index] == "B" and limit == implied
                scales.append(0.0 if hard else max(abs(limit), 1.0))
    slack = -np.diag(scales)
    cost = np.concatenate([np.zeros(len(arrays.cost)), np.ones(len(rows))])
    free = [(None, None)] * len(arrays.cost) + [(0, None)] * len(rows)
    return float(linprog(cost, A_ub=np.hstack([np.array(rows), slack]), b_ub=limits, bounds=free).fun)


def test_the_joinery_by_hand(joinery: BuildModel) -> None:
    # labor >= 40 and wood <= 30 over the same sum: the gap of 10 is cheaper where the scale is larger
    assert least_violation(joinery(False).arrays()) == 0.0
    assert least_violation(joinery(True).arrays()) == pytest.approx(10 / 40)
    assert cheapest_repair(joinery(True), "l1") == (Violation("row", "labor", pytest.approx(10)),)
    assert cheapest_repair(joinery(True), "l1", keep=["labor"]) == (Violation("row", "wood", pytest.approx(10)),)
    assert cheapest_repair(joinery(True), "l1", keep=["labor", "wood"]) is None
    assert cheapest_repair(joinery(True), "l0", keep=["labor", "wood"]) is None
    assert cheapest_repair(joinery(False), "l1") == cheapest_repair(joinery(False), "l0") == ()


def test_a_row_multiplied_by_a_number_is_as_far_away(joinery: BuildModel) -> None:
    model = joinery(True)
    for variable in model.variable_names:
        model.set_coefficient("labor", variable, 1e-3)
    model.set_rhs("labor", 0.04)
    assert least_violation(model.arrays()) == pytest.approx(10 / 40, rel=1e-5)


def test_relaxing_a_row_step_by_step_comes_nearer(joinery: BuildModel) -> None:
    model, seen = joinery(True), []
    for _ in range(4):
        seen.append(least_violation(model.arrays()))
        model.relax("wood", 3)
    assert seen == sorted(seen, reverse=True) and least_violation(model.arrays()) == 0.0


def test_crossed_bounds_and_large_numbers(joinery: BuildModel) -> None:
    model = joinery(False)
    model.set_bounds("chairs", 6, 5.5)
    # the cheaper side of the gap of .5 has the scale 6; the row chairs = 5 is .5 from 5.5 at the scale 5
    assert least_violation(model.arrays()) == pytest.approx(by_another_way(model.arrays()))
    model.set_bounds("chairs", 0, 9)
    model.set_rhs("labor", 2e7)
    model.flip("labor")
    assert least_violation(model.arrays()) == pytest.approx(by_another_way(model.arrays()), rel=1e-6)


def test_the_same_by_another_formulation(random_models: list[Path], public_problems: list[Path]) -> None:
    for path in [*random_models, *public_problems[::4]]:
        model = GurobiModel.read(path)
        expected = by_another_way(model.arrays())
        assert least_violation(model.arrays()) == pytest.approx(expected, rel=1e-6, abs=1e-6), path
        assert least_violation(HighsModel.read(path).arrays()) == pytest.approx(expected, rel=1e-6, abs=1e-6), path


def test_every_repair_repairs(random_models: list[Path], generated: ProblemSet) -> None:
    found = 0
    for path in [*random_models, *(generated.model_path(problem) for problem in generated)]:
        model = read_model(path)
        status = model.solve().status
        for norm in ("l0", "l1"):
            repair = cheapest_repair(model, norm)
            assert repair is not None and bool(repair) == (status == "INFEASIBLE"), path
            assert all(part.amount > 0 for part in repair)
            assert loosened(model, repair).solve().status != "INFEASIBLE", (path, norm, repair)
            found += len(repair)
    assert found > 50


def test_no_fewer_rows_and_bounds_would_do(random_models: list[Path]) -> None:
    sizes = set()
    for path in random_models[:60]:
        model = HighsModel.read(path)
        repair = cheapest_repair(model, "l0")
        assert repair is not None
        sizes.add(len(repair))
        arrays = model.arrays()
        for fewer in range(len(repair)):
            for chosen in itertools.combinations(members(arrays), fewer):
                twin = HighsModel(elastic._without(arrays, chosen), "twin")
                assert twin.solve().status == "INFEASIBLE", (path, repair, chosen)
    assert {0, 1, 2} <= sizes


def test_integrality_alone_costs_nothing_relaxed_and_is_repaired(tmp_path: Path) -> None:
    path = tmp_path / "m.lp"
    path.write_text("min\n x\nst\n odd: 2 x + 2 y = 5\nbounds\n x <= 4\n y <= 4\ngen\n x y\nend\n")
    for solver in ("gurobi", "highs"):
        model = read_model(path, solver)
        assert least_violation(model.arrays()) == 0.0
        assert cheapest_repair(model, "l1") == (Violation("row", "odd", pytest.approx(1)),)


def test_a_binary_is_never_taken_beyond_0_and_1(tmp_path: Path) -> None:
    path = tmp_path / "m.lp"
    path.write_text("min\n x\nst\n c: x + z >= 3\n d: z <= 1\nbounds\n z <= 9\nbin\n x\nend\n")
    model = read_model(path)
    assert cheapest_repair(model, "l1") == (Violation("row", "c", pytest.approx(1)),)
    model.set_bounds("x", 0, 0)
    assert least_violation(model.arrays()) == pytest.approx(by_another_way(model.arrays()))
    repair = cheapest_repair(model, "l0")
    assert repair is not None and len(repair) == 1 and repair[0].kind == "row"


def test_beyond_the_licence(tmp_path: Path) -> None:
    path = tmp_path / "large.lp"
    body = "\n".join(f" c{i}: x{i} + x{i + 1} <= 1" for i in range(2500))
    path.write_text(f"min\n x0\nst\n{body}\n need: x7 + x8 >= 3\nend\n")
    model = read_model(path)
    assert isinstance(model, HighsModel)
    assert least_violation(model.arrays()) == pytest.approx(2 / 3)
    for norm in ("l0", "l1"):
        assert cheapest_repair(model, norm, keep=["c7"]) == (Violation("row", "need", pytest.approx(2)),)
