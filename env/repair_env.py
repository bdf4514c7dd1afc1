"""The repair task as an environment: ``reset`` and ``step`` as in Gymnasium.

A malformed reply is an outcome that costs a step. A solver that fails raises ``SolverError``: nobody is scored for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ordebug.env.action import Action, ActionSet, InvalidAction
from ordebug.env.edits import apply_edit, resolve
from ordebug.env.episode import StopReason
from ordebug.env.judge import Judge
from ordebug.env.observation import Conflict, Observation, Past
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import row_text, shown_name
from ordebug.env.reply import parse_reply
from ordebug.env.reward import Terms, reward_terms, step_cost
from ordebug.env.solvers.gurobi import GurobiModel, Solution

DEFAULT_MAX_STEPS = 20
OUTCOME_TEXT = {"applied": "still {status}", "shown": "shown", "submitted": "submitted"}


@dataclass(frozen=True)
class Rules:
    """What an episode allows.

    Attributes:
        actions: The action set.
        max_steps: Decisions an episode may take.
        auto_submit: Whether the episode ends by itself once the model is feasible and bounded.
    """

    actions: ActionSet = "core"
    max_steps: int = DEFAULT_MAX_STEPS
    auto_submit: bool = True


@dataclass(frozen=True)
class Start:
    """A problem as it begins, solved and explained once."""

    model: GurobiModel
    solution: Solution
    conflict: Conflict


class RepairEnv:
    """One problem, to be repaired.

    Args:
        problem: The problem.
        problems: The set its files lie in.
        rules: What an episode allows.
    """

    def __init__(self, problem: Problem, problems: ProblemSet, rules: Rules = Rules()) -> None:
        self.problem = problem
        self.rules = rules
        self._problems = problems
        self._model: GurobiModel | None = None

    @cached_property
    def _start(self) -> Start:
        model = GurobiModel.read(self._problems.model_path(self.problem))
        solution = model.solve()
        return Start(model, solution, model.conflict() if solution.status == "INFEASIBLE" else Conflict())

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.problem, self._problems, self._start.model, self._start.solution.status)

    @property
    def model(self) -> GurobiModel:
        """The model as it now is.

        Raises:
            RuntimeError: Before ``reset``.
        """
        if self._model is None:
            raise RuntimeError("call reset() first")
        return self._model

    def reset(self) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode: the observation and an info dict.

        Raises:
            InputError: If the model cannot be read.
            SolverError: If the solver failed.
        """
        self._restore()
        self._shown = frozenset(self._conflict.rows)
        self._past: tuple[Past, ...] = ()
        self._outcomes: list[str] = []
        self._stop: StopReason | None = None
        self._terms: Terms | None = None
        self._note = ""
        return self.observe(), {"status": self._solution.status}

    def step(
        self, reply: str | Action | InvalidAction, *, truncated: bool = False
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Takes one decision.

        Args:
            reply: What the policy wrote, or an action already parsed.
            truncated: Whether the reply was cut off by its token limit.

        Returns:
            ``(observation, reward, terminated, truncated, info)``. The rewards of an episode sum to its return;
            ``info`` holds ``action`` (canonical text or None), ``outcome``, ``status``, ``stop``, and at the end
            ``objective`` and the reward's ``terms``.
        """
        if self._stop is not None:
            raise RuntimeError("the episode has ended; call reset()")
        action = parse_reply(reply, self.rules.actions, truncated=truncated).action if isinstance(reply, str) else reply
        before = self._return
        self._note = ""
        outcome = self._apply(action)
        self._outcomes.append(outcome)
        told = OUTCOME_TEXT.get(outcome, f"invalid ({outcome})").format(status=self._solution.status.lower())
        self._past += (Past(str(action) if isinstance(action, Action) else "(no action)", told),)
        self._stop = self._reason_to_stop(outcome)
        if self._stop is not None:
            self._terms = reward_terms(self._judge.ending(self.model, self._solution, self._outcomes))
        terminated, cut_short = self._stop in ("recovered", "submitted"), self._stop in ("max_steps", "truncated")
        return self.observe(), self._return - before, terminated, cut_short, self._info(action, outcome)

    def observe(self) -> Observation:
        """The whole state."""
        model, conflict = self.model, self._conflict
        rows = {name: model.row(name) for name in conflict.rows}
        variables = dict.fromkeys(variable for row in rows.values() for _, variable in row.terms)
        variables |= dict.fromkeys(bound.variable for bound in conflict.bounds)
        return Observation(
            problem_id=self.problem.problem_id,
            error_type=self.problem.error_type,
            description=self.problem.description,
            status=self._solution.status,
            conflict=conflict,
            row_names=model.row_names,
            variable_names=model.variable_names,
            rows=rows,
            variables={name: model.variable(name) for name in variables},
            protected=tuple(name for name in self.problem.protected if name in model.row_names),
            past=self._past,
            steps_left=self.rules.max_steps - len(self._past),
            note=self._note,
        )

    def close(self) -> None:
        """Frees the solver's memory; ``reset`` works again afterwards."""
        if self._model is not None:
            self._model.close()
            self._model = None
        if "_judge" in self.__dict__:
            self._judge.close()
            del self.__dict__["_judge"]
        if "_start" in self.__dict__:
            self._start.model.close()
            del self.__dict__["_start"]

    # --- endings ---

    def _reason_to_stop(self, outcome: str) -> StopReason | None:
        if outcome == "submitted":
            return "submitted"
        if self._solution.status == "OPTIMAL" and self.rules.auto_submit:
            return "recovered"
        if outcome == "truncated":
            return "truncated"
        return "max_steps" if len(self._outcomes) >= self.rules.max_steps else None

    @property
    def _return(self) -> float:
        """The return so far: step costs only until the episode ends."""
        return step_cost(len(self._outcomes)) if self._terms is None else self._terms["total"]

    def _info(self, action: Action | InvalidAction, outcome: str) -> dict[str, Any]:
        info: dict[str, Any] = {
            "action": str(action) if isinstance(action, Action) else None,
            "outcome": outcome,
            "status": self._solution.status,
            "stop": self._stop,
        }
        if isinstance(action, InvalidAction):
            info["detail"] = action.detail
        if self._stop is not None:
            info |= {"objective": self._solution.objective, "terms": self._terms}
        return info

    # --- actions ---

    def _apply(self, action: Action | InvalidAction) -> str:
        if isinstance(action, InvalidAction):
            return action.reason
        arguments = resolve(action, self.model, self.problem.protected)
        if isinstance(arguments, InvalidAction):
            return arguments.reason
        handlers: dict[str, Callable[..., str]] = {
            "GET_IIS": self._get_iis,
            "RESET": self._reset_model,
            "SUBMIT": lambda: "submitted",
            "CHECK_SLACK": lambda name: "shown",
            "INSPECT": self._inspect,
        }
        if action.name in handlers:
            return handlers[action.name](*arguments)
        refused = apply_edit(self.model, action.name, arguments, published=self.rules.actions == "compat")
        if refused is not None:
            return refused.reason
        self._solve_again()
        return "applied"

    def _restore(self) -> None:
        if self._model is not None:
            self._model.close()
        self._model = self._start.model.copy()
        self._solution, self._conflict = self._start.solution, self._start.conflict

    def _reset_model(self) -> str:
        self._restore()
        self._shown = frozenset(self._conflict.rows)
        return "applied"

    def _solve_again(self) -> None:
        self._solution = self.model.solve()
        self._conflict = self.model.conflict() if self._solution.status == "INFEASIBLE" else Conflict()
        self._shown |= frozenset(self._conflict.rows)

    def _get_iis(self) -> str:
        """Shows a conflict that avoids the rows shown so far, or says that there is none."""
        infeasible = self._solution.status == "INFEASIBLE"
        other = self.model.other_conflict(self._shown) if infeasible else None
        if not infeasible:
            self._note = f"No conflict: the model is {self._solution.status.lower()}."
        elif other is None or not other.rows:
            self._note = "No other conflict: every conflict holds a row shown before, or bounds alone."
        else:
            self._conflict = other
            self._shown |= frozenset(other.rows)
        return "shown"

    def _inspect(self, name: str) -> str:
        self._note = f"{shown_name(name)}: {row_text(self.model.row(name))}"
        return "shown"
