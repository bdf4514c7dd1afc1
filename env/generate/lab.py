"""A draft on the solver: the models that it and its faults come to, and what they can reach."""

import math
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace

from ordebug.core.errors import SolverError
from ordebug.env.generate.case import FEWEST_CONFLICT_ROWS
from ordebug.env.generate.draft import Draft, DraftRow
from ordebug.env.generate.faults.fault import Fault
from ordebug.env.observation import Sense
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
    """What a fault may ask of the solver about the draft it breaks."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def reach(self, terms: dict[str, float], sense: Sense) -> float | None:
        """The most (for ``>=``) or least (for ``<=``) a sum comes to in the clean model, None if it has no limit."""
        objective = {name: terms.get(name, 0.0) for name in self._draft.objective}
        model = build(replace(self._draft, objective=objective, maximize=sense == ">="), self._draft.rows)
        with closing(model), suppress(SolverError):
            return model.solve().objective
        return None

    def breaks(self, fault: Fault) -> bool:
        """Whether a fault makes the model infeasible, by a conflict of several rows."""
        model = build(fault.broken(self._draft), fault.rows)
        with closing(model), suppress(SolverError):
            return model.solve().status == "INFEASIBLE" and len(model.conflict().rows) >= FEWEST_CONFLICT_ROWS
        return False
