"""Conflicts that share nothing.

An action changes one row or one variable, so it can end one of them at most: so many conflicts apart need as many
actions, whatever the actions are.
"""

from ordebug.env.generate.case import twin_of
from ordebug.env.observation import Conflict
from ordebug.env.solvers.gurobi import GurobiModel

FREE = 1e30


class Conflicts:
    """Conflicts found so far, and the rows and variables they rest on."""

    def __init__(self) -> None:
        self._rows: set[str] = set()
        self._variables: set[str] = set()

    def add(self, alone: GurobiModel, broken: GurobiModel) -> bool:
        """Looks for a conflict of ``alone`` that is one of ``broken`` too and rests on nothing used so far.

        Args:
            alone: The model with one of the causes.
            broken: The model with all of them.

        Returns:
            Whether there is one; it is then remembered.
        """
        with twin_of(alone) as rest:
            for name in self._rows & set(rest.row_names):
                rest.drop(name)
            for name in self._variables:
                rest.set_type(name, "C")
                rest.set_bounds(name, -FREE, FREE)
            conflict = _conflict(rest)
            if conflict is None:
                return False
            variables = _variables(conflict, rest)
        if any(alone.row(name) != broken.row(name) for name in conflict.rows if name in broken.row_names):
            return False
        if any(alone.variable(name) != broken.variable(name) for name in variables):
            return False
        self._rows |= set(conflict.rows)
        self._variables |= variables
        return True


def _conflict(model: GurobiModel) -> Conflict | None:
    """A conflict, of the continuous model where that is infeasible already: then it rests on no variable's type."""
    kinds = {name: model.variable(name).type for name in model.variable_names}
    whole = [name for name, kind in kinds.items() if kind != "C"]
    for name in whole:
        model.set_type(name, "C")
    if model.solve().status == "INFEASIBLE":
        return model.conflict()
    for name in whole:
        model.set_type(name, kinds[name])
    return model.conflict() if whole and model.solve().status == "INFEASIBLE" else None


def _variables(conflict: Conflict, model: GurobiModel) -> set[str]:
    """Variables whose bounds or whose being whole a conflict rests on."""
    inside = {variable for row in conflict.rows for _, variable in model.row(row).terms}
    whole = {name for name in inside if model.variable(name).type != "C"}
    return whole | {bound.variable for bound in conflict.bounds}
