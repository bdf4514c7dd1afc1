"""Several errors in one model, each of which makes it infeasible by itself: what types E and G share."""

import random
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, compress, islice

from ordebug.env.edits import apply_repair
from ordebug.env.generate.case import Case, twin_of
from ordebug.env.generate.disjoint import Conflicts
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.faults import bound, coefficient, contradiction, limit, sense
from ordebug.env.generate.faults.fault import Asks, Fault
from ordebug.env.observation import Conflict

SINGLES = (sense.inject, contradiction.inject, coefficient.inject, bound.inject, limit.inject)
KINDS = ("sense", "row", "coefficient", "bound", "rhs")
MOST_TRIED, MOST_KEPT, MOST_SHARING = 12, 4, 5


def combined(rng: random.Random, draft: Draft, asks: Asks, count: int) -> Iterator[Fault]:
    """Yields the draft with so many errors at once, in random order, those first whose conflicts share nothing.

    Of sets whose conflicts share something a few only: that others which share nothing can be found is seldom.
    """
    singles = list(chain.from_iterable(_breaking(rng, draft, asks)))
    sets = [chosen for chosen in combinations(singles, count) if _apart([fault.touched for fault, _ in chosen])]
    sets = rng.sample(sets, len(sets))
    apart = [_apart([parts for _, parts in chosen]) for chosen in sets]
    sharing = [chosen for chosen, alone in zip(sets, apart, strict=True) if not alone]
    for chosen in [*compress(sets, apart), *sharing[:MOST_SHARING]]:
        yield _merged(draft, [fault for fault, _ in chosen])


def _breaking(rng: random.Random, draft: Draft, asks: Asks) -> Iterator[list[tuple[Fault, frozenset[str]]]]:
    """For each kind of error, a few that make the model infeasible by themselves, and what they conflict in."""
    for inject in SINGLES:
        candidates = islice(inject(rng, draft, asks), MOST_TRIED)
        found = ((fault, asks.conflict(fault)) for fault in candidates)
        broken = ((fault, _parts(conflict)) for fault, conflict in found if conflict)
        yield list(islice(broken, MOST_KEPT))


def _parts(conflict: Conflict) -> frozenset[str]:
    return frozenset(conflict.rows) | {bound.variable for bound in conflict.bounds}


def _apart(sets: Sequence[frozenset[str]]) -> bool:
    return len(frozenset().union(*sets)) == sum(map(len, sets))


def _merged(draft: Draft, faults: Sequence[Fault]) -> Fault:
    """All of the faults at once; rows that they add stand last."""
    changed = {row.name: row for fault in faults for row in fault.rows if row not in draft.rows}
    rows = {row.name: row for row in draft.rows} | changed
    return Fault(
        rows=tuple(rows.values()),
        causes=tuple(cause for fault in faults for cause in fault.causes),
        repair=tuple(action for fault in faults for action in fault.repair),
        said=tuple(line for fault in faults for line in fault.said),
        columns={name: column for fault in faults for name, column in fault.columns.items()},
    )


def _single_claims(case: Case) -> Iterator[str]:
    """What the types with one cause say of each, as far as it does not depend on the others."""
    for cause in case.problem.root_cause:
        if cause.kind not in KINDS:
            yield f"a cause of kind {cause.kind} is none that may come with others"
        elif cause.kind == "row":
            yield from contradiction.added_failures(case, cause.name)
        elif cause.kind == "coefficient" and cause.name not in case.problem.protected:
            yield "the row of the coefficient is not protected"


def several_claims(case: Case) -> Iterator[str]:
    """Each cause is of a type with one cause, infeasible alone, and in a conflict that shares nothing with the others.

    So one action ends one of them at most.
    """
    repair, conflicts = case.problem.repair, Conflicts()
    if len(repair) != len(case.problem.root_cause):
        yield "the repair has not one action for each cause"
        return
    yield from _single_claims(case)
    for place in range(len(repair)):
        with twin_of(case.broken) as alone:
            apply_repair(alone, (*repair[:place], *repair[place + 1 :]), case.problem.problem_id)
            if alone.solve().status != "INFEASIBLE":
                yield "a cause alone is not infeasible"
            elif not conflicts.add(alone, case.broken):
                yield "the conflicts of the causes share rows or bounds"
