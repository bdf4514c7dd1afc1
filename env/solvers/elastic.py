"""How far a model is from feasible, and its cheapest repairs; always by HiGHS, so that no licence limits it.

What counts as a violation is said in ``elastic_program.py``. Integrality, what a binary type says of bounds, and rows
that are to be kept can never be violated.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ordebug.core.errors import SolverError
from ordebug.env.solvers.arrays import Arrays, Floats, starts_of
from ordebug.env.solvers.elastic_program import Elastic, Kind, Relaxable, elastic
from ordebug.env.solvers.highs_conflict import Member, find_conflict, relaxable_bounds
from ordebug.env.solvers.highs_engine import solve
from ordebug.env.solvers.model import Model

NOTHING = 1e-9
"""Scaled violations up to here are rounding."""

NAME = "elastic model"


@dataclass(frozen=True)
class Violation:
    """A row or bound that gives way.

    Attributes:
        kind: A row, or a side of a variable's bounds.
        name: The row or the variable.
        amount: By how much it must be loosened, > 0, in the row's or the variable's own unit.
        scaled: The same by the row's scale (``elastic_program.py``), so that amounts can be added.
    """

    kind: Kind
    name: str
    amount: float
    scaled: float = field(default=0.0, compare=False)


def least_violation(model: Arrays) -> float:
    """The least total violation of rows and finite bounds, scaled; 0.0 when there is none.

    Of a MILP, that of its LP relaxation: 0.0 too when integrality alone makes it infeasible. A model that its solver
    finds infeasible by less than about 1e-9 of a row's scale gives 0.0 as well.

    Raises:
        SolverError: If a limit of work or numerical trouble left the question open.
    """
    program = elastic(model, everything(model), integral=False).program
    result = solve(program, NAME, presolve=False)  # presolve costs more than it saves here, at 10 rows and at 2,000
    if result.status != "OPTIMAL":
        raise SolverError(f"{NAME}: HiGHS called it {result.status.lower()}, which it cannot be.")
    return result.objective if result.objective > NOTHING else 0.0


def cheapest_repair(
    model: Model, norm: Literal["l0", "l1"], keep: Collection[str] = (), keep_bounds_of: Collection[str] = ()
) -> tuple[Violation, ...] | None:
    """What to loosen, and by how much, to make a model feasible.

    Args:
        model: The model; of a MILP, integrality is respected.
        norm: ``l1`` for the least total violation, scaled; ``l0`` for the fewest rows and bounds, rows before bounds,
            loosened by the least total violation that suffices.
        keep: Rows that may not be loosened.
        keep_bounds_of: Variables whose bounds may not be.

    Returns:
        Rows in model order, then bounds; empty when the model is feasible, None when what is kept has no solution.

    Raises:
        SolverError: If a limit of work or numerical trouble left the question open.
    """
    arrays = model.arrays()
    kept = [arrays.rows[name] for name in keep if name in arrays.rows]
    may_break = everything(arrays)
    fixed = [arrays.variables[name] for name in keep_bounds_of if name in arrays.variables]
    trusted = [Member("row", index) for index in kept]
    trusted += [Member("lower", index) for index in fixed if may_break.lower[index]]
    trusted += [Member("upper", index) for index in fixed if may_break.upper[index]]
    may_break.rows[kept] = may_break.lower[fixed] = may_break.upper[fixed] = False
    if norm == "l0":
        chosen = fewest_members(arrays, trusted)
        if chosen is None:
            return None
        may_break = _only(arrays, chosen)
    return _least_total(arrays, may_break)


def fewest_members(model: Arrays, trusted: Sequence[Member] = ()) -> list[Member] | None:
    """The fewest rows and bounds without which the model is feasible; None where the trusted ones have no solution.

    They are a smallest set that hits every IIS. The conflicts are found one at a time: hit those known, look for one
    that is not hit, until there is none (Parker and Ryan 1996). No big-M limits how far a row may be broken.
    """
    conflicts: list[list[Member]] = []
    while True:
        chosen = _smallest_hitting_set(conflicts) if conflicts else []
        conflict = find_conflict(_without(model, chosen), NAME, trusted)
        if conflict is None:
            return chosen
        if not conflict:
            return None
        conflicts.append(conflict)


def _least_total(model: Arrays, may_break: Relaxable) -> tuple[Violation, ...] | None:
    stretched = elastic(model, may_break, integral=True)
    result = solve(stretched.program, NAME, values=True)
    if result.status != "OPTIMAL" or result.values is None:
        return None
    return _violations(model, stretched, result.values[len(model.cost) :])


def _violations(model: Arrays, stretched: Elastic, scaled: Floats) -> tuple[Violation, ...]:
    """The violations in a solution; the two sides of an equality are one."""
    found: dict[tuple[Kind, int], Violation] = {}
    for column in np.flatnonzero(scaled > NOTHING):
        kind, index = owner = stretched.owner(int(column))
        before = found.get(owner, Violation(kind, _name(model, kind, index), 0.0))
        amount = before.amount + float(scaled[column] * stretched.scales[column])
        found[owner] = replace(before, amount=amount, scaled=before.scaled + float(scaled[column]))
    return tuple(found[owner] for owner in sorted(found, key=lambda owner: (owner[0] != "row", owner[1])))


def _name(model: Arrays, kind: Kind, index: int) -> str:
    return model.row_names[index] if kind == "row" else model.variable_names[index]


def everything(model: Arrays) -> Relaxable:
    """All that may be broken where nothing is to be kept."""
    return Relaxable(np.ones(len(model.row_lower), dtype=np.bool_), *relaxable_bounds(model))


def _only(model: Arrays, chosen: Sequence[Member]) -> Relaxable:
    masks = {"row": np.zeros(len(model.row_lower), dtype=np.bool_)}
    masks |= {kind: np.zeros(len(model.cost), dtype=np.bool_) for kind in ("lower", "upper")}
    for member in chosen:
        masks[member.kind][member.index] = True
    return Relaxable(masks["row"], masks["lower"], masks["upper"])


def _without(model: Arrays, chosen: Sequence[Member]) -> Arrays:
    """The model with these rows and bounds made infinite, so that the others keep their indices."""
    gone = _only(model, chosen)
    return model.having(
        row_lower=np.where(gone.rows, -np.inf, model.row_lower),
        row_upper=np.where(gone.rows, np.inf, model.row_upper),
        lower=np.where(gone.lower, -np.inf, model.lower),
        upper=np.where(gone.upper, np.inf, model.upper),
    )


def _smallest_hitting_set(conflicts: Sequence[Sequence[Member]]) -> list[Member]:
    """The fewest members of which each conflict holds one; of equally many, those with fewer bounds."""
    known = sorted({member for conflict in conflicts for member in conflict})
    place = {member: index for index, member in enumerate(known)}
    # all the extras together stay below one half: they never outweigh a member
    extra = 0.5 / (len(known) + 1)
    count = sum(map(len, conflicts))
    program = Arrays(
        row_names=(),
        variable_names=(),
        starts=starts_of(np.array([len(conflict) for conflict in conflicts])),
        columns=np.array([place[member] for conflict in conflicts for member in conflict], dtype=np.int32),
        values=np.ones(count),
        row_lower=np.ones(len(conflicts)),
        row_upper=np.full(len(conflicts), np.inf),
        lower=np.zeros(len(known)),
        upper=np.ones(len(known)),
        cost=np.array([1.0 if member.kind == "row" else 1.0 + extra for member in known]),
        types=np.full(len(known), "B"),
    )
    result = solve(program, "hitting set", values=True)
    if result.values is None:
        raise SolverError("hitting set: HiGHS found none, though there is one.")
    return [member for member, value in zip(known, result.values, strict=True) if value > 0.5]
