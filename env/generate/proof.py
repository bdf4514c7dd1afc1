"""What is claimed of a problem, proved again from its files alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isclose
from pathlib import Path

from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.env.edits import apply_repair
from ordebug.env.explanation import WITHDRAWN, said
from ordebug.env.generate.draft import WORDS
from ordebug.env.observation import Conflict
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.solvers.gurobi import GurobiModel, Matrix

OBJECTIVE_TOLERANCE = 1e-6
FEWEST_CONFLICT_ROWS = 2
KEPT_SENSES = {words: sense for sense, words in WORDS.items()}


def failed_claims(problem: Problem, problems: ProblemSet) -> list[str]:
    """The claims of a problem that do not hold, in words; empty when all are proved.

    Raises:
        LicenceError: If the solver has no licence: then nothing at all can be proved.
    """
    try:
        with _opened(problems.model_path(problem)) as broken:
            clean_path = problems.clean_model_path(problem)
            if clean_path is None:
                return ["the clean model is not stored"]
            with _opened(clean_path) as clean:
                return list(_failures(problem, broken, clean))
    except LicenceError:
        raise
    except SolverError as error:
        return [f"not proved: {error.message}"]
    except InputError as error:
        return [error.message]


@contextmanager
def _opened(path: Path) -> Iterator[GurobiModel]:
    model = GurobiModel.read(path)
    try:
        yield model
    finally:
        model.close()


def _failures(problem: Problem, broken: GurobiModel, clean: GurobiModel) -> Iterator[str]:
    solution = clean.solve()
    known = problem.original_objective
    if solution.objective is None:
        yield f"the clean model is {solution.status.lower()}"
    elif known is None or not isclose(
        solution.objective, known, rel_tol=OBJECTIVE_TOLERANCE, abs_tol=OBJECTIVE_TOLERANCE
    ):
        yield f"the clean model's objective is {solution.objective}, not {known}"
    if broken.solve().status != "INFEASIBLE":
        yield "the broken model is not infeasible"
        return
    conflict = broken.conflict()
    if len(conflict.rows) < FEWEST_CONFLICT_ROWS:
        yield f"its conflict has {len(conflict.rows)} rows"
    before, after = clean.matrix(), broken.matrix()
    yield from _type_failures(problem, before, after)
    yield from _evidence_failures(problem, broken, conflict)
    if problem.repairable.core and not _dropping_repairs(problem, broken):
        yield "dropping the cause does not make it feasible and bounded"
    apply_repair(broken, problem.repair, problem.problem_id)
    if problem.repairable.extended and broken.matrix() != before:
        yield "the stored repair does not give back the clean model"


def _dropping_repairs(problem: Problem, broken: GurobiModel) -> bool:
    twin = broken.copy()
    try:
        for cause in problem.root_cause:
            if cause.name in twin.row_names and cause.name not in problem.protected:
                twin.drop(cause.name)
        return twin.solve().status == "OPTIMAL"
    finally:
        twin.close()


def changed_rows(before: Matrix, after: Matrix) -> dict[str, tuple[object, object]]:
    """Rows that differ between two matrices, as they were and as they are; None where a row is absent."""
    was, now = before["rows"], after["rows"]
    assert isinstance(was, dict) and isinstance(now, dict)
    return {name: (was.get(name), now.get(name)) for name in was | now if was.get(name) != now.get(name)}


def _type_failures(problem: Problem, before: Matrix, after: Matrix) -> Iterator[str]:
    """Whether exactly that was changed which the error type says."""
    if {**before, "rows": 0} != {**after, "rows": 0}:
        yield "more than rows differs from the clean model"
    changed = changed_rows(before, after)
    cause = problem.root_cause[0].name if problem.root_cause else None
    if len(problem.root_cause) != 1 or list(changed) != [cause]:
        yield f"the rows that differ from the clean model are {sorted(changed)}, the cause is {cause}"
        return
    was, now = changed[str(cause)]
    if problem.error_type == "D":
        if was is not None:
            yield f"{cause} is no added row"
    elif problem.error_type == "A":
        if not (isinstance(was, tuple) and isinstance(now, tuple) and was[1:] == now[1:]):
            yield f"{cause} differs in more than its sense"
    else:
        yield f"error type {problem.error_type} cannot be proved yet"


def _evidence_failures(problem: Problem, broken: GurobiModel, conflict: Conflict) -> Iterator[str]:
    """Whether the description and the rows shown suffice: they disagree at the cause and nowhere else."""
    causes = {cause.name for cause in problem.root_cause}
    if not causes & set(conflict.rows):
        yield "no cause stands in the conflict"
    for name in broken.row_names:
        words = said(name, problem.description)
        agrees = words is not None and words != WITHDRAWN and KEPT_SENSES[words] == broken.row(name).sense
        if words is None:
            yield f"the description does not tell of {name}"
        elif agrees == (name in causes):
            yield f"the description {'agrees' if agrees else 'disagrees'} with {name} as written"
