"""A model in HiGHS: the interface of ``GurobiModel`` without a licence and without a limit of size.

The model is arrays that never change in place: an edit makes new ones, a copy costs nothing. Rows of HiGHS have two
limits, so that a relaxed equality stays one row.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ordebug.core.errors import InputError
from ordebug.env.observation import Conflict, RowView, Sense, VariableView
from ordebug.env.solvers import highs_engine
from ordebug.env.solvers.arrays import Arrays
from ordebug.env.solvers.highs_conflict import conflict_of
from ordebug.env.solvers.model import Matrix, Solution, SolverName


class HighsModel:
    """A linear model with edits by name.

    Args:
        arrays: Its content.
        name: What errors call it.

    Raises:
        InputError: If two rows or variables have one name.
    """

    def __init__(self, arrays: Arrays, name: str) -> None:
        if len(arrays.rows) != len(arrays.row_names) or len(arrays.variables) != len(arrays.variable_names):
            raise InputError(f"{name}: two rows or variables have one name.", "Give each its own name.")
        self._arrays = arrays
        self._name = name

    @classmethod
    def read(cls, path: Path) -> "HighsModel":
        """Reads an MPS or LP file.

        Raises:
            InputError: If it cannot be read or is not linear.
        """
        return cls(highs_engine.read_arrays(path), path.name)

    def copy(self) -> "HighsModel":
        """An independent copy of the model as it now is."""
        return HighsModel(self._arrays, self._name)

    def close(self) -> None:
        """Nothing to free: the solver holds a model only while it solves."""

    def forget(self) -> None:
        """Nothing to forget: every solve begins anew."""

    def write(self, path: Path) -> None:
        """Writes the model; the suffix (.mps, .lp) decides the format."""
        highs_engine.write_arrays(self._arrays, self._name, path)

    @property
    def solver(self) -> SolverName:
        """The solver that holds it."""
        return "highs"

    @property
    def row_names(self) -> tuple[str, ...]:
        """The rows in model order."""
        return self._arrays.row_names

    @property
    def variable_names(self) -> tuple[str, ...]:
        """The variables in model order."""
        return self._arrays.variable_names

    def solve(self) -> Solution:
        """Optimises.

        Raises:
            SolverError: If a limit of work or numerical trouble left the question open.
        """
        result = highs_engine.solve(self._arrays, self._name)
        return Solution(result.status, result.objective if result.status == "OPTIMAL" else None)

    def extreme(self, terms: Mapping[str, float], *, maximize: bool) -> Solution:
        """The largest or smallest value that a sum takes over the feasible set, without a gap; nothing is changed.

        Raises:
            SolverError: If a limit of work or numerical trouble left the question open.
        """
        cost = np.array([terms.get(name, 0.0) for name in self._arrays.variable_names])
        asked = replace(self._arrays, cost=cost, offset=0.0, maximize=maximize)
        result = highs_engine.solve(asked, self._name, exact=True)
        return Solution(result.status, result.objective if result.status == "OPTIMAL" else None)

    def conflict(self) -> Conflict:
        """An irreducible infeasible subsystem of the model, which ``solve`` must have found infeasible."""
        return conflict_of(self._arrays, self._name)

    def other_conflict(self, shown: frozenset[str]) -> Conflict | None:
        """A conflict that holds none of the rows shown before, or None where there is none."""
        twin = self.copy()
        for name in shown & self._arrays.rows.keys():
            twin.drop(name)
        return twin.conflict() if twin.solve().status == "INFEASIBLE" else None

    def row(self, name: str) -> RowView:
        """A row's algebra."""
        arrays = self._arrays
        index = arrays.rows[name]
        place = arrays.entries(index)
        names = (arrays.variable_names[column] for column in arrays.columns[place])
        terms = tuple(zip(arrays.values[place].tolist(), names, strict=True))
        low, high = float(arrays.row_lower[index]), float(arrays.row_upper[index])
        if np.isfinite(low) and np.isfinite(high):
            return RowView(terms, "=", (low + high) / 2, (high - low) / 2)
        return RowView(terms, ">=", low) if np.isfinite(low) else RowView(terms, "<=", high)

    def variable(self, name: str) -> VariableView:
        """A variable's bounds and type."""
        arrays, index = self._arrays, self._arrays.variables[name]
        return VariableView(float(arrays.lower[index]), float(arrays.upper[index]), str(arrays.types[index]))

    def matrix(self) -> Matrix:
        """The model's content by name, independent of order: equal matrices are the same model."""
        arrays = self._arrays
        rows = {
            name: (view.sense, view.rhs, view.slack, tuple(sorted((v, c) for c, v in view.terms if c)))
            for name, view in ((name, self.row(name)) for name in arrays.row_names)
        }
        columns = zip(*(a.tolist() for a in (arrays.lower, arrays.upper, arrays.types, arrays.cost)), strict=True)
        variables = dict(zip(arrays.variable_names, columns, strict=True))
        return {"sense": -1 if arrays.maximize else 1, "rows": rows, "variables": variables}

    def arrays(self) -> Arrays:
        """The model's content by index, for computations that no solver does."""
        return self._arrays

    def drop(self, name: str) -> None:
        """Removes a row."""
        keep = np.ones(len(self._arrays.row_names), dtype=np.bool_)
        keep[self._arrays.rows[name]] = False
        self._arrays = self._arrays.only_rows(keep)

    def relax(self, name: str, amount: float) -> None:
        """Loosens a row by ``amount`` > 0; an equality may then lie within ``amount`` of its right-hand side."""
        self._move(name, -amount, amount)

    def shift(self, name: str, amount: float) -> None:
        """The published RELAX: loosens an inequality and moves an equality's right-hand side up."""
        moved = -amount if self.row(name).sense == ">=" else amount
        self._move(name, moved, moved)

    def set_rhs(self, name: str, value: float) -> None:
        """Replaces a row's right-hand side; of a relaxed equality, the middle."""
        view = self.row(name)
        low, high = _range(view.sense, value)
        self._limit_row(name, low - view.slack, high + view.slack)

    def set_bounds(self, variable: str, lower: float, upper: float | None = None) -> None:
        """Replaces a variable's lower bound, and its upper bound where one is given."""
        index = self._arrays.variables[variable]
        self._arrays = self._arrays.changed("lower", index, lower)
        if upper is not None:
            self._arrays = self._arrays.changed("upper", index, upper)

    def flip(self, name: str) -> bool:
        """Turns ``<=`` into ``>=`` and back; an equality stays, and False is returned."""
        view = self.row(name)
        if view.sense == "=":
            return False
        self._limit_row(name, *_range(">=" if view.sense == "<=" else "<=", view.rhs))
        return True

    def set_coefficient(self, name: str, variable: str, value: float) -> None:
        """Replaces one coefficient."""
        arrays = self._arrays
        self._arrays = arrays.with_coefficient(arrays.rows[name], arrays.variables[variable], value)

    def set_type(self, variable: str, kind: str) -> None:
        """Makes a variable continuous (C), integer (I) or binary (B)."""
        self._arrays = self._arrays.changed("types", self._arrays.variables[variable], kind)

    def add_row(self, name: str, terms: dict[str, float], sense: Sense, rhs: float) -> None:
        """Adds a row over existing variables."""
        indices = {self._arrays.variables[variable]: value for variable, value in terms.items()}
        self._arrays = self._arrays.with_row(name, indices, *_range(sense, rhs))

    def _move(self, name: str, below: float, above: float) -> None:
        """Moves a row's two limits; an infinite one stays where it is."""
        index = self._arrays.rows[name]
        self._limit_row(name, self._arrays.row_lower[index] + below, self._arrays.row_upper[index] + above)

    def _limit_row(self, name: str, low: float, high: float) -> None:
        """Replaces the two limits of a row."""
        index = self._arrays.rows[name]
        self._arrays = self._arrays.changed("row_lower", index, low).changed("row_upper", index, high)


def _range(sense: Sense, rhs: float) -> tuple[float, float]:
    """The limits within which a row lies."""
    return (-np.inf if sense == "<=" else rhs), (np.inf if sense == ">=" else rhs)
