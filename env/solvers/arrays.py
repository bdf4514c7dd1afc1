"""A linear model as arrays: what solvers exchange, and what the elastic and conflict computations work on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.str_]

INFINITE = 1e20
"""Numbers from here up mean "no limit", in Gurobi and in HiGHS."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """min or max cost x + offset, row_lower <= A x <= row_upper, lower <= x <= upper, some x integral.

    Never changed in place, so that copies of a model may share it. A is stored by rows: row i has the entries
    ``starts[i]`` to ``starts[i + 1]`` of ``columns`` and ``values``.

    Attributes:
        types: C, I or B for each variable; the bounds of a B variable are stored as given and may exceed [0, 1].
    """

    row_names: tuple[str, ...]
    variable_names: tuple[str, ...]
    starts: Ints
    columns: Ints
    values: Floats
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    cost: Floats
    types: Strings
    offset: float = 0.0
    maximize: bool = False

    @cached_property
    def integral(self) -> Mask:
        """Which variables must be integers."""
        mask: Mask = self.types != "C"
        return mask

    @cached_property
    def binary(self) -> Mask:
        """Which variables are 0 or 1."""
        mask: Mask = self.types == "B"
        return mask

    @cached_property
    def limits(self) -> tuple[Floats, Floats]:
        """The bounds that hold: those of a B variable cut to [0, 1]."""
        if not self.binary.any():
            return self.lower, self.upper
        lower = np.where(self.binary, np.maximum(self.lower, 0), self.lower)
        return lower, np.where(self.binary, np.minimum(self.upper, 1), self.upper)

    @cached_property
    def entry_rows(self) -> Ints:
        """The row of each stored entry."""
        return np.arange(len(self.row_lower), dtype=np.int32).repeat(self.starts[1:] - self.starts[:-1])

    @cached_property
    def rows(self) -> dict[str, int]:
        """Index of each row."""
        return {name: index for index, name in enumerate(self.row_names)}

    @cached_property
    def variables(self) -> dict[str, int]:
        """Index of each variable."""
        return {name: index for index, name in enumerate(self.variable_names)}

    def entries(self, row: int) -> slice:
        """Where a row's entries lie in ``columns`` and ``values``."""
        return slice(int(self.starts[row]), int(self.starts[row + 1]))

    def changed(self, field: str, index: int, value: object) -> "Arrays":
        """The model with one element of one array replaced."""
        array = getattr(self, field).copy()
        array[index] = value
        return self.having(**{field: array})

    def having(self, **fields: Any) -> "Arrays":
        """The model with other fields."""
        return replace(self, **fields)

    def only_rows(self, keep: Mask) -> "Arrays":
        """The model with the rows of the mask alone."""
        entries = keep[self.entry_rows]
        return self.having(
            row_names=tuple(name for name, kept in zip(self.row_names, keep, strict=True) if kept),
            starts=starts_of(np.diff(self.starts)[keep]),
            columns=self.columns[entries],
            values=self.values[entries],
            row_lower=self.row_lower[keep],
            row_upper=self.row_upper[keep],
        )

    def with_row(self, name: str, terms: dict[int, float], low: float, high: float) -> "Arrays":
        """The model with one more row, last; ``terms`` maps variable indices to coefficients."""
        return self.having(
            row_names=(*self.row_names, name),
            starts=np.append(self.starts, np.int32(len(self.columns) + len(terms))),
            columns=np.append(self.columns, np.fromiter(terms, np.int32, len(terms))),
            values=np.append(self.values, np.fromiter(terms.values(), np.float64, len(terms))),
            row_lower=np.append(self.row_lower, low),
            row_upper=np.append(self.row_upper, high),
        )

    def with_coefficient(self, row: int, variable: int, value: float) -> "Arrays":
        """The model with one coefficient replaced; 0 removes the entry."""
        place = self.entries(row)
        others = self.columns[place] != variable
        columns, values = self.columns[place][others], self.values[place][others]
        if value:
            columns, values = np.append(columns, np.int32(variable)), np.append(values, value)
            order = np.argsort(columns)
            columns, values = columns[order], values[order]
        counts = np.diff(self.starts)
        counts[row] = len(columns)
        return self.having(
            starts=starts_of(counts),
            columns=np.concatenate([self.columns[: place.start], columns, self.columns[place.stop :]]),
            values=np.concatenate([self.values[: place.start], values, self.values[place.stop :]]),
        )


def starts_of(counts: npt.NDArray[Any]) -> Ints:
    """Where each row's entries start, and where the last one's end, from how many each has."""
    starts = np.zeros(len(counts) + 1, dtype=np.int32)
    np.add.accumulate(counts, out=starts[1:])
    return starts


def limited(values: Sequence[float] | Floats) -> Floats:
    """Numbers with those that mean "no limit" made infinite."""
    array = np.asarray(values, dtype=np.float64)
    endless = np.abs(array) >= INFINITE
    return np.where(endless, np.copysign(np.inf, array), array) if endless.any() else array
