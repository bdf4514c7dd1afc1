"""Transportation: how much goes from each works to each town, in trucks, at the least cost.

Every town gets exactly what it ordered (protected); works, drivers and routes have limits.
"""

import random

from ordebug.env.generate.builder import Builder, grid, names, tenths
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import Scale

WORKS = ("north", "south", "east", "west", "river", "hill")
TOWNS = ("aston", "barrow", "corby", "dover", "epsom", "fleet", "goole", "hythe")
TOPICS = (
    "toll bridge",
    "carrier contract",
    "ferry places",
    "rail share",
    "union rule",
    "cold trailers",
    "city permit",
    "partner quota",
    "return loads",
    "test route",
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A day's trucks."""
    many, towns_count = grid(rng, rng.choice(scale.variables), cell=1, most=30)
    b = Builder(
        rng,
        "transportation",
        "A maker ships trucks to towns. Minimize cost.",
        maximize=False,
        topics=TOPICS,
        unit="trucks",
    )
    works, towns = names(WORKS, max(2, many)), names(TOWNS, towns_count)
    for w in works:
        for t in towns:
            load = 0.0 if rng.random() < 0.3 else tenths(rng, 0.3, 3)
            b.variable(f"{w}_{t}", load, rng.randint(3, 20), upper=b.above(load))
    for t in towns:
        b.balance(f"order of {t}", {f"{w}_{t}": 1.0 for w in works}, "trucks")
    for w in works:
        b.limit(f"supply of {w}", {f"{w}_{t}": 1.0 for t in towns}, "trucks", "<=")
    _drivers(b, works, towns)
    b.side_rows(max(2, len(b.plan) // 8))
    return b.draft()


def _drivers(b: Builder, works: list[str], towns: list[str]) -> None:
    """Driving hours: each works has its drivers, all share the fleet; a route's hours stand in both rows."""
    hours = {(w, t): float(b.rng.randint(2, 9)) for w in works for t in towns}
    terms = {w: {f"{w}_{t}": hours[w, t] for t in towns} for w in works}
    fleet = b.limit("hours of the whole fleet", {k: v for own in terms.values() for k, v in own.items()}, "hours", "<=")
    for w in works:
        row = b.limit(f"drivers of {w}", terms[w], "hours", "<=")
        town = b.rng.choice(towns)
        b.datum(f"hours from {w} to {town}", hours[w, town], [(row, f"{w}_{town}"), (fleet, f"{w}_{town}")])
