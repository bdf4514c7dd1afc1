"""Error type G: three errors or more, each infeasible by itself, that no two actions repair.

Repairing one uncovers the next: the conflict shown is of one of them at a time.
"""

import random
from collections.abc import Iterator

from ordebug.env.generate.case import Case
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults.fault import Asks, ErrorType, Fault
from ordebug.env.generate.faults.several import combined, several_claims

CAUSES = 3


def inject(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[Fault]:
    """Yields the draft with three errors."""
    yield from combined(rng, draft, asks, CAUSES)


def claims(case: Case) -> Iterator[str]:
    """There are at least three causes, whose conflicts share nothing."""
    if len(case.problem.root_cause) < CAUSES:
        yield "there are fewer than three causes"
    yield from several_claims(case)


THREE = ErrorType(inject, claims)
