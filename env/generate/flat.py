"""Drafts of the small flat families: a few rows over three or four continuous variables, nothing protected."""

import random
from collections.abc import Sequence

from ordebug.env.generate.draft import Draft, DraftRow, Spare
from ordebug.env.observation import Sense

TIGHT_SHARE = 0.6
MOST_TERMS = 3


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
    spare = tuple(Spare(*unused) for unused in named[size:])
    return Draft(family, opening, maximize, objective, tuple(drawn), tuple(coefficients), spare)
