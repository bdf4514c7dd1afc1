"""Error type F: one datum that several rows are written with is wrong, and so is each of them.

No edit of one row restores the clean model: the cause is the number behind the rows.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from math import isclose

from ordebug.env.action import Action
from ordebug.env.description import line_of
from ordebug.env.generate.case import Case, changed_terms
from ordebug.env.generate.draft import Datum, Draft
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault
from ordebug.env.problem import RootCause
from ordebug.env.renderer import number_shown

FACTORS = (10.0, 0.1, 5.0, 0.2, 100.0)
CLOSE = 1e-9


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with each datum wrong, in random order."""
    shared = [(datum, factor) for datum in draft.data if len(datum.uses) > 1 for factor in FACTORS]
    for datum, factor in rng.sample(shared, len(shared)):
        yield _wrong(draft, datum, round(datum.value * factor, 6))


def _wrong(draft: Draft, datum: Datum, value: float) -> Fault:
    variables = dict(datum.uses)
    rows = tuple(
        replace(row, terms=row.terms | {variables[row.name]: value}) if row.name in variables else row
        for row in draft.rows
    )
    repair = tuple(str(Action("SET_COEFFICIENT", (row, variable, datum.value))) for row, variable in datum.uses)
    return Fault(rows, (RootCause(kind="data", name=datum.name, touches=tuple(sorted(variables))),), repair)


def claims(case: Case) -> Iterator[str]:
    """Two rows or more differ, each in one coefficient, all from one number to one other."""
    pairs = set()
    for was, now in case.change.rows.values():
        terms = changed_terms(was, now) if was and now and was._replace(terms=now.terms) == now else {}
        pairs |= set(terms.values()) if len(terms) == 1 else {(0.0, 0.0)}
    values, wrongs = [value for value, _ in pairs], [wrong for _, wrong in pairs]
    if len(case.change.rows) < 2 or case.change.columns:
        yield "fewer than two rows differ, or more than rows"
    elif not all(isclose(v, values[0], rel_tol=CLOSE) for v in values) or (0.0, 0.0) in pairs:
        yield "what differs is not one datum"
    elif not all(isclose(w, wrongs[0], rel_tol=CLOSE) for w in wrongs):
        yield "the datum is not wrong in one way"
    elif not _told(case, values[0]):
        yield "the description does not tell the datum as it was meant"


def _told(case: Case, value: float) -> bool:
    """Whether the description tells of the datum that is named as the cause, with this value."""
    lines = [line_of(cause.name, case.problem.description) for cause in case.problem.root_cause]
    return lines == [number_shown(value)]


DATUM = ErrorType(inject, claims)
