"""Production planning with inventory: what is made and kept in every week, in hundreds of pieces, at the least cost.

A product's stock balances from week to week (protected); machines, store room and rules limit what is made.
"""

import random

from ordebug.env.generate.builder import Builder, grid, names, tenths
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import Scale

PRODUCTS = ("bolts", "nuts", "gears", "cogs", "pins", "belts", "valves", "hoses")
MACHINES = ("press", "lathe")
TOPICS = (
    "crew rule",
    "night rule",
    "service promise",
    "export promise",
    "noise permit",
    "packing crew",
    "energy contract",
    "quality lab",
    "trial order",
    "waste permit",
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A plan of a few products over some weeks."""
    things, weeks = grid(rng, rng.choice(scale.variables), cell=2, most=4)
    b = Builder(
        rng,
        "planning",
        "A works plans its weeks in hundreds of pieces. Minimize cost.",
        maximize=False,
        topics=TOPICS,
        unit="units",
    )
    products = names(PRODUCTS, things)
    for product in products:
        _product(b, product, weeks)
    for machine in MACHINES:
        _machine(b, machine, products, weeks)
    for week in range(1, weeks + 1):
        if rng.random() < 0.4:
            b.limit(f"store room in week {week}", {f"keep_{p}_{week}": 1.0 for p in products}, "hundreds", "<=")
    b.side_rows(max(2, things * weeks // 4))
    return b.draft()


def _product(b: Builder, product: str, weeks: int) -> None:
    """A product's weeks: what is made and kept, and the stock's balance, which the demand closes."""
    before = ""
    for week in range(1, weeks + 1):
        made = tenths(b.rng, 0.3, 3)
        kept = tenths(b.rng, 0, min(2, made + b.plan.get(before, 0)) - 0.2)
        b.variable(f"{product}_{week}", made, b.rng.randint(3, 12), upper=b.above(made))
        b.variable(f"keep_{product}_{week}", kept, b.rng.randint(1, 3), upper=b.above(kept))
        terms = {f"{product}_{week}": 1.0, f"keep_{product}_{week}": -1.0} | ({before: 1.0} if before else {})
        b.balance(f"stock of {product} in week {week}", terms, "hundreds")
        before = f"keep_{product}_{week}"


def _machine(b: Builder, machine: str, products: list[str], weeks: int) -> None:
    """A machine's hours in every week; the hours a product takes are one number for all weeks."""
    hours = {product: float(b.rng.randint(2, 9)) for product in products}
    rows = [
        b.limit(f"{machine} in week {week}", {f"{p}_{week}": hours[p] for p in products}, "hours", "<=")
        for week in range(1, weeks + 1)
    ]
    for product in products:
        uses = [(row, f"{product}_{week}") for week, row in enumerate(rows, start=1)]
        b.datum(f"{machine} hours of {product}", hours[product], uses)
