"""Error type I: one row's limit is wrong; several single drops make the model feasible, one alone keeps its optimum."""

import random
from collections.abc import Iterator
from dataclasses import replace
from math import ceil, floor, isclose

from ordebug.env.action import Action
from ordebug.env.generate.case import Case
from ordebug.env.generate.draft import Draft, DraftRow
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault, with_row
from ordebug.env.problem import RootCause
from ordebug.env.reward import OBJECTIVE_KEPT, optimality_preserved

KEPT = 1e-6
BEYOND = 1.1
FEWEST_REPAIRS = 2


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with the limit of each inequality beyond its reach, in random order."""
    rows = [row for row in draft.rows if row.sense != "=" and row.name not in draft.protected]
    for row in rng.sample(rows, len(rows)):
        wrong = _beyond(row, asks)
        if wrong is None:
            continue
        yield Fault(
            rows=with_row(draft, replace(row, rhs=wrong)),
            causes=(RootCause(kind="rhs", name=row.name, touches=(row.name,)),),
            repair=(str(Action("UPDATE_RHS", (row.name, row.rhs))),),
        )


def _beyond(row: DraftRow, asks: Asks) -> float | None:
    """A limit that the row's sum cannot reach, None where it can reach any, or such a limit would not be positive."""
    reach = asks.reach(row.terms, row.sense)
    if reach is None:
        return None
    floors = range(ceil(reach * BEYOND) + 1, ceil(reach * BEYOND) + 10)
    ceilings = range(floor(reach / BEYOND * 10 - 0.5), 0, -1)
    limits = map(float, floors) if row.sense == ">=" else (tenth / 10 for tenth in ceilings)
    # the environment changes a limit by adding to it, which must give back the right one to the last bit
    return next((limit for limit in limits if limit + (row.rhs - limit) == row.rhs), None)


def claims(case: Case) -> Iterator[str]:
    """One row's limit differs; of the single drops that repair, one keeps the optimum, every other loses 5 %."""
    was, now = case.change.only_row or (None, None)
    if not was or not now or was._replace(rhs=now.rhs) != now:
        yield "more than one row's limit differs"
        return
    clean = float(case.problem.original_objective or 0)
    values = list(case.free_drops.values())
    kept = [value for value in values if value is not None and isclose(value, clean, rel_tol=KEPT, abs_tol=KEPT)]
    if len(values) < FEWEST_REPAIRS:
        yield "fewer than two single drops restore feasibility"
    elif len(kept) != 1:
        yield "not exactly one single drop keeps the optimum"
    elif sum((optimality_preserved(value, clean) or 0) > OBJECTIVE_KEPT for value in values) > 1:
        yield "another single drop misses the optimum by less than five percent"


LIMIT = ErrorType(inject, claims)
