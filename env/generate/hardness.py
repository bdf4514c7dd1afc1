"""What makes a problem hard: rules that know the conflict but not what is meant are near chance.

Every claim is about sets of rows, never about their order.
"""

from collections.abc import Iterator

from ordebug.env.edits import apply_repair
from ordebug.env.generate.case import Case, solution_without, twin_of
from ordebug.env.generate.search import repairing_sets
from ordebug.env.reward import OBJECTIVE_KEPT, optimality_preserved

FEWEST_HARD_ROWS = 4
FEWEST_FREE_ROWS = 2


def hard_failures(case: Case) -> Iterator[str]:
    """What keeps a problem from being hard, in words.

    One cause: at least four rows stand in every conflict, and dropping exactly one of them keeps the optimum. Several:
    the conflict of each alone has four rows, and exactly one set of as many rows as there are causes keeps it. At least
    two rows of each may be dropped: where all but one are protected, the protection would be the answer.
    """
    causes = len(case.problem.root_cause)
    conflicts = list(_conflicts(case))
    if min(len(rows) for rows in conflicts) < FEWEST_HARD_ROWS:
        yield "not hard: a conflict with fewer than four rows"
    elif min(len(rows - set(case.problem.protected)) for rows in conflicts) < FEWEST_FREE_ROWS:
        yield "not hard: a conflict with fewer than two rows that may be dropped"
    elif sum(_keeps(case, rows) for rows in repairing_sets(case.broken, case.problem.protected, causes)) != 1:
        yield "not hard: not exactly one choice of rows to drop keeps the optimum"


def _conflicts(case: Case) -> Iterator[frozenset[str]]:
    """The rows that stand in every conflict; of several causes, those in the conflict of each alone."""
    repair, causes = case.problem.repair, len(case.problem.root_cause)
    if causes == 1:
        yield frozenset(case.single_drops)
        return
    for place in range(causes):
        with twin_of(case.broken) as alone:
            apply_repair(alone, (*repair[:place], *repair[place + 1 :]), case.problem.problem_id)
            yield frozenset(alone.conflict().rows) if alone.solve().status == "INFEASIBLE" else frozenset()


def _keeps(case: Case, rows: frozenset[str]) -> bool:
    value = solution_without(case.broken, *rows).objective
    return (optimality_preserved(value, case.problem.original_objective) or 0.0) >= OBJECTIVE_KEPT
