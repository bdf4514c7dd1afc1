"""What the core actions can do, proved: the fewest that repair a model, or that none do.

Loosening rows removes no direction in which a feasible model could be unbounded, and RELAX adds none. So rows repair a
model if it is feasible without them, and bounded while they still stand, however far they were relaxed.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from ordebug.core.errors import SolverError
from ordebug.env.action import Action
from ordebug.env.edits import apply_repair
from ordebug.env.generate.case import Case, solution_without, twin_of
from ordebug.env.reward import optimality_preserved
from ordebug.env.solvers.gurobi import GurobiModel, Solution

FAR = 1e6
MOST_ACTIONS = 3
MOST_SETS = 1500
MOST_COMPARED = 20
Rows = frozenset[str]


class UnsettledError(SolverError):
    """The search ended without a proof."""


@dataclass(frozen=True)
class Settled:
    """The fewest core actions that make a model feasible and bounded; none where no number of them does."""

    repair: tuple[str, ...]


def settle(case: Case) -> Settled:
    """Finds the fewest core actions that repair an infeasible model; of equally few, those nearest to its optimum.

    As many as there are causes are needed anyway: what the error types with several causes claim must be proved before.

    Raises:
        UnsettledError: If more than three actions are needed, or nothing could be proved.
    """
    model, protected = case.broken, case.problem.protected
    causes = frozenset(name for cause in case.problem.root_cause for name in cause.touches)
    for size in range(len(case.problem.root_cause), MOST_ACTIONS + 1):
        own = [causes] if len(causes) == size and _repairs(model, causes - set(protected), size) else []
        sets = own if own and size > 1 else [*own, *islice(repairing_sets(model, protected, size), MOST_COMPARED)]
        loose = [loosened(model, rows) for rows in sets]
        works = [(actions, solution.objective) for actions, solution in loose if solution.status == "OPTIMAL"]
        if works:
            # the first of the best: the causes, where dropping them keeps as much as anything
            return Settled(max(works, key=lambda work: _kept(work[1], case))[0])
    if not unreachable(model, protected):
        raise UnsettledError("more than three core actions are needed")
    return Settled(())


def unreachable(model: GurobiModel, protected: Collection[str]) -> bool:
    """Whether the model is infeasible even without any row that may be dropped."""
    return solution_without(model, *(set(model.row_names) - set(protected))).status == "INFEASIBLE"


def fewer_suffice(model: GurobiModel, protected: Collection[str], actions: int) -> bool:
    """Whether fewer core actions than so many make the model feasible and bounded."""
    return any(loosened(model, rows)[1].status == "OPTIMAL" for rows in repairing_sets(model, protected, actions - 1))


def repairing_sets(model: GurobiModel, protected: Collection[str], size: int) -> Iterator[Rows]:
    """Every set of at most ``size`` rows without which the model is feasible, and that needs each of them.

    Such a set holds a row of every conflict, so following the rows of one conflict after another finds them all.

    Raises:
        UnsettledError: If there are too many to look at.
    """
    seen: set[Rows] = set()
    queue: list[Rows] = [frozenset()]
    while queue:
        rows = queue.pop()
        if rows in seen:
            continue
        seen.add(rows)
        if len(seen) > MOST_SETS:
            raise UnsettledError("too many sets of rows to look at")
        with twin_of(model) as twin:
            for name in rows:
                twin.drop(name)
            if twin.solve().status != "INFEASIBLE":
                yield rows
            elif len(rows) < size:
                queue += [rows | {name} for name in twin.conflict().rows if name not in protected]


def loosened(model: GurobiModel, rows: Rows) -> tuple[tuple[str, ...], Solution]:
    """Actions that loosen these rows, without which the model is feasible, and what it comes to then.

    They are dropped, or relaxed far where that keeps the model bounded.

    Raises:
        UnsettledError: If relaxing far was not far enough.
    """
    names = sorted(rows)
    solution = solution_without(model, *names)
    if solution.status == "OPTIMAL":
        return tuple(str(Action("DROP_CONSTRAINT", (name,))) for name in names), solution
    actions = tuple(str(Action("RELAX_CONSTRAINT", (name, FAR))) for name in names)
    with twin_of(model) as twin:
        apply_repair(twin, actions, "-")
        solution = twin.solve()
    if solution.status == "INFEASIBLE":
        raise UnsettledError("rows were not relaxed far enough")
    return actions, solution


def _repairs(model: GurobiModel, rows: Rows, size: int) -> bool:
    """Whether these are so many rows, and the model is feasible without them."""
    known = len(rows) == size and rows <= set(model.row_names)
    return known and solution_without(model, *rows).status != "INFEASIBLE"


def _kept(objective: float | None, case: Case) -> float:
    return round(optimality_preserved(objective, case.problem.original_objective) or 0.0, 9)
