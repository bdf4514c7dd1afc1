"""Transport: how many loads run on each route of a haulier, for the most income.

A depot may have few loads (at most) or must be emptied (at least); a town may need loads (at least) or have little
room for them (at most). A route serves a place or not, so every coefficient is 1 or 2 loads for each trip.
"""

import random

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.flat import draw_draft
from ordebug.env.generate.scale import Scale

ROUTES = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "juliet",
    "kilo",
    "lima",
    "oscar",
    "papa",
    "quebec",
    "romeo",
    "sierra",
    "tango",
]
ROWS = (
    ("harbor", "loads"),
    ("quarry", "loads"),
    ("depot", "loads"),
    ("farm", "loads"),
    ("factory", "loads"),
    ("airport", "loads"),
    ("village", "loads"),
    ("island", "loads"),
    ("castle", "loads"),
    ("station", "loads"),
    ("bridge", "trips"),
    ("tunnel", "trips"),
    ("ferry", "trips"),
    ("drivers", "hours"),
    ("fuel", "liters"),
    ("tolls", "tolls"),
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A haulier's day with a few requirements."""
    return draw_draft(
        rng,
        family="transport",
        opening="A haulier plans a day. Maximize income.",
        maximize=True,
        variables=ROUTES,
        rows=ROWS,
        coefficients=(1, 1, 2),
        size=rng.choice(scale.rows),
    )
