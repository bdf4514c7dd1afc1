"""A draft with one error in it."""

from collections.abc import Callable
from dataclasses import dataclass

from ordebug.env.generate.draft import DraftRow
from ordebug.env.observation import Sense
from ordebug.env.problem import RootCause

Reach = Callable[[dict[str, float], Sense], float | None]
"""The most (for ``>=``) or least (for ``<=``) that a sum comes to in the clean model, None where it has no limit."""


@dataclass(frozen=True)
class Fault:
    """A way to break a draft.

    Attributes:
        rows: The broken model's rows.
        cause: What was broken.
        repair: Actions that give back the clean model.
        said: Description lines of rows that the clean model does not have.
    """

    rows: tuple[DraftRow, ...]
    cause: RootCause
    repair: tuple[str, ...]
    said: tuple[str, ...] = ()
