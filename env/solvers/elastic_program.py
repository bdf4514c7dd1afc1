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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

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
class Elastic:
    """The program, whose first columns are the model's variables and whose others measure violations.

    Attributes:
        program: What is to be minimised.
        scales: The scale of each measuring column.
        owners: Whose violation it measures: a place among the rows' lower limits, their upper limits, the variables'
            lower bounds and their upper bounds, one after the other.
        rows: How many rows the model has.
        bounds_as_rows: Whose bound each further row is: a place among the lower bounds and then the upper bounds.
    """

    program: Arrays
    scales: Floats
    owners: Ints
    rows: int
    bounds_as_rows: Ints

    def owner(self, column: int) -> tuple[Kind, int]:
        """The row or bound, by index, that a measuring column belongs to."""
        place, rows = int(self.owners[column]), self.rows + len(self.bounds_as_rows)
        if place < 2 * rows and place % rows < self.rows:
            return "row", place % rows
        bound = int(self.bounds_as_rows[place % rows - self.rows]) if place < 2 * rows else place - 2 * rows
        variables = len(self.program.cost) - len(self.owners)
        return ("lower", bound) if bound < variables else ("upper", bound - variables)


class _Entries(NamedTuple):
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
    types = model.types if integral else None
    as_row = _needing_rows(model, integral)
    soft = np.concatenate([may_break.lower, may_break.upper])
    if as_row is None:
        within, may_break_rows, added = model, may_break.rows, np.zeros(0, dtype=np.int32)
    else:
        added = np.flatnonzero(soft & np.tile(as_row, 2)).astype(np.int32)
        soft[added] = False
        within = _with_bounds_as_rows(model, added)
        may_break_rows = np.concatenate([may_break.rows, np.ones(len(added), dtype=np.bool_)])
    return _stretched(within, may_break_rows, soft, types, added)


def _needing_rows(model: Arrays, integral: bool) -> Mask | None:
    """The variables whose bounds become rows, None where none is such."""
    lower, upper = model.limits
    needing = lower > upper
    needing |= model.integral if integral else model.binary
    return needing if needing.any() else None


def _with_bounds_as_rows(model: Arrays, added: Ints) -> Arrays:
    """The model with these bounds as rows, last; what a binary type says of a bound stays a bound."""
    count, (lower, upper) = len(model.cost), model.limits
    is_lower, variables = added < count, added % count
    binary, infinite = model.binary[variables], np.full(len(added), np.inf)
    lower, upper = lower.copy(), upper.copy()
    lower[variables[is_lower]] = np.where(binary, 0, -infinite)[is_lower]
    upper[variables[~is_lower]] = np.where(binary, 1, infinite)[~is_lower]
    bounds = np.concatenate([model.lower, model.upper])[added]
    return model.having(
        starts=np.concatenate([model.starts, model.starts[-1] + np.arange(1, len(added) + 1, dtype=np.int32)]),
        columns=np.concatenate([model.columns, variables]),
        values=np.concatenate([model.values, np.ones(len(added))]),
        row_lower=np.concatenate([model.row_lower, np.where(is_lower, bounds, -infinite)]),
        row_upper=np.concatenate([model.row_upper, np.where(is_lower, infinite, bounds)]),
        lower=lower,
        upper=upper,
    )


def _stretched(model: Arrays, may_break_rows: Mask, soft_bounds: Mask, types: Strings | None, added: Ints) -> Elastic:
    """The program: measuring columns of one entry for rows, and, for bounds, such as repeat a variable's."""
    rows, count = len(model.row_lower), len(model.cost)
    broken, row_of_broken, row_scales = _row_measures(model, may_break_rows)
    bounds = soft_bounds.nonzero()[0].astype(np.int32)
    bound_scales = np.maximum(np.abs(np.concatenate([model.lower, model.upper])), 1.0)
    measures = len(broken) + len(bounds)
    slack = _Entries(
        row_of_broken,
        np.arange(count, count + len(broken), dtype=np.int32),
        np.where(broken < rows, row_scales, -row_scales),
    )
    repeated = _repeated(model, soft_bounds, bound_scales, first=count + len(broken))
    starts, columns, values = _by_row(rows, (_Entries(model.entry_rows, model.columns, model.values), slack, repeated))
    all_types = np.full(count + measures, "C")
    if types is not None:
        all_types[:count] = types
    program = Arrays(
        row_names=(),
        variable_names=(),
        starts=starts,
        columns=columns,
        values=values,
        row_lower=model.row_lower,
        row_upper=model.row_upper,
        lower=np.concatenate([model.limits[0], np.zeros(measures)]),
        upper=np.concatenate([model.limits[1], np.full(measures, np.inf)]),
        cost=np.concatenate([np.zeros(count), np.ones(measures)]),
        types=all_types,
    )
    owners = np.concatenate([broken, bounds + np.int32(2 * rows)])
    return Elastic(program, np.concatenate([row_scales, bound_scales[bounds]]), owners, rows - len(added), added)


def _repeated(model: Arrays, soft: Mask, scales: Floats, *, first: int) -> _Entries:
    """Columns that repeat those of the variables with soft bounds: downwards for lower bounds, upwards for upper.

    Args:
        model: The model.
        soft: Which of its lower and then its upper bounds are soft.
        scales: The scale of each, soft or not.
        first: Where the first column lies.
    """
    count = len(model.cost)
    places = np.add.accumulate(soft, dtype=np.int32)
    places += first - 1
    steps = np.concatenate([-scales[:count], scales[count:]])
    bound_of_entry = np.concatenate([model.columns, model.columns + np.int32(count)])
    chosen = soft[bound_of_entry].nonzero()[0]
    bound, entry = bound_of_entry[chosen], chosen % max(1, len(model.columns))
    return _Entries(model.entry_rows[entry], places[bound], model.values[entry] * steps[bound])


def _by_row(rows: int, parts: Sequence[_Entries]) -> tuple[Ints, Ints, Floats]:
    """The matrix by rows: starts, columns, values."""
    entry_rows = np.concatenate([part.rows for part in parts])
    order = entry_rows.argsort(kind="stable")
    columns = np.concatenate([part.columns for part in parts])[order]
    values = np.concatenate([part.values for part in parts])[order]
    return starts_of(np.bincount(entry_rows, minlength=rows)), columns, values


def _row_measures(model: Arrays, may_break: Mask) -> tuple[Ints, Ints, Floats]:
    """The sides of rows that may be broken, as places among all lower and then all upper limits; rows; scales."""
    limits = np.concatenate([model.row_lower, model.row_upper])
    sides = np.isfinite(limits) & np.concatenate([may_break, may_break])
    broken = sides.nonzero()[0].astype(np.int32)
    rows = broken % np.int32(max(1, len(model.row_lower)))
    scales = np.maximum(np.abs(limits[broken]), _largest(model)[rows])
    scales[scales == 0] = 1.0
    return broken, rows, scales


def _largest(model: Arrays) -> Floats:
    """The largest |coefficient| of each row, 0 where it has none."""
    firsts, ends = model.starts[:-1], model.starts[1:]
    if (firsts < ends).all() and len(firsts):
        return np.maximum.reduceat(np.abs(model.values), firsts)
    largest = np.zeros(len(firsts))
    np.maximum.at(largest, model.entry_rows, np.abs(model.values))
    return largest
