"""Error type D: a requirement that was withdrawn still stands in the model and contradicts the others.

The description tells of it like of any other row, and that it was withdrawn: whoever only looks for rows that the
description does not know finds none. Descriptions of all types also tell of withdrawn requirements that did leave the
model (``words.py``), so that the word alone is no answer either.
"""

import random
from collections.abc import Iterator
from math import ceil, floor, inf

from ordebug.env.action import Action
from ordebug.env.description import row_told
from ordebug.env.generate.case import Case
from ordebug.env.generate.draft import Draft, DraftRow
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault
from ordebug.env.generate.flat import draw_terms
from ordebug.env.observation import Sense
from ordebug.env.problem import RootCause

TRIES = 4
BEYOND, NEAR = 0.1, 1e-6


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with a row added that asks for a tenth more, or less, than its other rows allow."""
    for _ in range(TRIES if draft.spare else 0):
        added = _unreachable(rng, draft, asks)
        if added is None:
            continue
        place = rng.randint(0, len(draft.rows))
        yield Fault(
            rows=(*draft.rows[:place], added, *draft.rows[place:]),
            causes=(RootCause(kind="row", name=added.name, touches=(added.name,)),),
            repair=(str(Action("DROP_CONSTRAINT", (added.name,))),),
            said=(added.said(withdrawn=True),),
        )


def _unreachable(rng: random.Random, draft: Draft, asks: Asks) -> DraftRow | None:
    """A row beyond what the clean model can reach, None where it can reach anything on that side."""
    name, unit, about = rng.choice(draft.spare)
    terms = draw_terms(rng, sorted(draft.objective), draft.coefficients)
    sense: Sense = rng.choice(("<=", ">="))
    limit = asks.reach(terms, sense)
    if limit is None:
        return None
    beyond = ceil(limit * 1.1) + 1 if sense == ">=" else floor(limit * 0.9) - 1
    return DraftRow(name, terms, sense, float(beyond), unit, about) if beyond >= 1 else None


def claims(case: Case) -> Iterator[str]:
    """One row was added, over variables of the clean model, which was withdrawn and lies a tenth beyond its reach."""
    was, now = case.change.only_row or (None, None)
    if was or not now:
        yield "what differs is not one added row"
        return
    yield from added_failures(case, next(iter(case.change.rows)))


def added_failures(case: Case, name: str) -> Iterator[str]:
    """Whether an added row was withdrawn, and asks for a tenth more, or less, than the clean model can reach."""
    told, row = row_told(name, case.problem.description), case.broken.row(name)
    if told is None or not told.withdrawn:
        yield "the description does not say that the added row was withdrawn"
    reach = case.clean.extreme({variable: value for value, variable in row.terms}, maximize=row.sense == ">=").objective
    beyond = -inf if reach is None else (row.rhs - reach if row.sense == ">=" else reach - row.rhs)
    if row.sense == "=" or beyond < BEYOND * abs(reach or 0.0) - NEAR:
        yield "the added row is not a tenth beyond what the clean model can reach"


CONTRADICTION = ErrorType(inject, claims)
