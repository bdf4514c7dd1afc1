"""Error type A: one row's sense is turned round. The description still says what was meant."""

import random
from collections.abc import Iterator
from dataclasses import replace

from ordebug.env.action import Action
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults.fault import Fault, Reach
from ordebug.env.observation import Sense
from ordebug.env.problem import RootCause

TURNED: dict[Sense, Sense] = {"<=": ">=", ">=": "<="}


def inject(rng: random.Random, draft: Draft, reach: Reach) -> Iterator[Fault]:
    """Yields the draft with each inequality turned round, in random order."""
    places = [place for place, row in enumerate(draft.rows) if row.sense in TURNED]
    for place in rng.sample(places, len(places)):
        row = draft.rows[place]
        turned = replace(row, sense=TURNED[row.sense])
        yield Fault(
            rows=(*draft.rows[:place], turned, *draft.rows[place + 1 :]),
            cause=RootCause(kind="sense", name=row.name, touches=(row.name,)),
            repair=(str(Action("FLIP_SENSE", (row.name,))),),
        )
