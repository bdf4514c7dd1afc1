"""A clean model in words and numbers, before any file is written."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from ordebug.env.description import USUAL, WITHDRAWN, WORDS, variable_words
from ordebug.env.observation import Sense, VariableView
from ordebug.env.renderer import number_shown


@dataclass(frozen=True)
class DraftRow:
    """One requirement.

    Attributes:
        name: The row's name; it never says which way the row points.
        terms: Coefficient by variable.
        sense: How the sum compares to ``rhs``.
        rhs: The limit.
        unit: What the limit counts, in words: ``hours``.
        about: What the row is for, where its name does not say; then the coefficients are told too.
    """

    name: str
    terms: dict[str, float]
    sense: Sense
    rhs: float
    unit: str
    about: str = ""

    def said(self, *, withdrawn: bool = False) -> str:
        """The row's line of the description: ``saw: at most 40 hours``, or ``saw: withdrawn 40 hours at most``."""
        amount = f"{number_shown(self.rhs)} {self.unit}"
        limit = f"{WITHDRAWN} {amount} {WORDS[self.sense]}" if withdrawn else f"{WORDS[self.sense]} {amount}"
        return f"{self.name}: {limit}{self._purpose()}"

    def _purpose(self) -> str:
        terms = ", ".join(f"{number_shown(value)} per {variable}" for variable, value in self.terms.items() if value)
        return f", {self.about}; {terms}" if self.about else ""


@dataclass(frozen=True)
class Column:
    """A variable's bounds and type."""

    lower: float = 0.0
    upper: float = math.inf
    kind: str = "C"

    def said(self, name: str) -> str:
        """The variable's line of the description: ``chairs_3: a whole number from 0 to 12``."""
        return f"{name}: {variable_words(VariableView(self.lower, self.upper, self.kind))}"


@dataclass(frozen=True)
class Datum:
    """One number that several rows are written with.

    Attributes:
        name: What it is, in words: ``press hours of chairs``.
        value: The number.
        uses: The places that hold it: row, and the variable whose coefficient it is.
    """

    name: str
    value: float
    uses: tuple[tuple[str, str], ...]

    def said(self) -> str:
        """The datum's line of the description."""
        return f"{self.name}: {number_shown(self.value)}"


class Spare(NamedTuple):
    """A name of the family that the model does not use, for a row that a fault adds or that left the model."""

    name: str
    unit: str
    about: str = ""


@dataclass(frozen=True)
class Draft:
    """A clean model.

    Attributes:
        family: What kind of model it is.
        opening: First line of the description: who plans what.
        maximize: Whether the objective is maximised.
        objective: Objective coefficient by variable.
        rows: The requirements.
        coefficients: What a coefficient of a further row may be.
        spare: Names for further rows.
        columns: Variables that are not continuous from 0 up.
        protected: Names of rows that may not be dropped or relaxed.
        data: Numbers that several rows share.
        detailed: Whether the description tells coefficients, bounds and types too, so that these can be at fault.
    """

    family: str
    opening: str
    maximize: bool
    objective: dict[str, float]
    rows: tuple[DraftRow, ...]
    coefficients: tuple[int, ...]
    spare: tuple[Spare, ...]
    columns: dict[str, Column] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    data: tuple[Datum, ...] = ()
    detailed: bool = False

    def column(self, variable: str) -> Column:
        """A variable's bounds and type."""
        return self.columns.get(variable, Column())

    def lines(self) -> list[str]:
        """What the description says of the model, the opening left out."""
        lines = [row.said() for row in self.rows]
        lines += [column.said(name) for name, column in self.columns.items() if column != Column()]
        lines += [datum.said() for datum in self.data]
        return [*lines, USUAL] if self.detailed else lines
