"""The elastic program of a model: rows and bounds may be broken, at a cost.

A row's violation is measured in units of its scale, max(|right-hand side|, largest |coefficient|), or 1 where both are
0. This measure does not change when a row is multiplied by a number, it gives a bound the same scale as the row
``x >= bound``, and a violation of 1 means "by as much as the row asks for". Costs are 1 and the scale stands in the
matrix: costs of 1 / scale would drown in HiGHS's dual tolerance of 1e-7 when right-hand sides reach 1e6.

A bound is relaxed by splitting its variable, x = y + p - q with y within the bounds and p, q >= 0, which adds columns
and no rows; measured with 2,000 rows and variables, that is twice as fast as a row for each bound. Three kinds of
variables get rows instead: those whose bounds cross, for then there is no y; binaries, which stay within [0, 1]; and,
where integrality counts, integers, whose p and q would have to be integers too.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ordebug.env.solvers.arrays import Arrays, Floats, Ints, Mask, Strings, starts_of

Kind = Literal["row", "lower", "upper"]


@dataclass(frozen=True)
class Relaxable:
    """What may be broken: rows, lower bounds, upper bounds, each a mask."""

    rows: Mask
    lower: Mask
    upper: Mask


@dataclass(frozen=True)
class Breach:
    """Columns that measure violations of one kind: of which rows or variables, and the scale of each."""

    kind: Kind
    indices: Ints
    scales: Floats


@dataclass(frozen=True)
class Elastic:
    """The program, whose first columns are the model's variables and whose others are the breaches, in order."""

    program: Arrays
    breaches: tuple[Breach, ...]


@dataclass(frozen=True)
class _Entries:
    """Matrix entries in no order."""

    rows: Ints
    columns: Ints
    values: Floats


def elastic(model: Arrays, may_break: Relaxable, *, integral: bool) -> Elastic:
    """Builds the program.

    Args:
        model: The model.
        may_break: What may be broken; no bound that a binary type implies.
        integral: Whether integers stay integers; else the program is an LP.
    """
    binary = model.types == "B"
    crossed = model.limits[0] > model.limits[1]
    as_row = binary | crossed | (model.integral & integral)
    lower_rows, upper_rows = may_break.lower & as_row, may_break.upper & as_row
    builder = _Builder(
        model,
        lower=np.where(lower_rows, np.where(binary, 0, -np.inf), model.limits[0]),
        upper=np.where(upper_rows, np.where(binary, 1, np.inf), model.limits[1]),
        types=model.types if integral else np.full_like(model.types, "C"),
    )
    builder.add_rows(may_break.rows)
    builder.add_bound_rows("lower", lower_rows)
    builder.add_bound_rows("upper", upper_rows)
    builder.split("lower", may_break.lower & ~as_row)
    builder.split("upper", may_break.upper & ~as_row)
    return builder.finish()


class _Builder:
    """Collects the entries of the program."""

    def __init__(self, model: Arrays, lower: Floats, upper: Floats, types: Strings) -> None:
        self._model = model
        self._lower, self._upper, self._types = lower, upper, types
        self._entries = [_Entries(model.entry_rows, model.columns, model.values)]
        self._row_lower, self._row_upper = [model.row_lower], [model.row_upper]
        self._rows, self._columns = len(model.row_lower), len(model.cost)
        self._breaches: list[Breach] = []

    def add_rows(self, mask: Mask) -> None:
        """Lets these rows be broken, on each side that limits them."""
        model = self._model
        largest = np.zeros(self._rows)
        np.maximum.at(largest, model.entry_rows, np.abs(model.values))
        for limit, sign in ((model.row_lower, 1.0), (model.row_upper, -1.0)):
            rows = np.flatnonzero(mask & np.isfinite(limit)).astype(np.int32)
            scales = np.maximum(np.abs(limit[rows]), largest[rows])
            scales[scales == 0] = 1.0
            self._measure("row", rows, rows, sign, scales)

    def add_bound_rows(self, kind: Kind, mask: Mask) -> None:
        """Makes rows of these bounds, which may be broken."""
        indices = np.flatnonzero(mask).astype(np.int32)
        if not len(indices):
            return
        bounds = self._bounds(kind)[indices]
        rows = np.arange(self._rows, self._rows + len(indices), dtype=np.int32)
        self._entries.append(_Entries(rows, indices, np.ones(len(indices))))
        infinite = np.full(len(indices), np.inf)
        self._row_lower.append(bounds if kind == "lower" else -infinite)
        self._row_upper.append(bounds if kind == "upper" else infinite)
        self._rows += len(indices)
        self._measure(kind, indices, rows, 1.0 if kind == "lower" else -1.0, np.maximum(np.abs(bounds), 1.0))

    def split(self, kind: Kind, mask: Mask) -> None:
        """Lets these bounds be broken by a column that repeats the variable's."""
        indices = np.flatnonzero(mask).astype(np.int32)
        if not len(indices):
            return
        scales = np.maximum(np.abs(self._bounds(kind)[indices]), 1.0)
        steps, places = np.zeros(len(mask)), np.zeros(len(mask), dtype=np.int32)
        steps[indices] = -scales if kind == "lower" else scales
        places[indices] = np.arange(self._columns, self._columns + len(indices))
        chosen = mask[self._model.columns]
        columns = self._model.columns[chosen]
        values = self._model.values[chosen] * steps[columns]
        self._entries.append(_Entries(self._model.entry_rows[chosen], places[columns], values))
        self._add(Breach(kind, indices, scales))

    def finish(self) -> Elastic:
        """The program of all that was added."""
        rows = np.concatenate([entries.rows for entries in self._entries])
        order = np.argsort(rows, kind="stable")
        added = self._columns - len(self._model.cost)
        program = Arrays(
            row_names=(),
            variable_names=(),
            starts=starts_of(np.bincount(rows, minlength=self._rows)),
            columns=np.concatenate([entries.columns for entries in self._entries])[order],
            values=np.concatenate([entries.values for entries in self._entries])[order],
            row_lower=np.concatenate(self._row_lower),
            row_upper=np.concatenate(self._row_upper),
            lower=np.concatenate([self._lower, np.zeros(added)]),
            upper=np.concatenate([self._upper, np.full(added, np.inf)]),
            cost=np.concatenate([np.zeros(len(self._model.cost)), np.ones(added)]),
            types=np.concatenate([self._types, np.full(added, "C")]),
        )
        return Elastic(program, tuple(self._breaches))

    def _bounds(self, kind: Kind) -> Floats:
        return self._model.lower if kind == "lower" else self._model.upper

    def _measure(self, kind: Kind, indices: Ints, rows: Ints, sign: float, scales: Floats) -> None:
        """Columns of one entry each."""
        columns = np.arange(self._columns, self._columns + len(rows), dtype=np.int32)
        self._entries.append(_Entries(rows, columns, sign * scales))
        self._add(Breach(kind, indices, scales))

    def _add(self, breach: Breach) -> None:
        self._breaches.append(breach)
        self._columns += len(breach.indices)
