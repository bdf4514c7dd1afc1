"""What a Gurobi model holds, read as a whole."""

import math
from collections.abc import Mapping, Sequence

import gurobipy as gp
import numpy as np
from gurobipy import GRB

from ordebug.env.solvers.arrays import INFINITE, Arrays, limited


def arrays_of(model: gp.Model, rows: Mapping[str, Sequence[gp.Constr]], variable_names: tuple[str, ...]) -> Arrays:
    """The model as arrays; a row that is two in Gurobi becomes one with two limits.

    Args:
        model: The model, with nothing pending.
        rows: Gurobi's rows for each row, in model order.
        variable_names: The variables in model order.
    """
    matrix, sense, count = model.getA(), np.array(model.getAttr("Sense"), dtype="U1"), len(variable_names)
    limits = limited(model.getAttr("LB") + model.getAttr("UB") + model.getAttr("RHS"))
    lower, upper, rhs = limits[:count], limits[count : 2 * count], limits[2 * count :]
    low, high = np.where(sense == GRB.LESS_EQUAL, -np.inf, rhs), np.where(sense == GRB.GREATER_EQUAL, np.inf, rhs)
    if len(rows) < len(rhs):
        parts = [[part.index for part in row] for row in rows.values()]
        low, high = np.array([low[row].max() for row in parts]), np.array([high[row].min() for row in parts])
        matrix = matrix[[row[0] for row in parts]]
    return Arrays(
        row_names=tuple(rows),
        variable_names=variable_names,
        starts=matrix.indptr.astype(np.int32, copy=False),
        columns=matrix.indices.astype(np.int32, copy=False),
        values=matrix.data,
        row_lower=low,
        row_upper=high,
        lower=lower,
        upper=upper,
        cost=np.array(model.getAttr("Obj")),
        types=np.array(model.getAttr("VType"), dtype="U1"),
        offset=model.ObjCon,
        maximize=model.ModelSense == GRB.MAXIMIZE,
    )


def copied(model: gp.Model) -> gp.Model:
    """A copy, in which Gurobi would round the fractional bounds of integer variables."""
    twin = model.copy()
    if model.IsMIP:
        for side in ("LB", "UB"):
            bounds = model.getAttr(side)
            if bounds != twin.getAttr(side):
                twin.setAttr(side, bounds)
                twin.update()
    return twin


def beyond_milp(model: gp.Model) -> bool:
    """Whether it is more than an LP or MILP."""
    if model.IsQP or model.IsQCP or model.NumPWLObjVars:
        return True
    if not model.IsMIP:  # which SOS, general constraints and several objectives make a model
        return False
    if model.NumSOS or model.NumGenConstrs or model.NumObj > 1:
        return True
    return not {GRB.SEMICONT, GRB.SEMIINT}.isdisjoint(model.getAttr("VType"))


def limit(value: float) -> float:
    """A bound, infinite where it means "no limit"."""
    return math.copysign(math.inf, value) if abs(value) >= INFINITE else value
