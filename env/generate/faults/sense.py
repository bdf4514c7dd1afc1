"""Error type A: one row's sense is turned round. The description still says what was meant."""

import random
from collections.abc import Iterator
from dataclasses import replace

from ordebug.env.action import Action
from ordebug.env.generate.case import Case
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault
from ordebug.env.observation import Sense
from ordebug.env.problem import RootCause

TURNED: dict[Sense, Sense] = {"<=": ">=", ">=": "<="}


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with each inequality turned round, in random order."""
    places = [place for place, row in enumerate(draft.rows) if row.sense in TURNED]
    for place in rng.sample(places, len(places)):
        row = draft.rows[place]
        turned = replace(row, sense=TURNED[row.sense])
        yield Fault(
            rows=(*draft.rows[:place], turned, *draft.rows[place + 1 :]),
            causes=(RootCause(kind="sense", name=row.name, touches=(row.name,)),),
            repair=(str(Action("FLIP_SENSE", (row.name,))),),
        )


def claims(case: Case) -> Iterator[str]:
    """One row differs, in its sense alone."""
    was, now = case.change.only_row or (None, None)
    if not was or not now or was._replace(sense=now.sense) != now or {was.sense, now.sense} != {"<=", ">="}:
        yield "more than one row's sense differs"


SENSE = ErrorType(inject, claims)
