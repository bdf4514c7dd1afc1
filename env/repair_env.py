"""The repair task as an environment: ``reset`` and ``step`` as in Gymnasium.

A malformed reply is an outcome that costs a step. A solver that fails raises ``SolverError``: nobody is scored for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ordebug.env.action import Action, ActionSet, InvalidAction
from ordebug.env.edits import resolve
from ordebug.env.episode import StopReason
from ordebug.env.judge import Judge
from ordebug.env.observation import Observation, Past
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import row_text, shown_name
from ordebug.env.reply import parse_reply
from ordebug.env.reward import Terms, reward_terms, step_cost
from ordebug.env.solvers.model import Model, SolverName
from ordebug.env.states import Edit, State, States

DEFAULT_MAX_STEPS = 20
OUTCOME_TEXT = {"applied": "still {status}", "shown": "shown", "submitted": "submitted"}


@dataclass(frozen=True)
class Rules:
    """What an episode allows.

    Attributes:
        actions: The action set.
        max_steps: Decisions an episode may take.
        auto_submit: Whether the episode ends by itself once the model is feasible and bounded.
        solver: Which solver judges; ``auto`` is Gurobi, or HiGHS where its licence does not do.
    """

    actions: ActionSet = "core"
    max_steps: int = DEFAULT_MAX_STEPS
    auto_submit: bool = True
    solver: SolverName = "auto"


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
        self._state: State | None = None

    @cached_property
    def _states(self) -> States:
        return States(self._problems.model_path(self.problem), self.rules.solver)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.problem, self._problems, self._states, self.rules.solver)

    @property
    def state(self) -> State:
        """The model as it now is, and what the solver says of it.

        Raises:
            RuntimeError: Before ``reset``.
        """
        if self._state is None:
            raise RuntimeError("call reset() first")
        return self._state

    @property
    def model(self) -> Model:
        """The model as it now is; it must not be edited.

        Raises:
            RuntimeError: Before ``reset``.
        """
        return self._states.model(self.state)

    @property
    def solver(self) -> SolverName | None:
        """The solver that holds the model, None before ``reset``."""
        return self._states.solver if "_states" in self.__dict__ else None

    def reset(self) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode: the observation and an info dict.

        Raises:
            InputError: If the model cannot be read.
            SolverError: If the solver failed.
        """
        self._begin()
        self._past: tuple[Past, ...] = ()
        self._outcomes: list[str] = []
        self._stop: StopReason | None = None
        self._terms: Terms | None = None
        self._note = ""
        return self.observe(), {"status": self.state.solution.status}

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
        told = OUTCOME_TEXT.get(outcome, f"invalid ({outcome})").format(status=self.state.solution.status.lower())
        text = str(action) if isinstance(action, Action) else None
        self._past += (Past(text or "(no action)", told),)
        self._stop = self._reason_to_stop(outcome)
        if self._stop is not None:
            self._terms = reward_terms(self._judge.ending(self.state, self._outcomes))
        terminated, cut_short = self._stop in ("recovered", "submitted"), self._stop in ("max_steps", "truncated")
        return self.observe(), self._return - before, terminated, cut_short, self._info(action, text, outcome)

    def observe(self) -> Observation:
        """The whole state."""
        state = self.state
        return Observation(
            problem_id=self.problem.problem_id,
            error_type=self.problem.error_type,
            description=self.problem.description,
            status=state.solution.status,
            conflict=state.conflict,
            row_names=state.row_names,
            variable_names=state.variable_names,
            rows=state.rows,
            variables=state.variables,
            protected=tuple(name for name in self.problem.protected if name in state.row_names),
            past=self._past,
            steps_left=self.rules.max_steps - len(self._past),
            note=self._note,
        )

    def close(self) -> None:
        """Frees the solver's memory; ``reset`` works again afterwards."""
        self._state = None
        for part in ("_judge", "_states"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()

    # --- endings ---

    def _reason_to_stop(self, outcome: str) -> StopReason | None:
        if outcome == "submitted":
            return "submitted"
        if self.state.solution.status == "OPTIMAL" and self.rules.auto_submit:
            return "recovered"
        if outcome == "truncated":
            return "truncated"
        return "max_steps" if len(self._outcomes) >= self.rules.max_steps else None

    @property
    def _return(self) -> float:
        """The return so far: step costs only until the episode ends."""
        return step_cost(len(self._outcomes)) if self._terms is None else self._terms["total"]

    def _info(self, action: Action | InvalidAction, text: str | None, outcome: str) -> dict[str, Any]:
        info: dict[str, Any] = {
            "action": text,
            "outcome": outcome,
            "status": self.state.solution.status,
            "stop": self._stop,
        }
        if isinstance(action, InvalidAction):
            info["detail"] = action.detail
        if self._stop is not None:
            info |= {"objective": self.state.solution.objective, "terms": self._terms}
        return info

    # --- actions ---

    def _apply(self, action: Action | InvalidAction) -> str:
        if isinstance(action, InvalidAction):
            return action.reason
        arguments = resolve(action, self.state, self.problem.protected)
        if isinstance(arguments, InvalidAction):
            return arguments.reason
        handlers: dict[str, Callable[..., str]] = {
            "GET_IIS": self._get_iis,
            "RESET": self._begin,
            "SUBMIT": lambda: "submitted",
            "CHECK_SLACK": lambda name: "shown",
            "INSPECT": self._inspect,
        }
        if action.name in handlers:
            return handlers[action.name](*arguments)
        edit = Edit(action.name, tuple(arguments), published=self.rules.actions == "compat")
        found = self._states.after(self.state, edit)
        if isinstance(found, InvalidAction):
            return found.reason
        self._show(found)
        return "applied"

    def _begin(self) -> str:
        self._shown: frozenset[str] = frozenset()
        self._show(self._states.start)
        return "applied"

    def _show(self, state: State) -> None:
        self._state = state
        self._shown |= frozenset(state.conflict.rows)

    def _get_iis(self) -> str:
        """Shows a conflict that avoids the rows shown so far, or says that there is none."""
        infeasible = self.state.solution.status == "INFEASIBLE"
        other = self._states.with_other_conflict(self.state, self._shown) if infeasible else None
        if not infeasible:
            self._note = f"No conflict: the model is {self.state.solution.status.lower()}."
        elif other is None:
            self._note = "No other conflict: every conflict holds a row shown before, or bounds alone."
        else:
            self._show(other)
        return "shown"

    def _inspect(self, name: str) -> str:
        self._note = f"{shown_name(name)}: {row_text(self.model.row(name))}"
        return "shown"
