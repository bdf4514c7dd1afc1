"""Elastic models: how far a model is from feasible, and the cheapest way to loosen it.

The smallest sound form, on Gurobi's feasRelax (a copy of the model, never the model itself): a stand-in, to be replaced
by the elastic model that also runs on HiGHS, of the same two signatures.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import gurobipy as gp
from gurobipy import GRB

from ordebug.core.errors import SolverError
from ordebug.env.observation import RowView
from ordebug.env.solvers.gurobi import GurobiModel

Norm = Literal["l0", "l1"]
RELAXATIONS: dict[Norm, int] = {"l1": 0, "l0": 2}
"""feasRelax's ``relaxobjtype``: the sum of violations, or their number."""

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Violation:
    """A row or bound that has to give way.

    Attributes:
        kind: What gives way: a row, a variable's lower or its upper bound.
        name: The row or the variable.
        amount: By how much, in the row's own units.
    """

    kind: Literal["row", "lower", "upper"]
    name: str
    amount: float


def least_violation(model: GurobiModel) -> float:
    """The least total violation of rows and bounds that lets the LP relaxation be feasible, 0.0 where it is.

    Each violation is divided by max(1, |limit|), so that a large row does not outweigh the others.

    Raises:
        SolverError: If the solver failed.
    """
    relaxed = model._model.relax()
    try:
        found = _loosen(relaxed, "l1", keep=(), scaled=True)
        return found if found is not None and found > TOLERANCE else 0.0
    finally:
        relaxed.dispose()


def cheapest_repair(model: GurobiModel, norm: Norm, keep: Collection[str] = ()) -> tuple[Violation, ...]:
    """What to loosen so that the model becomes feasible: the fewest rows and bounds (l0), or the least in total (l1).

    Args:
        model: The model; it is not changed.
        norm: What is least.
        keep: Rows that must not give way, and variables whose bounds must not.

    Returns:
        The violations, rows first, in model order; empty where nothing has to give way, or nothing else can.

    Raises:
        SolverError: If the solver failed.
    """
    twin = model._model.copy()
    try:
        if _loosen(twin, norm, keep=keep, scaled=False) is None:
            return ()
        own = twin.getVars()[: len(model.variable_names)]  # feasRelax appends its own
        values = dict(zip(model.variable_names, twin.getAttr("X", own), strict=True))
        return tuple(found for found in _violations(model, values) if found.amount > TOLERANCE)
    finally:
        twin.dispose()


def _loosen(model: gp.Model, norm: Norm, *, keep: Collection[str], scaled: bool) -> float | None:
    """Solves feasRelax in place: the least that has to give way, None where what may is not enough."""
    rows, variables = model.getConstrs(), model.getVars()

    def prices(names: list[str], limits: list[float]) -> list[float]:
        prices = [1 / max(1.0, abs(limit)) if scaled and abs(limit) < GRB.INFINITY else 1.0 for limit in limits]
        return [GRB.INFINITY if name in keep else price for name, price in zip(names, prices, strict=True)]

    names, row_names = model.getAttr("VarName", variables), model.getAttr("ConstrName", rows)
    lower, upper = (prices(names, model.getAttr(side, variables)) for side in ("LB", "UB"))
    sides = prices(row_names, model.getAttr("RHS", rows))
    # feasRelax counts with binaries behind a limit of 1e6: at the usual tolerance a violation of 5 counts as none
    model.Params.IntFeasTol = 1e-9
    try:
        model.feasRelax(RELAXATIONS[norm], False, variables, lower, upper, rows, sides)
        model.optimize()
    except gp.GurobiError as error:
        raise SolverError(f"the elastic model: Gurobi failed with error {error.errno} ({error}).") from None
    if model.Status == GRB.INFEASIBLE:
        return None
    if model.Status != GRB.OPTIMAL:
        raise SolverError(f"the elastic model: Gurobi stopped with status {model.Status}.")
    return float(model.ObjVal)


def _violations(model: GurobiModel, values: Mapping[str, float]) -> Iterator[Violation]:
    for name in model.row_names:
        view = model.row(name)
        yield Violation("row", name, _beyond(view, sum(value * values[variable] for value, variable in view.terms)))
    for name in model.variable_names:
        limits = model.variable(name)
        yield Violation("lower", name, limits.lower - values[name])
        yield Violation("upper", name, values[name] - limits.upper)


def _beyond(view: RowView, found: float) -> float:
    """How far a row's sum lies beyond its limits."""
    beyond = {"<=": found - view.rhs, ">=": view.rhs - found, "=": abs(found - view.rhs) - view.slack}
    return beyond[view.sense]
