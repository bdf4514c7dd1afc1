"""Blending: which share of each ingredient goes into every batch, at the least cost.

The shares of a batch make up the whole (protected); contents have floors and ceilings, ingredients a stock.
"""

import random

from ordebug.env.generate.builder import Builder, grid, names
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import Scale

INGREDIENTS = ("corn", "soy", "oats", "bran", "rye", "peas", "whey", "flax")
CONTENTS = ("protein", "fiber", "starch", "energy")
TOPICS = (
    "label rule",
    "taste panel",
    "feed law",
    "organic seal",
    "dust rule",
    "color standard",
    "import quota",
    "mill setting",
    "farm contract",
    "price hedge",
)
MOST_BATCHES = 300
"""Each has five rows."""


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A few batches of the same ingredients."""
    size = rng.choice(scale.variables)
    batches, count = grid(rng, size, cell=1, most=max(1, min(size // 5, MOST_BATCHES)))
    b = Builder(
        rng,
        "recipe",
        "A mill mixes batches by shares. Minimize cost.",
        maximize=False,
        topics=TOPICS,
        unit="parts",
    )
    ingredients = names(INGREDIENTS, max(3, count))
    for batch in range(1, batches + 1):
        _batch(b, batch, ingredients)
    for ingredient in ingredients:
        if batches > 1 and rng.random() < 0.6:
            terms = {f"{ingredient}_{batch}": 1.0 for batch in range(1, batches + 1)}
            b.limit(f"stock of {ingredient}", terms, "batches", "<=")
    b.side_rows(max(1, len(b.plan) // 8))
    return b.draft()


def _batch(b: Builder, batch: int, ingredients: list[str]) -> None:
    """A batch's shares; what an ingredient contains is one number for the floor and the ceiling of that content."""
    weights = [b.rng.randint(1, 9) for _ in ingredients]
    for ingredient, weight in zip(ingredients, weights, strict=True):
        share = round(weight / sum(weights), 3)
        b.variable(f"{ingredient}_{batch}", share, b.rng.randint(20, 90), upper=min(1.0, b.above(share)))
    shares = {f"{ingredient}_{batch}": 1.0 for ingredient in ingredients}
    b.balance(f"whole of batch {batch}", shares, "batches")
    for content in b.rng.sample(CONTENTS, 2):
        held = {variable: float(b.rng.randint(1, 30)) for variable in shares}
        rows = [b.limit(f"{content} of batch {batch}", held, "grams", sense) for sense in (">=", "<=")]
        variable = b.rng.choice(sorted(held))
        b.datum(f"{content} in {variable}", held[variable], [(row, variable) for row in rows])
