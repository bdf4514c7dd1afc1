"""Error type E: two errors, each infeasible by itself, that no single action repairs."""

import random
from collections.abc import Iterator

from ordebug.env.generate.case import Case
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault
from ordebug.env.generate.faults.several import combined, several_claims

CAUSES = 2


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with two errors."""
    yield from combined(rng, draft, asks, CAUSES)


def claims(case: Case) -> Iterator[str]:
    """There are two causes, whose conflicts share nothing."""
    if len(case.problem.root_cause) != CAUSES:
        yield "there are not exactly two causes"
    yield from several_claims(case)


TWO = ErrorType(inject, claims)
