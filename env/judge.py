"""How an episode ended, found out with further solves once it has: never while it goes on.

An ending that is feasible needs no elastic solve, and one that is not needs one, beside the start's, which is kept.
"""

from collections.abc import Sequence
from functools import cached_property

from ordebug.core.manifest import sha256_text
from ordebug.env.equivalence import Content, Verdict, compare
from ordebug.env.observation import Status
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.reward import Ending, may_be_equivalent
from ordebug.env.solvers.elastic import least_violation
from ordebug.env.solvers.gurobi import GurobiModel, Solution

INTEGRALITY = 1.0
"""What a MILP that is infeasible adds to its relaxation's violation: one infeasible by integrality alone has none."""


def shortfall(model: GurobiModel, status: Status) -> float:
    """-Phi of a model: 0 where it has an optimum, else the least violation, a MILP's by its LP relaxation.

    Raises:
        SolverError: If the solver failed.
    """
    if status == "OPTIMAL":
        return 0.0
    whole = status == "INFEASIBLE" and any(model.variable(name).type != "C" for name in model.variable_names)
    return least_violation(model) + (INTEGRALITY if whole else 0.0)


def progress(start: float, end: float) -> float:
    """(Phi(end) - Phi(start)) / |Phi(start)|, of shortfalls; 0 where the start falls short by nothing measurable."""
    return (start - end) / start if start else 0.0


class Judge:
    """Judges the episodes of one problem; what the problem alone decides is found out once.

    Args:
        problem: The problem.
        problems: The set its files lie in.
        start: The model as it begins, which stays as it is.
        status: The solver's verdict on it.
    """

    def __init__(self, problem: Problem, problems: ProblemSet, start: GurobiModel, status: Status) -> None:
        self._problem, self._problems = problem, problems
        self._start, self._status = start, status
        self._verdicts: dict[str, Verdict] = {}

    def ending(self, model: GurobiModel, solution: Solution, outcomes: Sequence[str]) -> Ending:
        """What became of a model.

        Raises:
            InputError: If the clean model cannot be read.
            SolverError: If the solver failed.
        """
        clean = self._problem.original_objective
        feasible = solution.objective is not None
        return Ending(
            outcomes=tuple(outcomes),
            objective=solution.objective,
            clean_objective=clean,
            equivalence=self._equivalence(model) if may_be_equivalent(solution.objective, clean) else None,
            progress=1.0 if feasible else progress(self._start_shortfall, shortfall(model, solution.status)),
            has_clean_model=self._problem.clean_model_file is not None,
        )

    def close(self) -> None:
        """Frees the solver's memory."""
        if "_clean" in self.__dict__ and self._clean is not None:
            self._clean.model.close()
            del self.__dict__["_clean"]

    @cached_property
    def _start_shortfall(self) -> float:
        return shortfall(self._start, self._status)

    @cached_property
    def _clean(self) -> Content | None:
        path = self._problems.clean_model_path(self._problem)
        return None if path is None else Content.of(GurobiModel.read(path))

    def _equivalence(self, model: GurobiModel) -> Verdict | None:
        if self._clean is None:
            return None
        content = Content.of(model)
        key = sha256_text(repr((content.rows, content.variables)))
        if key not in self._verdicts:
            self._verdicts[key] = compare(self._clean, content).verdict
        return self._verdicts[key]
