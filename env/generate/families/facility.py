"""Facility location: which depots open and what they send to each shop, at the least cost.

Every shop gets exactly its order, and a depot sends nothing unless it is open (both protected).
"""

import random

from ordebug.env.generate.builder import Builder, names, tenths
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import MOST_VARIABLES, Scale

DEPOTS = ("harbor", "airport", "station", "canal", "quarry", "market")
SHOPS = ("anna", "bert", "carla", "dora", "emil", "frida", "gus", "hanna")
TOPICS = (
    "city permit",
    "night curfew",
    "cold chain",
    "carrier quota",
    "safety stock",
    "toll budget",
    "dock crew",
    "franchise rule",
    "carbon budget",
    "pilot area",
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """Some depots and shops."""
    size = rng.choice(scale.variables)
    depots = names(DEPOTS, rng.randint(2, max(2, min(25, size // 4))))
    each = min(round((size - len(depots)) / len(depots)), MOST_VARIABLES // len(depots) - 1)
    shops = names(SHOPS, max(2, each))
    b = Builder(
        rng,
        "facility",
        "A chain chooses depots and ships pallets. Minimize cost.",
        maximize=False,
        topics=TOPICS,
        unit="pallets",
    )
    for place, depot in enumerate(depots):
        is_open = place == 0 or rng.random() < 0.6
        b.variable(f"open_{depot}", float(is_open), rng.randint(20, 60), kind="B")
        for shop in shops:
            sent = tenths(rng, 0.2, 3) if is_open and rng.random() < 0.7 else 0.0
            b.variable(f"{depot}_{shop}", sent, rng.randint(2, 9), upper=b.above(sent))
    for shop in shops:
        b.balance(f"order of {shop}", {f"{depot}_{shop}": 1.0 for depot in depots}, "pallets")
    for depot in depots:
        _depot(b, depot, shops)
    b.limit("depots open", {f"open_{depot}": 1.0 for depot in depots}, "depots", "<=")
    b.side_rows(max(2, len(b.plan) // 8))
    return b.draft()


def _depot(b: Builder, depot: str, shops: list[str]) -> None:
    """A depot's room, and its crew, whose hours for a pallet stand in the weekday's and the day's limit."""
    out = {f"{depot}_{shop}": 1.0 for shop in shops}
    sent = sum(b.plan[name] for name in out)
    room = round(max(1.0, sent) * b.rng.uniform(1.0, 1.8) + 0.1, 1)
    b.balance(f"room of {depot} if open", out | {f"open_{depot}": -room}, "pallets", "<=", 0.0)
    hours = {name: float(b.rng.randint(1, 5)) for name in out}
    some = dict(list(hours.items())[: (len(hours) + 1) // 2])
    rows = [b.limit(f"crew of {depot}", hours, "hours", "<="), b.limit(f"early crew of {depot}", some, "hours", "<=")]
    variable = b.rng.choice(sorted(some))
    b.datum(f"hours of {variable}", hours[variable], [(row, variable) for row in rows])
