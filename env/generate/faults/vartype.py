"""Error type B: one continuous variable was made integer, and no whole number fits it.

The conflict blames neither the type nor, alone, the bounds: rows that are all right leave room between two whole
numbers only.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from math import isinf

from ordebug.env.action import Action
from ordebug.env.generate.case import Case
from ordebug.env.generate.draft import Column, Draft
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault
from ordebug.env.problem import RootCause


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with each continuous variable made integer that takes no whole number, in random order.

    None with a bound between whole numbers: Gurobi rounds such a bound when it copies an integer variable, and the
    repaired model would not be the clean one.
    """
    names = [name for name in draft.objective if draft.detailed and _plain(draft.column(name))]
    for name in filter(asks.between_whole, rng.sample(names, len(names))):
        yield Fault(
            rows=draft.rows,
            causes=(RootCause(kind="vartype", name=name, touches=(name,)),),
            repair=(str(Action("SET_TYPE", (name, "C"))),),
            columns={name: replace(draft.column(name), kind="I")},
        )


def _plain(column: Column) -> bool:
    return column.kind == "C" and all(isinf(b) or b == round(b) for b in (column.lower, column.upper))


def claims(case: Case) -> Iterator[str]:
    """One variable differs, in its type alone, and stands in the rows of the conflict."""
    was, now = case.change.only_column or (None, None)
    if not was or not now or was._replace(kind="I") != now or was.kind != "C":
        yield "more than one variable's type differs, or it was no continuous one"
        return
    names = {variable for row in case.conflict.rows for _, variable in case.broken.row(row).terms}
    if not names & case.change.columns.keys():
        yield "the variable stands in no row of the conflict"


VARTYPE = ErrorType(inject, claims)
