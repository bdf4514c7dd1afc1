"""What a description says of a row or a variable, read back from its words.

::

    R7: at most 40 hours, press in week 3; 2 per chairs_3, 3 per tables_3
    R9: withdrawn 40 hours at most
    chairs_3: a whole number from 0 to 12

What follows the unit may be left out. In descriptions that hold ``USUAL``, a variable without a line is continuous
from 0 up; in others nothing is said of variables.
"""

import math
import re
from dataclasses import dataclass

from ordebug.env.observation import RowView, Sense, VariableView
from ordebug.env.renderer import number_shown

USUAL = "Unless said otherwise an amount may be any number from 0 up."
WITHDRAWN = "withdrawn"
WORDS: dict[Sense, str] = {"<=": "at most", ">=": "at least", "=": "exactly"}
TYPE_WORDS = {"C": "any number", "I": "a whole number", "B": "yes or no"}
SENSES = {words: sense for sense, words in WORDS.items()}
TYPES = {words: kind for kind, words in TYPE_WORDS.items()}
NUMBER = r"-?\d[\d.]*(?:e[+-]?\d+)?"
LIMIT = re.compile(rf"(?:(at most|at least|exactly) )?({NUMBER}) [^,;]*?(at most|at least|exactly)?(?=[,;]|$)")
TERM = re.compile(rf"({NUMBER}) per ([^\s,]+)")
SPAN = re.compile(rf"(any number|a whole number) from ({NUMBER}) (?:up|to ({NUMBER}))")
CLOSE = 1e-9


@dataclass(frozen=True)
class RowTold:
    """What is said of a row.

    Attributes:
        sense: How the sum compares to ``rhs``.
        rhs: The limit.
        terms: Coefficient by variable, None where they are not told.
        withdrawn: Whether the row should not be there.
    """

    sense: Sense
    rhs: float
    terms: dict[str, float] | None
    withdrawn: bool

    def agrees(self, row: RowView) -> bool:
        """Whether a row of the model is as it was told."""
        written = {variable: value for value, variable in row.terms if value}
        return (
            not self.withdrawn
            and (self.sense, row.slack) == (row.sense, 0)
            and _near(self.rhs, row.rhs)
            and (self.terms is None or self.terms.keys() == written.keys())
            and all(_near(value, written[variable]) for variable, value in (self.terms or {}).items())
        )


def line_of(name: str, description: str | None) -> str | None:
    """What the description says behind ``name:``, None if nothing."""
    lines = (description or "").splitlines()
    return next((line[len(name) + 1 :].strip() for line in lines if line.startswith(f"{name}:")), None)


def row_told(name: str, description: str | None) -> RowTold | None:
    """What the description says of a row, None where it says nothing that can be read."""
    line = line_of(name, description) or ""
    withdrawn = line.startswith(f"{WITHDRAWN} ")
    found = LIMIT.match(line.removeprefix(f"{WITHDRAWN} "))
    words = found and (found[1] or found[3])
    if not found or not words:
        return None
    _, told, terms = line.partition("; ")
    pairs = {variable: float(value) for value, variable in TERM.findall(terms)}
    return RowTold(SENSES[words], float(found[2]), pairs if told else None, withdrawn)


def variable_told(name: str, description: str | None) -> VariableView | None:
    """What the description says of a variable, None where it says nothing."""
    line = line_of(name, description)
    if line == TYPE_WORDS["B"]:
        return VariableView(0, 1, "B")
    found = SPAN.fullmatch(line or "")
    if found:
        return VariableView(float(found[2]), float(found[3] or math.inf), TYPES[found[1]])
    return VariableView(0, math.inf, "C") if USUAL in (description or "") else None


def variable_words(view: VariableView) -> str:
    """A variable's bounds and type as descriptions tell them."""
    if view.type == "B":
        return TYPE_WORDS["B"]
    span = "up" if math.isinf(view.upper) else f"to {number_shown(view.upper)}"
    return f"{TYPE_WORDS[view.type]} from {number_shown(view.lower)} {span}"


def _near(told: float, written: float) -> bool:
    return math.isclose(told, written, rel_tol=CLOSE, abs_tol=CLOSE)
