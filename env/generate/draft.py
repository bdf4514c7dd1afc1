"""A clean model in words and numbers, before any file is written."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from ordebug.env.explanation import WITHDRAWN
from ordebug.env.observation import Sense
from ordebug.env.renderer import number_shown

WORDS: dict[Sense, str] = {"<=": "at most", ">=": "at least", "=": "exactly"}
TIGHT_SHARE = 0.6
MOST_TERMS = 3


@dataclass(frozen=True)
class DraftRow:
    """One requirement.

    Attributes:
        name: The row's name; it says what the row is about and never which way it points.
        terms: Coefficient by variable.
        sense: How the sum compares to ``rhs``.
        rhs: The limit.
        unit: What the limit counts, in words: ``hours``.
    """

    name: str
    terms: dict[str, float]
    sense: Sense
    rhs: float
    unit: str

    def said(self, *, withdrawn: bool = False) -> str:
        """The row's line of the description: ``saw: at most 40 hours``, or ``saw: withdrawn 40 hours at most``."""
        amount = f"{number_shown(self.rhs)} {self.unit}"
        if withdrawn:
            return f"{self.name}: {WITHDRAWN} {amount} {WORDS[self.sense]}"
        return f"{self.name}: {WORDS[self.sense]} {amount}"


@dataclass(frozen=True)
class Draft:
    """A clean model.

    Attributes:
        family: What kind of model it is.
        opening: First line of the description: who plans what.
        maximize: Whether the objective is maximised.
        objective: Objective coefficient by variable; all variables are continuous and at least 0.
        rows: The requirements.
        coefficients: What a coefficient may be.
        spare: Names and units of the family that the model does not use, for rows that a fault adds.
    """

    family: str
    opening: str
    maximize: bool
    objective: dict[str, float]
    rows: tuple[DraftRow, ...]
    coefficients: tuple[int, ...]
    spare: tuple[tuple[str, str], ...]


def draw_terms(rng: random.Random, variables: Sequence[str], coefficients: Sequence[int]) -> dict[str, float]:
    """Coefficients for one to three of the variables."""
    used = rng.sample(list(variables), rng.randint(1, min(MOST_TERMS, len(variables))))
    return {variable: float(rng.choice(coefficients)) for variable in sorted(used)}


def draw_row(
    rng: random.Random, name: str, unit: str, point: dict[str, int], coefficients: Sequence[int], sense: Sense
) -> DraftRow:
    """A row over one to three variables that the plan ``point`` satisfies, tightly or with much to spare."""
    terms = draw_terms(rng, sorted(point), coefficients)
    level = sum(value * point[variable] for variable, value in terms.items())
    most = level // 10 if rng.random() < TIGHT_SHARE else 2 * level // 3
    room = 0 if sense == "=" else rng.randint(0, max(1, int(most)))
    limit = float(level + room if sense == "<=" else max(1, level - room))
    return DraftRow(name, terms, sense, limit, unit)


def draw_draft(
    rng: random.Random,
    *,
    family: str,
    opening: str,
    maximize: bool,
    variables: Sequence[str],
    rows: Sequence[tuple[str, str]],
    coefficients: Sequence[int],
    size: int,
) -> Draft:
    """A draft with ``size`` requirements over three or four variables; which way each points is a coin's toss.

    Whether a name stands for a ceiling or a floor must be read in the description: no name implies it.
    """
    point = {name: rng.randint(1, 9) for name in rng.sample(list(variables), rng.randint(3, 4))}
    named = rng.sample(list(rows), len(rows))
    senses: list[Sense] = [rng.choice(("<=", ">=")) for _ in range(size)]
    drawn = [draw_row(rng, *named[i], point, coefficients, sense) for i, sense in enumerate(senses)]
    objective = {name: float(rng.randint(2, 9)) for name in point}
    return Draft(family, opening, maximize, objective, tuple(drawn), tuple(coefficients), tuple(named[size:]))
