"""What differs between two models over the same names, in words: a diff that an OR practitioner reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ordebug.env.observation import RowView, VariableView
from ordebug.env.renderer import number_shown, row_text, shown_name
from ordebug.env.solvers.model import Model

TYPES = {"C": "continuous", "I": "integer", "B": "binary"}


@dataclass(frozen=True)
class Change:
    """One row or variable that is not as it was.

    Attributes:
        kind: What it is.
        name: Its name in the model's file.
        before: What it was, in words; None where it is new.
        after: What it is now; None where it was dropped.
    """

    kind: Literal["row", "variable"]
    name: str
    before: str | None
    after: str | None

    @property
    def words(self) -> str:
        """The change in one line."""
        if self.after is None:
            return f"dropped (was {self.before})"
        return f"added: {self.after}" if self.before is None else f"{self.before} becomes {self.after}"


def changes(before: Model, after: Model) -> list[Change]:
    """Rows in model order, then variables; a row changed in its right-hand side alone is told without its terms."""
    return [*_changed_rows(before, after), *_changed_variables(before, after)]


def _changed_rows(before: Model, after: Model) -> Iterator[Change]:
    for name in differing(before, after, "rows"):
        old = before.row(name) if name in before.row_names else None
        new = after.row(name) if name in after.row_names else None
        if old is not None and new is not None:
            yield Change("row", name, *_rows_in_words(old, new))
        else:
            yield Change("row", name, *(None if row is None else row_text(row) for row in (old, new)))


def _rows_in_words(old: RowView, new: RowView) -> tuple[str, str]:
    if old.terms == new.terms:
        return _limit(old), _limit(new)
    return row_text(old), row_text(new)


def _limit(row: RowView) -> str:
    """A row without its terms."""
    if row.slack:
        return f"between {number_shown(row.rhs - row.slack)} and {number_shown(row.rhs + row.slack)}"
    return f"{row.sense} {number_shown(row.rhs)}"


def _changed_variables(before: Model, after: Model) -> Iterator[Change]:
    for name in differing(before, after, "variables"):
        yield Change("variable", name, _span(before.variable(name)), _span(after.variable(name)))


def _span(view: VariableView) -> str:
    return f"{TYPES[view.type]}, {number_shown(view.lower)} to {number_shown(view.upper)}"


def differing(before: Model, after: Model, part: Literal["rows", "variables"]) -> list[str]:
    """Names of the rows or variables that differ, in the first model's order."""
    old: Any = before.matrix()[part]
    new: Any = after.matrix()[part]
    order = before.row_names if part == "rows" else before.variable_names
    names = dict.fromkeys((*order, *new))
    return [name for name in names if old.get(name) != new.get(name)]


def told(change: Change, meaning: str = "") -> str:
    """The change with its name, as ``row demand (orders of Lyon): >= 40 becomes >= 30``."""
    return f"{change.kind} {shown_name(change.name)}{f' ({meaning})' if meaning else ''}: {change.words}"
