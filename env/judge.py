"""How an episode ended, found out with further solves once it has: never while it goes on.

An ending that is feasible needs no elastic solve, and one that is not needs one, beside the start's, which is kept.
"""

from collections.abc import Sequence
from functools import cached_property

from ordebug.env.equivalence import Content, Verdict, compare
from ordebug.env.observation import Status
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.reward import Ending, may_be_equivalent
from ordebug.env.solvers.elastic import least_violation
from ordebug.env.solvers.model import Model, SolverName, read_model
from ordebug.env.states import MOST_KEPT, Edit, State, States

INTEGRALITY = 1.0
"""What a MILP that is infeasible adds to its relaxation's violation: one infeasible by integrality alone has none."""


def shortfall(model: Model, status: Status) -> float:
    """-Phi of a model: 0 where it has an optimum, else the least violation, a MILP's by its LP relaxation.

    Raises:
        SolverError: If the solver failed.
    """
    if status == "OPTIMAL":
        return 0.0
    arrays = model.arrays()
    whole = status == "INFEASIBLE" and bool(arrays.integral.any())
    return least_violation(arrays) + (INTEGRALITY if whole else 0.0)


def progress(start: float, end: float) -> float:
    """(Phi(end) - Phi(start)) / |Phi(start)|, of shortfalls; 0 where the start falls short by nothing measurable."""
    return (start - end) / start if start else 0.0


class Judge:
    """Judges the episodes of one problem; each state is judged once.

    Args:
        problem: The problem.
        problems: The set its files lie in.
        states: Its states.
        solver: Which solver holds the clean model.
    """

    def __init__(self, problem: Problem, problems: ProblemSet, states: States, solver: SolverName = "auto") -> None:
        self._problem, self._problems, self._states, self._solver = problem, problems, states, solver
        self._judged: dict[tuple[Edit, ...], tuple[Verdict | None, float]] = {}

    def ending(self, state: State, outcomes: Sequence[str]) -> Ending:
        """What became of a model.

        Raises:
            InputError: If the clean model cannot be read.
            SolverError: If the solver failed.
        """
        if state.edits not in self._judged:
            if len(self._judged) >= MOST_KEPT:
                self._judged.clear()
            self._judged[state.edits] = self._equivalence(state), self._progress(state)
        verdict, progress = self._judged[state.edits]
        return Ending(
            outcomes=tuple(outcomes),
            objective=state.solution.objective,
            clean_objective=self._problem.original_objective,
            equivalence=verdict,
            progress=progress,
            has_clean_model=self._problem.clean_model_file is not None,
        )

    def close(self) -> None:
        """Frees the solver's memory."""
        clean = self.__dict__.pop("_clean", None)
        if clean is not None:
            clean.model.close()

    @cached_property
    def _start_shortfall(self) -> float:
        start = self._states.start
        return shortfall(self._states.model(start), start.solution.status)

    @cached_property
    def _clean(self) -> Content | None:
        path = self._problems.clean_model_path(self._problem)
        return None if path is None else Content.of(read_model(path, self._solver))

    def _equivalence(self, state: State) -> Verdict | None:
        if not may_be_equivalent(state.solution.objective, self._problem.original_objective) or self._clean is None:
            return None
        return compare(self._clean, Content.of(self._states.model(state))).verdict

    def _progress(self, state: State) -> float:
        if state.solution.objective is not None:
            return 1.0
        if not state.edits:
            return 0.0
        end = shortfall(self._states.model(state), state.solution.status)  # first, while the model is there
        return progress(self._start_shortfall, end)
