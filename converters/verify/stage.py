"""A problem's model, on which decisions are tried.

``BareStage`` makes nothing but the solver calls that one edit of the model as it begins needs. ``PlayedStage`` goes
through the environment, which knows earlier steps and actions that edit nothing. Nothing is scored, and nothing judged.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ordebug.converters.verify.decision import Decision
from ordebug.converters.verify.finding import NotReplayed
from ordebug.converters.verify.prompt import Told
from ordebug.env.action import Action, ActionSet, InvalidAction
from ordebug.env.edits import apply_edit, resolve
from ordebug.env.observation import Conflict, Observation
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import OUTCOME_TEXT, RepairEnv, Rules
from ordebug.env.reply import parse_action
from ordebug.env.solvers.model import Model, Solution, SolverName, read_model

NO_ACTION = "(no action)"
ENDLESS = 10**9


class NotReplayable(Exception):  # noqa: N818 (no error of the program)
    """A row that cannot be brought to its state."""

    def __init__(self, reason: NotReplayed, detail: str) -> None:
        super().__init__(detail)
        self.reason: NotReplayed = reason
        self.detail = detail


class Tried(NamedTuple):
    """What became of an action: its outcome, the verdict on the model after it, and that model."""

    outcome: str
    solution: Solution
    model: Callable[[], Model]
    detail: str = ""


class Stage(Protocol):
    """A problem's model, on which decisions are tried one after another."""

    def infeasible(self) -> bool:
        """Whether the model is infeasible as it begins."""

    def shown(self, decision: Decision) -> Observation:
        """The state that a decision is about."""

    def tried(self, decision: Decision) -> Tried:
        """Carries a decision out."""

    def close(self) -> None:
        """Frees the solver's memory."""


class BareStage:
    """The model as it begins, and copies of it for the edits."""

    def __init__(
        self, problem: Problem, problems: ProblemSet, decisions: Sequence[Decision], solver: SolverName = "auto"
    ) -> None:
        self._problem = problem
        self._left = len({(decision.actions, str(decision.action)) for decision in decisions})
        self._first = read_model(problems.model_path(problem), solver)
        self._names = Names(self._first.row_names, self._first.variable_names)
        self._solution = self._first.solve()
        self._conflict = self._first.conflict() if self.infeasible() else Conflict()
        self._state = self._observed(algebra=any(isinstance(decision.printed, tuple) for decision in decisions))
        self._tried: dict[tuple[ActionSet, str], Tried] = {}
        self._edited: list[Model] = []

    def infeasible(self) -> bool:
        """Whether the model is infeasible as it begins."""
        return self._solution.status == "INFEASIBLE"

    def shown(self, decision: Decision) -> Observation:
        """The state as it begins, with the conflict's algebra where a prompt prints that."""
        return self._state

    def tried(self, decision: Decision) -> Tried:
        """Makes the edit on a copy; the last one on the model itself, which nobody needs any more."""
        key = decision.actions, str(decision.action)
        if key not in self._tried:
            self._left -= 1
            self._tried[key] = self._edit(decision)
        return self._tried[key]

    def close(self) -> None:
        """Frees the solver's memory."""
        for model in (self._first, *self._edited):
            model.close()

    def _observed(self, *, algebra: bool) -> Observation:
        rows = {name: self._first.row(name) for name in self._conflict.rows} if algebra else {}
        names = dict.fromkeys(variable for row in rows.values() for _, variable in row.terms)
        names |= dict.fromkeys(bound.variable for bound in self._conflict.bounds)
        return Observation(
            problem_id=self._problem.problem_id,
            error_type=None,
            description=None,
            status=self._solution.status,
            conflict=self._conflict,
            row_names=self._names.row_names,
            variable_names=self._names.variable_names,
            rows=rows,
            variables={name: self._first.variable(name) for name in names} if algebra else {},
        )

    def _edit(self, decision: Decision) -> Tried:
        action = decision.action
        assert isinstance(action, Action)
        arguments = resolve(action, self._names, self._problem.protected)
        if isinstance(arguments, InvalidAction):
            return Tried(arguments.reason, self._solution, lambda: self._first, arguments.detail)
        model = self._first.copy() if self._left else self._first
        if self._left:
            self._edited.append(model)
        refused = apply_edit(model, action.name, arguments, published=decision.actions == "compat")
        if refused is not None:
            return Tried(refused.reason, self._solution, lambda: model, refused.detail)
        return Tried("applied", model.solve(), lambda: model)


class Names(NamedTuple):
    """The names of a model."""

    row_names: tuple[str, ...]
    variable_names: tuple[str, ...]


class PlayedStage:
    """The environment, in which earlier steps are taken again. Only SUBMIT would end an episode; it is never taken."""

    def __init__(self, problem: Problem, problems: ProblemSet, solver: SolverName = "auto") -> None:
        self._problem, self._problems, self._solver = problem, problems, solver
        self._envs: dict[ActionSet, RepairEnv] = {}
        self._begins = ""

    def infeasible(self) -> bool:
        """Whether the model is infeasible as it begins."""
        return self._begins == "INFEASIBLE"

    def shown(self, decision: Decision) -> Observation:
        """The state that the earlier steps lead to.

        Raises:
            NotReplayable: If the steps are not known, or turn out otherwise than the prompt tells.
        """
        if decision.past is None:
            raise NotReplayable("later_step", "a later step, and its prompt does not tell of the earlier ones")
        if decision.actions not in self._envs:
            rules = Rules(decision.actions, ENDLESS, auto_submit=False, solver=self._solver)
            self._envs[decision.actions] = RepairEnv(self._problem, self._problems, rules)
        self._env = self._envs[decision.actions]
        state, info = self._env.reset()
        self._begins = info["status"]
        for number, told in enumerate(decision.past, start=1):
            state = self._step(number, told, decision.actions)
        return state

    def tried(self, decision: Decision) -> Tried:
        """Carries a decision out on the state that was shown last."""
        action, env = decision.action, self._env
        if isinstance(action, Action) and action.name == "SUBMIT":
            outcome, detail = "submitted", ""
        else:
            *_, info = env.step(action)
            outcome, detail = info["outcome"], info.get("detail", "")
        return Tried(outcome, env.state.solution, lambda: env.model, detail)

    def close(self) -> None:
        """Frees the solver's memory."""
        for env in self._envs.values():
            env.close()

    def _step(self, number: int, told: Told, actions: ActionSet) -> Observation:
        if told.action == NO_ACTION:  # why it was none makes no difference to the model
            return self._env.step(InvalidAction("no_action"))[0]
        action = parse_action(told.action, actions)
        if isinstance(action, Action) and action.name == "SUBMIT":
            raise NotReplayable("past_differs", f"step {number} is SUBMIT, which ends an episode")
        state, _, _, _, info = self._env.step(action)
        now = OUTCOME_TEXT.get(info["outcome"], f"invalid ({info['outcome']})").format(status=info["status"].lower())
        if now != told.outcome:
            raise NotReplayable("past_differs", f"step {number}, {told.action}: {now}, not {told.outcome}")
        return state
