"""Prompts made anew from the problems, so that training rows show what evaluation and rollouts show."""

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from ordebug.converters.oddity import Oddity
from ordebug.env.action import ActionSet
from ordebug.env.problem import Problem
from ordebug.env.problem_set import read_problem_set
from ordebug.env.renderer import DEFAULT_PROMPT_TOKENS, Message, Profile, render

if TYPE_CHECKING:
    from ordebug.env.observation import Observation

REMEMBERED = 2048


class Prompts:
    """The first prompt of each problem of a set.

    Args:
        folder: The problem set.
        profile: How much is shown.
        actions: The action set that the system turn offers.
        max_tokens: Budget of a prompt.
    """

    def __init__(
        self, folder: Path, profile: Profile, actions: ActionSet, max_tokens: int = DEFAULT_PROMPT_TOKENS
    ) -> None:
        self.problems = read_problem_set(folder)
        self._profile, self._actions, self._max_tokens = profile, actions, max_tokens
        self._made: OrderedDict[str, tuple[list[Message], list[Oddity]]] = OrderedDict()

    def of(self, problem_id: str) -> tuple[list[Message], Problem, list[Oddity]]:
        """System and user turn, the problem, and what is odd about it.

        Raises:
            InputError: If the set has no such problem, or its model cannot be read.
            SolverError: If the solver failed.
        """
        problem = self.problems.get(problem_id)
        if problem_id not in self._made:
            self._made[problem_id] = self._make(problem)
            if len(self._made) > REMEMBERED:
                self._made.popitem(last=False)
        messages, oddities = self._made[problem_id]
        return messages, problem, oddities

    def _make(self, problem: Problem) -> tuple[list[Message], list[Oddity]]:
        state = self._observe(problem)
        odd = [] if state.status == "INFEASIBLE" else [Oddity("not_infeasible", f"the solver says {state.status}")]
        return render(state, self._profile, self._actions, self._max_tokens), odd

    def _observe(self, problem: Problem) -> "Observation":
        # Only here is a solver needed: text that is kept as it stands converts without one.
        from ordebug.env.repair_env import RepairEnv, Rules

        env = RepairEnv(problem, self.problems, Rules(actions=self._actions))
        try:
            return env.reset()[0]
        finally:
            env.close()
