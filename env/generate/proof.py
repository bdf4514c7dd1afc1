"""What is claimed of a problem, proved again from its files alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isclose
from pathlib import Path

from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.env.action import Action
from ordebug.env.description import row_told, variable_told
from ordebug.env.edits import apply_repair, resolve
from ordebug.env.generate.case import FEWEST_CONFLICT_ROWS, Case, change, twin_of
from ordebug.env.generate.causes import cause_failures
from ordebug.env.generate.faults import FAULTS
from ordebug.env.generate.hardness import hard_failures
from ordebug.env.generate.search import fewer_suffice, unreachable
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.reply import parse_action
from ordebug.env.solvers.gurobi import GurobiModel

OBJECTIVE_TOLERANCE = 1e-6


def failed_claims(problem: Problem, problems: ProblemSet) -> list[str]:
    """The claims of a problem that do not hold, in words; empty when all are proved.

    Raises:
        LicenceError: If the solver has no licence: then nothing at all can be proved.
    """
    try:
        with opened(problem, problems) as case:
            return [*model_failures(case), *core_failures(case), *(hard_failures(case) if problem.hard else ())]
    except LicenceError:
        raise
    except SolverError as error:
        return [f"not proved: {error.message}"]
    except InputError as error:
        return [error.message]


@contextmanager
def opened(problem: Problem, problems: ProblemSet) -> Iterator[Case]:
    """A problem with its models as read from their files.

    Raises:
        InputError: If a file is missing or no model.
        SolverError: If the solver has no licence that covers it.
    """
    clean_path = problems.clean_model_path(problem)
    if clean_path is None:
        raise InputError("the clean model is not stored")
    with _model(problems.model_path(problem)) as broken, _model(clean_path) as clean:
        yield Case(problem, broken, clean)


@contextmanager
def _model(path: Path) -> Iterator[GurobiModel]:
    model = GurobiModel.read(path)
    try:
        yield model
    finally:
        model.close()


def model_failures(case: Case) -> Iterator[str]:
    """What does not hold of the two models, the causes, the stored repair and the description, the cheapest first."""
    yield from _clean_failures(case)
    if case.broken.solve().status != "INFEASIBLE":
        yield "the broken model is not infeasible"
        return
    if len(case.conflict.rows) < FEWEST_CONFLICT_ROWS:
        yield "its conflict has fewer than two rows"
    yield from _cause_failures(case)
    yield from _evidence_failures(case)
    yield from _extended_failures(case)
    if case.problem.error_type in FAULTS:
        yield from FAULTS[case.problem.error_type].claims(case)


def _clean_failures(case: Case) -> Iterator[str]:
    solution, known = case.clean.solve(), case.problem.original_objective
    near = OBJECTIVE_TOLERANCE
    if case.problem.error_type not in FAULTS:
        yield f"error type {case.problem.error_type} is not known"
    if solution.objective is None:
        yield f"the clean model is {solution.status.lower()}"
    elif known is None or not isclose(solution.objective, known, rel_tol=near, abs_tol=near):
        yield f"the clean model's objective is {solution.objective}, not {known}"


def _cause_failures(case: Case) -> Iterator[str]:
    """Whether the causes are what differs from the clean model, and the conflict shows some of it."""
    yield from cause_failures(case)
    unknown = sorted(set(case.problem.protected) - set(case.clean.row_names))
    if unknown:
        yield f"protected rows are not in the clean model: {', '.join(unknown)}"
    touched = frozenset(name for cause in case.problem.root_cause for name in cause.touches)
    rows = case.conflict.rows
    shown = {*rows, *(variable for row in rows for _, variable in case.broken.row(row).terms)}
    if not touched & {*shown, *(bound.variable for bound in case.conflict.bounds)}:
        yield "no cause stands in the conflict"


def _evidence_failures(case: Case) -> Iterator[str]:
    """Whether description and model suffice: they disagree at what was changed and nowhere else."""
    text = case.problem.description
    for name in case.broken.row_names:
        told = row_told(name, text)
        if told is None:
            yield f"the description does not tell of {name}"
        elif told.agrees(case.broken.row(name)) == (name in case.change.rows):
            yield f"the description and {name} as written are {'alike' if name in case.change.rows else 'not alike'}"
    for name in case.broken.variable_names:
        view = variable_told(name, text)
        if (view is None or view == case.broken.variable(name)) == (name in case.change.columns):
            yield f"the description and {name} as it is are {'alike' if name in case.change.columns else 'not alike'}"


def _extended_failures(case: Case) -> Iterator[str]:
    """Whether the stored repair is allowed, gives back the clean model, and is needed as a whole."""
    if not case.problem.repairable.extended:
        yield "it is not claimed that the stored repair gives back the clean model"
        return
    if not _allowed(case, case.problem.repair, "extended"):
        yield "the stored repair is not allowed"
        return
    with twin_of(case.broken) as twin:
        for number, action in enumerate(case.problem.repair, start=1):
            apply_repair(twin, (action,), case.problem.problem_id)
            if number < len(case.problem.repair) and twin.solve().status != "INFEASIBLE":
                yield "a part of the stored repair makes it feasible already"
        restored = change(case.before, twin.matrix())
    if restored.names or restored.direction:
        yield "the stored repair does not give back the clean model"


def core_failures(case: Case) -> Iterator[str]:
    """Whether core actions can do what is claimed, and no fewer actions than stated."""
    problem = case.problem
    if case.broken.solve().status != "INFEASIBLE":
        return
    if problem.repairable.core is None or problem.fewest_actions is None:
        yield "nothing is claimed of the core actions"
    elif problem.repairable.core:
        yield from _core_repair_failures(case, problem.fewest_actions)
    elif problem.core_repair or not unreachable(case.broken, problem.protected):
        yield "core actions can make it feasible"
    elif problem.fewest_actions != len(problem.root_cause) or len(problem.repair) != len(problem.root_cause):
        yield "the fewest extended actions are not one for each cause"


def _core_repair_failures(case: Case, fewest: int) -> Iterator[str]:
    problem = case.problem
    if len(problem.core_repair) != fewest or not _allowed(case, problem.core_repair, "core"):
        yield "the core repair is not of the fewest actions, or not allowed"
        return
    with twin_of(case.broken) as twin:
        apply_repair(twin, problem.core_repair, problem.problem_id)
        if twin.solve().status != "OPTIMAL":
            yield "the core repair does not make it feasible and bounded"
    # that fewer than there are causes do not suffice was proved by the claims of their type
    if fewest > len(problem.root_cause) and fewer_suffice(case.broken, problem.protected, fewest):
        yield "fewer core actions suffice"


def _allowed(case: Case, repair: tuple[str, ...], actions: str) -> bool:
    """Whether every action of a repair is an edit of that set, on something the model has, and none is refused."""
    parsed = [parse_action(text, "core" if actions == "core" else "extended") for text in repair]
    known = [action for action in parsed if isinstance(action, Action) and action.edits]
    return len(known) == len(repair) and all(
        isinstance(resolve(action, case.broken, case.problem.protected), list) for action in known
    )
