"""A problem under proof: its two models, as read from their files, and what differs between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ordebug.env.observation import Conflict
from ordebug.env.problem import Problem
from ordebug.env.solvers.gurobi import GurobiModel, Matrix, Solution

FEWEST_CONFLICT_ROWS = 2
"""Less is no puzzle: a row that contradicts bounds alone."""


class MatrixRow(NamedTuple):
    """A row as ``GurobiModel.matrix`` gives it."""

    sense: str
    rhs: float
    slack: float
    terms: tuple[tuple[str, float], ...]


class MatrixColumn(NamedTuple):
    """A variable as ``GurobiModel.matrix`` gives it."""

    lower: float
    upper: float
    kind: str
    worth: float


@dataclass(frozen=True)
class Change:
    """What differs from the clean model: parts by name, as they were and as they are; None where one is absent."""

    rows: dict[str, tuple[MatrixRow | None, MatrixRow | None]]
    columns: dict[str, tuple[MatrixColumn | None, MatrixColumn | None]]
    direction: bool

    @property
    def names(self) -> frozenset[str]:
        """Every row and variable that differs."""
        return frozenset(self.rows) | frozenset(self.columns)

    @property
    def only_row(self) -> tuple[MatrixRow | None, MatrixRow | None] | None:
        """The one row that differs, if nothing else does."""
        return next(iter(self.rows.values())) if len(self.names) == 1 and self.rows else None

    @property
    def only_column(self) -> tuple[MatrixColumn, MatrixColumn] | None:
        """The one variable that differs, if nothing else does and both models have it."""
        was, now = next(iter(self.columns.values())) if len(self.names) == 1 and self.columns else (None, None)
        return (was, now) if was and now else None


def change(before: Matrix, after: Matrix) -> Change:
    """What differs between two matrices."""
    rows = {name: (_row(was), _row(now)) for name, (was, now) in _differing(before["rows"], after["rows"])}
    columns = {n: (_column(was), _column(now)) for n, (was, now) in _differing(before["variables"], after["variables"])}
    return Change(rows, columns, before["sense"] != after["sense"])


@dataclass
class Case:
    """What a claim may look at."""

    problem: Problem
    broken: GurobiModel
    clean: GurobiModel

    @cached_property
    def conflict(self) -> Conflict:
        """The conflict that the broken model shows first."""
        return self.broken.conflict()

    @cached_property
    def before(self) -> Matrix:
        """The clean model's content."""
        return self.clean.matrix()

    @cached_property
    def change(self) -> Change:
        """What was broken."""
        return change(self.before, self.broken.matrix())

    @cached_property
    def single_drops(self) -> dict[str, float | None]:
        """Rows of the conflict, protected ones too, without which the model is feasible, and its optimum then.

        They stand in every conflict, whatever the order of the rows. The optimum is None where it is unbounded.
        """
        solutions = {name: solution_without(self.broken, name) for name in self.conflict.rows}
        return {name: solution.objective for name, solution in solutions.items() if solution.status != "INFEASIBLE"}

    @property
    def free_drops(self) -> dict[str, float | None]:
        """Those of the single drops that are allowed."""
        return {name: value for name, value in self.single_drops.items() if name not in self.problem.protected}


def changed_terms(was: MatrixRow, now: MatrixRow) -> dict[str, tuple[float, float]]:
    """Coefficients that differ, by variable: as they were and as they are."""
    before, after = dict(was.terms), dict(now.terms)
    pairs = {name: (before.get(name, 0.0), after.get(name, 0.0)) for name in before | after}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def solution_without(model: GurobiModel, *rows: str) -> Solution:
    """What a model comes to without these rows."""
    with twin_of(model) as twin:
        for name in rows:
            twin.drop(name)
        return twin.solve()


@contextmanager
def twin_of(model: GurobiModel) -> Iterator[GurobiModel]:
    """A copy that is closed at the end."""
    twin = model.copy()
    try:
        yield twin
    finally:
        twin.close()


def _differing(was: Any, now: Any) -> list[tuple[str, tuple[Any, Any]]]:
    return [(name, (was.get(name), now.get(name))) for name in was | now if was.get(name) != now.get(name)]


def _row(entry: tuple[Any, ...] | None) -> MatrixRow | None:
    return MatrixRow(*entry) if entry else None


def _column(entry: tuple[Any, ...] | None) -> MatrixColumn | None:
    return MatrixColumn(*entry) if entry else None
