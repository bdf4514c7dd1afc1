"""Whether two models over the same variables allow the same points, proved by the solver.

A model's feasible set lies within another's exactly if no limit of the other cuts any of it off: for each row and
bound that differs, its activity is optimised over the model (MIPGap 0) and set beside the limit. Both ways, this is
set equality, whatever the rows look like; equal matrices need no solve.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ordebug.core.errors import LicenceError, SolverError
from ordebug.env.observation import RowView, VariableView
from ordebug.env.solvers.model import Model

Verdict = Literal["equivalent", "different", "unproved"]

TOLERANCE, RELATIVE = 1e-6, 1e-12
"""Solvers satisfy rows to within the first, and numbers are exact to within the second: beyond by no more is within."""
DOUBT = 10.0
"""Beyond by up to this many tolerances is neither within nor clearly beyond: unproved."""
WHOLE = 1e-5
"""How far from a whole number an integer variable may lie (Gurobi's IntFeasTol)."""


@dataclass(frozen=True)
class Equivalence:
    """A verdict on two feasible sets.

    Attributes:
        verdict: What was proved.
        witness: The row, bound or type that cuts a point of the other model off, where the sets differ.
        reason: The proof's last line, in words.
    """

    verdict: Verdict
    witness: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Limit:
    """One side of a row or of a variable's bounds: ``terms`` may come to no more (or no less) than ``value``."""

    witness: str
    terms: Mapping[str, float]
    upper: bool
    value: float


@dataclass(frozen=True)
class Content:
    """A model with its rows and variables, read once."""

    model: Model
    rows: Mapping[str, RowView]
    variables: Mapping[str, VariableView]

    @classmethod
    def of(cls, model: Model) -> "Content":
        """The content of a model, which must not be edited while this is used."""
        rows = {name: model.row(name) for name in model.row_names}
        return cls(model, rows, {name: model.variable(name) for name in model.variable_names})


def equivalence(one: Model, other: Model) -> Equivalence:
    """Whether two feasible models have the same feasible set.

    Raises:
        LicenceError: If the solver has no licence.
    """
    return compare(Content.of(one), Content.of(other))


def compare(one: Content, other: Content) -> Equivalence:
    """As ``equivalence``, of contents already read."""
    if one.variables.keys() != other.variables.keys():
        return Equivalence("different", None, "the models have different variables")
    found: list[Equivalence] = []
    for within, of in ((one, other), (other, one)):
        for verdict in _cuts(within, of):
            if verdict.verdict == "different":
                return verdict
            found.append(verdict)
    return found[0] if found else Equivalence("equivalent", None, "no limit cuts a point of the other model off")


def _cuts(within: Content, of: Content) -> Iterator[Equivalence]:
    """What of ``of`` is not known to hold in all of ``within``: cut off, or unproved."""
    for limit in _limits(within, of):
        verdict = _checked(within.model, limit)
        if verdict is not None:
            yield verdict
    for name, view in of.variables.items():
        if view.type != "C" and within.variables[name].type == "C":
            verdict = _whole(within, name)
            if verdict is not None:
                yield verdict


def _limits(within: Content, of: Content) -> Iterator[Limit]:
    """The limits of ``of`` that do not stand in ``within`` as they are."""
    for name, row in of.rows.items():
        if not _same_row(within.rows.get(name), row):
            terms = _terms(row)
            if row.sense != ">=":
                yield Limit(f"row {name}", terms, True, row.rhs + row.slack)
            if row.sense != "<=":
                yield Limit(f"row {name}", terms, False, row.rhs - row.slack)
    for name, view in of.variables.items():
        stands = _bounds(within.variables[name])
        for limit, upper, held in zip(_bounds(view), (False, True), stands, strict=True):
            if limit != held and not math.isinf(limit):
                yield Limit(f"{'upper' if upper else 'lower'} bound of {name}", {name: 1.0}, upper, limit)


def _same_row(one: RowView | None, other: RowView) -> bool:
    if one is None or (one.sense, one.rhs, one.slack) != (other.sense, other.rhs, other.slack):
        return False
    return one.terms == other.terms or _terms(one) == _terms(other)


def _terms(row: RowView) -> dict[str, float]:
    return {name: value for value, name in row.terms if value}


def _bounds(view: VariableView) -> tuple[float, float]:
    """A variable's bounds; a binary lies within 0 and 1 whatever its bounds say."""
    return (max(0.0, view.lower), min(1.0, view.upper)) if view.type == "B" else (view.lower, view.upper)


def _checked(model: Model, limit: Limit) -> Equivalence | None:
    """None where the limit holds in all of the model."""
    try:
        solution = model.extreme(limit.terms, maximize=limit.upper)
    except LicenceError:
        raise
    except SolverError as error:
        return Equivalence("unproved", limit.witness, error.message)
    if solution.status == "INFEASIBLE":
        return None  # the empty set lies within any
    if solution.objective is None:
        return Equivalence("different", limit.witness, "unlimited in the other model")
    beyond = solution.objective - limit.value if limit.upper else limit.value - solution.objective
    beyond /= TOLERANCE + RELATIVE * abs(limit.value)
    if beyond <= 1:
        return None
    told = f"it comes to {solution.objective:.9g} in the other model, the limit is {limit.value:.9g}"
    return Equivalence("different" if beyond > DOUBT else "unproved", limit.witness, told)


def _whole(within: Content, name: str) -> Equivalence | None:
    """None where a variable that is continuous here takes one value only, and that is whole.

    A value between two whole numbers is a point that the other model lacks. A convex set (an LP's) takes every value
    between its extremes; of a MILP, two whole extremes prove nothing.
    """
    witness, told = f"type of {name}", "it takes a fractional value in the other model"
    try:
        ends = [within.model.extreme({name: 1.0}, maximize=upper).objective for upper in (False, True)]
    except LicenceError:
        raise
    except SolverError as error:
        return Equivalence("unproved", witness, error.message)
    values = [value for value in ends if value is not None]
    if any(abs(value - round(value)) > DOUBT * WHOLE for value in values):
        return Equivalence("different", witness, told)
    if len(values) == 2 and values[1] - values[0] <= WHOLE:
        return None
    if all(view.type == "C" for view in within.variables.values()):
        return Equivalence("different", witness, told)
    return Equivalence("unproved", witness, "whether it takes a fractional value in the other model is not known")
