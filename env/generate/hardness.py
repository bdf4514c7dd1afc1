"""What makes a problem hard: rules that know the conflict but not what is meant are near chance.

Every claim is about sets of rows, never about their order.
"""

from collections.abc import Collection, Iterator

from ordebug.env.edits import apply_repair
from ordebug.env.generate.case import Case, solution_without, twin_of
from ordebug.env.generate.search import repairing_sets
from ordebug.env.reward import OBJECTIVE_KEPT, optimality_preserved
from ordebug.env.solvers.gurobi import GurobiModel

FEWEST_HARD_ROWS = 4
FEWEST_FREE_ROWS = 2
FEWEST_CHOICES = 2
TOO_FEW_ROWS = "not hard: a conflict with fewer than four rows"


def hard_failures(case: Case) -> Iterator[str]:
    """What keeps a problem from being hard, in words.

    One cause: at least four rows stand in every conflict, and dropping exactly one of them keeps the optimum. Several:
    the conflict of each alone has four rows, as has the one that is shown first, and exactly one set of as many rows as
    there are causes keeps it, of two or more that make the model feasible. At least two rows of each may be dropped:
    where all but one are protected, the protection would be the answer.
    """
    causes, protected, optimum = len(case.problem.root_cause), case.problem.protected, case.problem.original_objective
    conflicts = list(_conflicts(case))
    if min(len(rows) for rows in (*conflicts, case.conflict.rows)) < FEWEST_HARD_ROWS:
        yield TOO_FEW_ROWS
    elif min(len(rows - set(protected)) for rows in conflicts) < FEWEST_FREE_ROWS:
        yield "not hard: a conflict with fewer than two rows that may be dropped"
    elif len(choices := list(repairing_sets(case.broken, protected, causes))) < FEWEST_CHOICES:
        yield "not hard: only one choice of rows to drop makes it feasible"
    elif sum(keeps(case.broken, rows, optimum) for rows in choices) != 1:
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


def keeps(model: GurobiModel, rows: Collection[str], optimum: float | None) -> bool:
    """Whether a model without these rows has the optimum, nearly."""
    value = solution_without(model, *rows).objective
    return (optimality_preserved(value, optimum) or 0.0) >= OBJECTIVE_KEPT
