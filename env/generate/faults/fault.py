"""A draft with one error, or several, in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

from ordebug.env.generate.case import Case
from ordebug.env.generate.draft import Column, Draft, DraftRow
from ordebug.env.observation import Conflict, Sense
from ordebug.env.problem import RootCause


@dataclass(frozen=True)
class Fault:
    """A way to break a draft.

    Attributes:
        rows: The broken model's rows.
        causes: What was broken.
        repair: Actions that give back the clean model.
        said: Description lines of rows that the clean model does not have.
        columns: Variables whose bounds or type were changed.
    """

    rows: tuple[DraftRow, ...]
    causes: tuple[RootCause, ...]
    repair: tuple[str, ...]
    said: tuple[str, ...] = ()
    columns: dict[str, Column] = field(default_factory=dict)

    @property
    def touched(self) -> frozenset[str]:
        """Rows and variables that were changed."""
        return frozenset(name for cause in self.causes for name in cause.touches)

    def broken(self, draft: Draft) -> Draft:
        """The draft with the fault's variables."""
        return replace(draft, columns=draft.columns | self.columns)


class Asks(Protocol):
    """What a fault may ask of the solver; see ``lab.py``."""

    def reach(self, terms: dict[str, float], sense: Sense) -> float | None:
        """The most (for ``>=``) or least (for ``<=``) a sum comes to in the clean model, None if it has no limit."""

    def between_whole(self, variable: str) -> bool:
        """Whether a variable stays between two whole numbers in the clean model."""

    def conflict(self, fault: Fault) -> Conflict | None:
        """The conflict that a fault makes, None where it makes none, or one that is of no use."""


Inject = Callable[[Random, Draft, Asks], Iterator[Fault]]
"""Yields ways to break a draft, in random order; which of them make it infeasible is for the solver to say."""

Claims = Callable[[Case], Iterator[str]]
"""Yields what does not hold of that which an error type says of its problems, in words."""


@dataclass(frozen=True)
class ErrorType:
    """An error type: how a model is broken that way, and what is then claimed and proved."""

    inject: Inject
    claims: Claims


def with_row(draft: Draft, changed: DraftRow) -> tuple[DraftRow, ...]:
    """The draft's rows with the one of that name replaced."""
    return tuple(changed if row.name == changed.name else row for row in draft.rows)
