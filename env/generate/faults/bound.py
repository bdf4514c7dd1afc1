"""Error type H: one bound of a variable is wrong, amid rows that are all right."""

import random
from collections.abc import Iterator
from dataclasses import replace
from math import ceil, floor, isinf

from ordebug.env.action import Action
from ordebug.env.generate.case import FEWEST_CONFLICT_ROWS, Case
from ordebug.env.generate.draft import Column, Draft
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault
from ordebug.env.observation import BoundInConflict, Side
from ordebug.env.problem import RootCause

BEYOND = 1.15


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with a bound put beyond what a variable can reach, for variables in random order."""
    names = [name for name in draft.objective if draft.detailed and draft.column(name).kind != "B"]
    for name in rng.sample(names, len(names)):
        was = draft.column(name)
        now = _wrong(rng, name, was, asks)
        if now is None or not was.lower <= now.lower <= now.upper <= was.upper:
            continue
        back: tuple[str | float, ...] = (name, was.lower) if now.upper == was.upper else (name, was.lower, was.upper)
        yield Fault(
            rows=draft.rows,
            causes=(RootCause(kind="bound", name=name, touches=(name,)),),
            repair=(str(Action("UPDATE_BOUNDS", back)),),
            columns={name: now},
        )


def _wrong(rng: random.Random, name: str, was: Column, asks: Asks) -> Column | None:
    """The variable with one bound beyond its reach; None where it can reach anything on that side.

    An upper bound is changed only where there was one: no action gives back an infinite one.
    """
    low = isinf(was.upper) or rng.random() < 0.5
    reach = asks.reach({name: 1.0}, ">=" if low else "<=")
    step = 1 if was.kind == "I" else 10
    if reach is None:
        return None
    if low:
        return replace(was, lower=ceil(reach * BEYOND * step + 0.5) / step)
    return replace(was, upper=floor(reach / BEYOND * step - 0.5) / step)


def claims(case: Case) -> Iterator[str]:
    """One bound of one variable differs; it stands in the conflict, with several rows."""
    name = next(iter(case.change.columns), "")
    was, now = case.change.only_column or (None, None)
    side: Side = "lower" if was and now and was.lower != now.lower else "upper"
    if not was or not now or was._replace(**{side: getattr(now, side)}) != now:
        yield "more than one bound differs"
    elif BoundInConflict(name, side) not in case.conflict.bounds:
        yield "the bound does not stand in the conflict"
    elif len(case.conflict.rows) < FEWEST_CONFLICT_ROWS:
        yield "the conflict has fewer than two rows beside the bound"


BOUND = ErrorType(inject, claims)
