"""Unit commitment: which power plants run in each hour, and how much each gives, at the least cost.

Output meets the load exactly; a plant that is off gives nothing, one that is on gives a least amount, and a start is
counted when a plant comes on (all protected). Reserve, ramps and permits are limits.
"""

import random

from ordebug.env.generate.builder import Builder, grid, names, tenths
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import Scale

PLANTS = ("coal", "gas", "hydro", "biomass", "peat", "steam", "diesel", "waste")
TOPICS = (
    "fuel contract",
    "cooling water",
    "air permit",
    "grid code",
    "heat customer",
    "noise permit",
    "crew rule",
    "voltage support",
    "export deal",
    "test run",
)
MOST_SOLVED = 1000
"""Variables; of larger plans the optimum seldom is proved within the work that making problems may take."""


def draw(rng: random.Random, scale: Scale) -> Draft:
    """Some plants over some hours, in gigawatts."""
    many, hours = grid(rng, min(MOST_SOLVED, rng.choice(scale.variables)), cell=3, most=12)
    b = Builder(
        rng,
        "commitment",
        "A utility commits plants by the hour, in gigawatts. Minimize cost.",
        maximize=False,
        topics=TOPICS,
        unit="units",
    )
    plants = names(PLANTS, many)
    most = {plant: tenths(rng, 0.5, 3) for plant in plants}
    for place, plant in enumerate(plants):
        _plant(b, plant, most[plant], hours, always=place == 0)
    for hour in range(1, hours + 1):
        b.balance(f"load of hour {hour}", {f"{plant}_{hour}": 1.0 for plant in plants}, "gigawatts")
        b.limit(f"reserve of hour {hour}", {f"on_{p}_{hour}": most[p] for p in plants}, "gigawatts", ">=")
    b.side_rows(max(2, many * hours // 3))
    return b.draft()


def _plant(b: Builder, plant: str, most: float, hours: int, *, always: bool) -> None:
    """A plant's hours. Its size stands in the rows that cap its output, in every hour."""
    least, caps, before = round(most * 0.4, 2), [], ""
    for hour in range(1, hours + 1):
        on, out = f"on_{plant}_{hour}", f"{plant}_{hour}"
        runs = always or b.rng.random() < 0.6
        given = round(b.rng.uniform(least, most), 2) if runs else 0.0
        b.variable(on, float(runs), b.rng.randint(2, 9), kind="B")
        b.variable(out, given, b.rng.randint(5, 20))
        b.variable(f"start_{plant}_{hour}", float(runs and not b.plan.get(before)), b.rng.randint(3, 9), upper=1.0)
        caps.append((b.balance(f"most of {plant} in hour {hour}", {out: 1.0, on: -most}, "gigawatts", "<=", 0.0), on))
        b.balance(f"least of {plant} in hour {hour}", {out: 1.0, on: -least}, "gigawatts", ">=", 0.0)
        came = {f"start_{plant}_{hour}": 1.0, on: -1.0} | ({before: 1.0} if before else {})
        b.balance(f"start of {plant} in hour {hour}", came, "starts", ">=", 0.0)
        before = on
    b.datum(f"size of {plant}, counted against its output", -most, caps)
