"""Staffing: how many people begin each shift pattern of a call centre, at the least wages.

An hour of the week may need people (at least) or have few desks (at most). A pattern covers an hour or not, so the
coefficients are small: people for each person on the pattern.
"""

import random

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.flat import draw_draft
from ordebug.env.generate.scale import Scale

PATTERNS = [
    "early",
    "late",
    "night",
    "split",
    "short",
    "long",
    "double",
    "weekend",
    "parttime",
    "relief",
    "standby",
    "trainee",
]
ROWS = (
    ("monday", "people"),
    ("tuesday", "people"),
    ("wednesday", "people"),
    ("thursday", "people"),
    ("friday", "people"),
    ("saturday", "people"),
    ("sunday", "people"),
    ("morning", "people"),
    ("noon", "people"),
    ("evening", "people"),
    ("midnight", "people"),
    ("desks", "places"),
    ("headsets", "pieces"),
    ("breaks", "pauses"),
    ("overtime", "hours"),
    ("training", "hours"),
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A week's roster with a few requirements."""
    return draw_draft(
        rng,
        family="staffing",
        opening="A call centre plans a roster. Minimize wages.",
        maximize=False,
        variables=PATTERNS,
        rows=ROWS,
        coefficients=(1, 1, 1, 2),
        size=rng.choice(scale.rows),
    )
