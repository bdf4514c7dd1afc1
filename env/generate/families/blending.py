"""Blending: how much of each ingredient goes into a batch of feed, at the least cost.

Every nutrient may be needed (at least) or harmful in excess (at most).
"""

import random

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.flat import draw_draft
from ordebug.env.generate.scale import Scale

INGREDIENTS = [
    "oats",
    "barley",
    "wheat",
    "corn",
    "soy",
    "bran",
    "hay",
    "beet",
    "peas",
    "rice",
    "rye",
    "millet",
    "flax",
    "whey",
    "lupin",
    "clover",
]
ROWS = (
    ("protein", "grams"),
    ("fiber", "grams"),
    ("fat", "grams"),
    ("starch", "grams"),
    ("sugar", "grams"),
    ("salt", "grams"),
    ("iron", "grams"),
    ("zinc", "grams"),
    ("copper", "grams"),
    ("calcium", "grams"),
    ("water", "grams"),
    ("ash", "grams"),
    ("energy", "units"),
    ("weight", "kilograms"),
    ("volume", "liters"),
    ("vitamin", "units"),
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A batch with a few requirements."""
    return draw_draft(
        rng,
        family="blending",
        opening="A mill mixes a batch. Minimize cost.",
        maximize=False,
        variables=INGREDIENTS,
        rows=ROWS,
        coefficients=range(1, 8),
        size=rng.choice(scale.rows),
    )
