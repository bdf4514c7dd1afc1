"""A draft on the solver: the models that it and its faults come to, and what they can reach."""

import math
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property

from ordebug.core.errors import SolverError
from ordebug.env.generate.case import FEWEST_CONFLICT_ROWS
from ordebug.env.generate.draft import Draft, DraftRow
from ordebug.env.generate.faults.fault import Fault
from ordebug.env.generate.hardness import FEWEST_FREE_ROWS, FEWEST_HARD_ROWS, keeps
from ordebug.env.observation import Conflict, Sense
from ordebug.env.solvers.gurobi import GurobiModel

WHOLE = 1e-4
"""How near a whole number counts as one."""


def build(draft: Draft, rows: Sequence[DraftRow]) -> GurobiModel:
    """The model of a draft with these rows."""
    model = GurobiModel.build(draft.family, draft.objective, maximize=draft.maximize)
    for name, column in draft.columns.items():
        model.set_bounds(name, column.lower, None if math.isinf(column.upper) else column.upper)
        model.set_type(name, column.kind)
    for row in rows:
        model.add_row(row.name, row.terms, row.sense, row.rhs)
    return model


@dataclass
class Lab:
    """What a fault may ask of the solver about the draft it breaks.

    Attributes:
        draft: The clean model.
        objective: Its optimum.
        most_rows: How many rows a conflict may have.
        hard: Whether each single error, where a fault puts several together, must be hard by itself.
    """

    draft: Draft
    objective: float
    most_rows: int
    hard: bool = False

    @cached_property
    def _clean(self) -> GurobiModel:
        return build(self.draft, self.draft.rows)

    def close(self) -> None:
        """Frees the solver's memory."""
        if "_clean" in vars(self):
            self._clean.close()

    def reach(self, terms: dict[str, float], sense: Sense) -> float | None:
        """The most (for ``>=``) or least (for ``<=``) a sum comes to in the clean model, None if it has no limit."""
        objective = {name: terms.get(name, 0.0) for name in self.draft.objective}
        model = build(replace(self.draft, objective=objective, maximize=sense == ">="), self.draft.rows)
        with closing(model), suppress(SolverError):
            return model.solve().objective
        return None

    def between_whole(self, variable: str) -> bool:
        """Whether a variable stays between two whole numbers in the clean model, or its relaxation."""
        with suppress(SolverError):
            least = self._clean.extreme({variable: 1.0}, maximize=False).objective
            if least is None:
                return False
            most = self._clean.extreme({variable: 1.0}, maximize=True).objective
            return most is not None and most + WHOLE < math.ceil(least - WHOLE)
        return False

    def conflict(self, fault: Fault) -> Conflict | None:
        """The conflict that a fault makes, None where it makes none, or one that is of no use."""
        model = build(fault.broken(self.draft), fault.rows)
        with closing(model), suppress(SolverError):
            found = model.conflict() if model.solve().status == "INFEASIBLE" else Conflict()
            return found if self._useful(model, found.rows) else None
        return None

    def _useful(self, model: GurobiModel, rows: Sequence[str]) -> bool:
        """Whether a conflict has the rows it must have and, for hard sets, one row alone that keeps the optimum."""
        if not (FEWEST_HARD_ROWS if self.hard else FEWEST_CONFLICT_ROWS) <= len(rows) <= self.most_rows:
            return False
        if not self.hard:
            return True
        free = [name for name in rows if name not in self.draft.protected]
        return len(free) >= FEWEST_FREE_ROWS and sum(keeps(model, {name}, self.objective) for name in free) == 1
