"""The rows of one problem replayed: it is read, solved and explained once for all of them."""

from dataclasses import dataclass
from functools import cached_property

from ordebug.converters.verify.decision import Decision
from ordebug.converters.verify.finding import Finding, NotReplayed
from ordebug.converters.verify.prompt import match
from ordebug.converters.verify.stage import BareStage, NotReplayable, PlayedStage, Stage, Tried
from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.env.action import ACTION_SETS, Action, InvalidAction
from ordebug.env.equivalence import Content, Verdict, compare
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import safe
from ordebug.env.reply import parse_action
from ordebug.env.reward import may_be_equivalent, optimality_preserved
from ordebug.env.solvers.model import SolverName, read_model


@dataclass(frozen=True)
class Task:
    """The rows of one problem.

    Attributes:
        problem: The problem.
        problems: The set of that problem alone.
        decisions: What its rows decide.
        equivalence: Whether to prove equivalence with the clean model, where it is known.
        solver: Which solver judges.
    """

    problem: Problem
    problems: ProblemSet
    decisions: tuple[Decision, ...]
    equivalence: bool = False
    solver: SolverName = "auto"


def replay(task: Task) -> list[Finding]:
    """A finding for each decision, in their order.

    Raises:
        LicenceError: If there is no licence: then nothing at all can be verified.
    """
    try:
        return _findings(task)
    except LicenceError:
        raise
    except (InputError, SolverError) as error:
        reason: NotReplayed = "no_model" if isinstance(error, InputError) else "solver_failed"
        return [_not_replayed(task, reason, error.message, decision) for decision in task.decisions]


def _findings(task: Task) -> list[Finding]:
    stage: Stage = _stage(task)
    clean = _Clean(task)
    try:
        return [_finding(task, decision, stage, clean) for decision in task.decisions]
    finally:
        clean.close()
        stage.close()


def _stage(task: Task) -> Stage:
    if all(map(_one_edit, task.decisions)):
        return BareStage(task.problem, task.problems, task.decisions, task.solver)
    return PlayedStage(task.problem, task.problems, task.solver)


def _one_edit(decision: Decision) -> bool:
    return decision.past == () and isinstance(decision.action, Action) and decision.action.edits


def _finding(task: Task, decision: Decision, stage: Stage, clean: "_Clean") -> Finding:
    problem = task.problem
    try:
        state = stage.shown(decision)
        iis = None if decision.printed is None else match(decision.printed, state)
        tried = stage.tried(decision)
        return Finding(
            error_type=problem.error_type or decision.error_type,
            detail=tried.detail,
            infeasible=stage.infeasible(),
            iis=iis,
            outcome=tried.outcome,
            status=tried.solution.status,
            root_cause=_hit(problem, decision.action, tried.outcome),
            op=optimality_preserved(tried.solution.objective, problem.original_objective),
            equivalence=clean.compared(tried),
            more_needed=_more_needed(problem, decision),
        )
    except NotReplayable as error:
        return _not_replayed(task, error.reason, error.detail, decision)
    except LicenceError:
        raise
    except SolverError as error:
        return _not_replayed(task, "solver_failed", error.message, decision)


def _not_replayed(task: Task, reason: NotReplayed, detail: str, decision: Decision) -> Finding:
    return Finding(task.problem.error_type or decision.error_type, reason, detail)


class _Clean:
    """The problem's clean model, read when it is first needed."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def compared(self, tried: Tried) -> Verdict | None:
        """Whether the model allows the clean model's points."""
        task, objective = self._task, tried.solution.objective
        if not task.equivalence or task.problem.clean_model_file is None:
            return None
        if not may_be_equivalent(objective, task.problem.original_objective):
            return None
        return compare(self._content, Content.of(tried.model())).verdict

    def close(self) -> None:
        """Frees the solver's memory."""
        if "_content" in self.__dict__:
            self._content.model.close()

    @cached_property
    def _content(self) -> Content:
        path = self._task.problems.clean_model_path(self._task.problem)
        assert path is not None
        return Content.of(read_model(path, self._task.solver))


def _hit(problem: Problem, action: Action | InvalidAction, outcome: str) -> bool | None:
    """Whether an edit was made of what the injected error touches; None where no cause is known, or nothing edited."""
    if not problem.root_cause or (isinstance(action, Action) and not action.edits):
        return None
    touched = {safe(name) for name in problem.touched}
    return isinstance(action, Action) and outcome == "applied" and safe(str(action.target)) in touched


def _more_needed(problem: Problem, decision: Decision) -> bool:
    """Whether the edits so far are fewer than any repair needs, by what was proved when the problem was made."""
    past = (parse_action(told.action, decision.actions) for told in decision.past or ())
    edits = [action for action in (*past, decision.action) if isinstance(action, Action) and action.edits]
    if problem.fewest_actions is None:
        return False
    if all(action.name in ACTION_SETS["core"] for action in edits):
        return len(edits) < problem.fewest_actions
    return problem.error_type in ("E", "G") and len(edits) < len(problem.root_cause)
