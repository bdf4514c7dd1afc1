"""Staffing: how many crews begin each shift and how many extra hours are bought, at the least wages.

The people on duty in an hour are defined by the crews that began (protected); hours need people and have few desks.
"""

import random

from ordebug.env.generate.builder import Builder, names, tenths
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import Scale

HOURS = ("dawn", "morning", "noon", "tea", "evening", "night")
TOPICS = (
    "union rule",
    "training plan",
    "bus seats",
    "canteen places",
    "language desk",
    "rest rule",
    "parking permit",
    "student quota",
    "mentor rule",
    "holiday cover",
)
SHIFT = 3


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A day, or several, of hours: crews (whole numbers), extra people (any number) and people on duty."""
    count = max(3, rng.choice(scale.variables) // 3)
    b = Builder(
        rng,
        "rostering",
        "A call centre plans crews by the hour. Minimize wages.",
        maximize=False,
        topics=TOPICS,
        unit="people",
    )
    hours = names(HOURS, count)
    for place, hour in enumerate(hours):
        _hour(b, hours, place, hour)
    pay = {f"extra_{hour}": float(rng.randint(2, 6)) for hour in hours}
    rows = [b.limit("overtime budget", pay, "hundreds", "<=")]
    first = {hour: pay[hour] for hour in list(pay)[: (count + 1) // 2]}
    rows.append(b.limit("overtime budget of the first half", first, "hundreds", "<="))
    for variable in first:
        b.datum(f"pay of {variable}", pay[variable], [(row, variable) for row in rows])
    b.limit("crews hired", {f"crew_{hour}": 1.0 for hour in hours}, "crews", "<=")
    b.side_rows(max(2, count // 2))
    return b.draft()


def _hour(b: Builder, hours: list[str], place: int, hour: str) -> None:
    """An hour: the crew that begins, extra people, and who is on duty."""
    crew, extra = float(b.rng.randint(1, 6)), tenths(b.rng, 0.2, 2)
    b.variable(f"crew_{hour}", crew, b.rng.randint(8, 15), kind="I", upper=crew + b.rng.randint(1, 5))
    b.variable(f"extra_{hour}", extra, b.rng.randint(5, 9), upper=b.above(extra))
    on = [f"crew_{other}" for other in hours[max(0, place - SHIFT + 1) : place + 1]]
    people = sum(b.plan[name] for name in on) + extra
    b.variable(f"duty_{hour}", round(people, 1), b.rng.randint(0, 1), upper=b.above(people))
    terms = dict.fromkeys((*on, f"extra_{hour}"), 1.0) | {f"duty_{hour}": -1.0}
    b.balance(f"people on duty at {hour}", terms, "people", rhs=0.0)
    b.limit(f"calls at {hour}", {f"duty_{hour}": 1.0}, "people", ">=")
    if b.rng.random() < 0.5:
        b.limit(f"desks and booths at {hour}", {f"duty_{hour}": 1.0}, "people", "<=")
