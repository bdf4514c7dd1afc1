"""Error type C: one coefficient is wrong or lost in a row that balances, links or defines.

Such rows are protected: they cannot be dropped, only corrected.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from ordebug.env.action import Action
from ordebug.env.generate.case import Case, changed_terms
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault, with_row
from ordebug.env.problem import RootCause

FACTORS = (0.0, 0.0, -1.0, 10.0, 0.1)
"""Lost, turned round, or its point slipped."""


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with each coefficient of a protected row wrong, in random order."""
    rows = [row for row in draft.rows if row.name in draft.protected]
    places = [(row, variable) for row in rows for variable in row.terms]
    for row, variable in rng.sample(places, len(places)):
        value = row.terms[variable]
        wrong = round(value * rng.choice(FACTORS), 6) + 0.0
        yield Fault(
            rows=with_row(draft, replace(row, terms=row.terms | {variable: wrong})),
            causes=(RootCause(kind="coefficient", name=row.name, touches=(row.name,)),),
            repair=(str(Action("SET_COEFFICIENT", (row.name, variable, value))),),
        )


def claims(case: Case) -> Iterator[str]:
    """One protected row differs, in one coefficient alone."""
    was, now = case.change.only_row or (None, None)
    if not was or not now or was._replace(terms=now.terms) != now or len(changed_terms(was, now)) != 1:
        yield "more than one coefficient differs"
    elif not case.change.rows.keys() <= set(case.problem.protected):
        yield "the row of the coefficient is not protected"


COEFFICIENT = ErrorType(inject, claims)
