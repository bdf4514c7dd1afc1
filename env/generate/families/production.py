"""Production planning: how many pieces of each product a joinery makes in a week, for the most profit.

A department may be short of capacity (at most) or staffed and paid in any case (at least); a customer may have
ordered (at least) or take no more (at most).
"""

import random

from ordebug.env.generate.draft import Draft
from ordebug.env.generate.flat import draw_draft
from ordebug.env.generate.scale import Scale

PRODUCTS = [
    "chairs",
    "tables",
    "desks",
    "shelves",
    "beds",
    "doors",
    "lamps",
    "boxes",
    "stools",
    "frames",
    "benches",
    "trays",
    "crates",
    "mirrors",
    "carts",
    "racks",
]
ROWS = (
    ("saw", "hours"),
    ("paint", "liters"),
    ("glue", "liters"),
    ("oak", "meters"),
    ("pine", "meters"),
    ("steel", "kilograms"),
    ("labor", "hours"),
    ("oven", "hours"),
    ("power", "units"),
    ("cloth", "meters"),
    ("truck", "loads"),
    ("store", "places"),
    ("hotel", "pieces"),
    ("school", "pieces"),
    ("clinic", "pieces"),
    ("museum", "pieces"),
    ("market", "pieces"),
    ("library", "pieces"),
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A joinery's week with a few requirements."""
    return draw_draft(
        rng,
        family="production",
        opening="A joinery plans a week. Maximize profit.",
        maximize=True,
        variables=PRODUCTS,
        rows=ROWS,
        coefficients=range(1, 6),
        size=rng.choice(scale.rows),
    )
