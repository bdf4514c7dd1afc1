"""A draft on the solver: the models that it and its faults come to, and what they can reach."""

import math
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace

from ordebug.core.errors import SolverError
from ordebug.env.generate.case import FEWEST_CONFLICT_ROWS
from ordebug.env.generate.draft import Draft, DraftRow
from ordebug.env.generate.faults.fault import Fault
from ordebug.env.observation import Conflict, Sense
from ordebug.env.solvers.gurobi import GurobiModel


def build(draft: Draft, rows: Sequence[DraftRow]) -> GurobiModel:
    """The model of a draft with these rows."""
    model = GurobiModel.build(draft.family, draft.objective, maximize=draft.maximize)
    for name, column in draft.columns.items():
        model.set_bounds(name, column.lower, None if math.isinf(column.upper) else column.upper)
        model.set_type(name, column.kind)
    for row in rows:
        model.add_row(row.name, row.terms, row.sense, row.rhs)
    return model


class Lab:
    """What a fault may ask of the solver about the draft it breaks.

    Args:
        draft: The clean model.
        fewest_rows: How many rows the conflict of a single error must have, where a fault puts several together.
    """

    def __init__(self, draft: Draft, fewest_rows: int = FEWEST_CONFLICT_ROWS) -> None:
        self._draft, self._fewest_rows = draft, fewest_rows

    def reach(self, terms: dict[str, float], sense: Sense) -> float | None:
        """The most (for ``>=``) or least (for ``<=``) a sum comes to in the clean model, None if it has no limit."""
        objective = {name: terms.get(name, 0.0) for name in self._draft.objective}
        model = build(replace(self._draft, objective=objective, maximize=sense == ">="), self._draft.rows)
        with closing(model), suppress(SolverError):
            return model.solve().objective
        return None

    def conflict(self, fault: Fault) -> Conflict | None:
        """The conflict that a fault makes, None where it makes none, or one of too few rows."""
        model = build(fault.broken(self._draft), fault.rows)
        with closing(model), suppress(SolverError):
            found = model.conflict() if model.solve().status == "INFEASIBLE" else Conflict()
            return found if len(found.rows) >= self._fewest_rows else None
        return None
