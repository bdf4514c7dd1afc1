"""What ``RepairEnv`` adds to the solver calls that an episode of drop-first needs, with and without elastic solves.

python benchmarks/solver_overhead.py FOLDER [EVERY]

FOLDER is a problem set; every EVERY-th problem is played (default 20). Bare: gurobipy reads, solves, computes the IIS,
removes its first row and solves again, until the model is feasible. With elastic solves, gurobipy also hands over each
infeasible state's matrix, limits and bounds, and HiGHS is passed its elastic program, which was built beforehand, and
runs. Ours: reset and steps of ``RepairEnv``, and then ``least_violation`` of each infeasible state. In turn on each
problem, best of nine, so that other work on the machine disturbs both alike.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import gurobipy as gp
from gurobipy import GRB

from ordebug.env.action import Action
from ordebug.env.observation import Observation
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.solvers import highs_engine
from ordebug.env.solvers.arrays import Arrays
from ordebug.env.solvers.elastic import NAME, everything, least_violation
from ordebug.env.solvers.elastic_program import elastic
from ordebug.env.solvers.gurobi import environment

RUNS = 9
RULES = Rules(actions="compat")


def bare(path: Path, programs: Sequence[Arrays] = ()) -> None:
    """The calls alone; with programs, those of the elastic solves too."""
    left = list(programs)
    model = gp.read(str(path), env=environment())
    model.optimize()
    for _ in range(RULES.max_steps):
        if model.Status != GRB.INFEASIBLE:
            break
        if left:
            bare_elastic(model, left.pop(0))
        model.computeIIS()
        in_conflict = model.getAttr("IISConstr")
        rows = [row for row, used in zip(model.getConstrs(), in_conflict, strict=True) if used]
        if not rows:
            break
        model.remove(rows[0])
        model.optimize()
    model.dispose()


def ours(problem: Problem, problems: ProblemSet, seen: Callable[[RepairEnv], None]) -> None:
    """The same as an episode."""
    env = RepairEnv(problem, problems, RULES)
    state, _ = env.reset()
    while state.status == "INFEASIBLE":
        seen(env)
        state, _, ended, cut, _ = env.step(drop_first(state))
        if ended or cut:
            break
    env.close()


def drop_first(state: Observation) -> Action:
    return Action("DROP_CONSTRAINT", state.conflict.rows[:1]) if state.conflict.rows else Action("SUBMIT")


def elastic_programs(problem: Problem, problems: ProblemSet) -> list[Arrays]:
    """The elastic program of each infeasible state."""
    programs: list[Arrays] = []

    def keep(env: RepairEnv) -> None:
        arrays = env.model.arrays()
        programs.append(elastic(arrays, everything(arrays), integral=False).program)

    ours(problem, problems, keep)
    return programs


def bare_elastic(model: gp.Model, program: Arrays) -> None:
    """The model leaves Gurobi, and HiGHS solves what was made of it."""
    model.getA()
    for name in ("Sense", "RHS", "LB", "UB", "VType"):
        model.getAttr(name)
    highs_engine._passed(program, NAME).run()


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measured(problem: Problem, problems: ProblemSet) -> list[float]:
    """Least seconds of: bare, ours, bare with elastic solves, ours with them."""
    path, programs = problems.model_path(problem), elastic_programs(problem, problems)
    highs_engine._engine().setOptionValue("presolve", "off")
    light = [lambda: bare(path), lambda: ours(problem, problems, lambda env: None)]
    full = [lambda: bare(path, programs), lambda: ours(problem, problems, weigh)]
    return [*least(light), *least(full)]


def weigh(env: RepairEnv) -> None:
    least_violation(env.model.arrays())


def least(works: Sequence[Callable[[], None]]) -> list[float]:
    """Each work's least seconds, the works in turn."""
    return [min(times) for times in zip(*([seconds(work) for work in works] for _ in range(RUNS)), strict=True)]


def main() -> None:
    problems = read_problem_set(Path(sys.argv[1]))
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    chosen = list(problems)[::every]
    for problem in chosen[:5]:
        measured(problem, problems)  # imports and first calls
    totals = [sum(times) for times in zip(*(measured(problem, problems) for problem in chosen), strict=True)]
    micro = [1e6 * total / len(chosen) for total in totals]
    print(f"{len(chosen)} problems of {sys.argv[1]}, microseconds an episode, best of {RUNS}")
    print(f"solver calls:    bare {micro[0]:.0f}, RepairEnv {micro[1]:.0f}, ratio {micro[1] / micro[0]:.2f}")
    print(f"with elastic:    bare {micro[2]:.0f}, RepairEnv {micro[3]:.0f}, ratio {micro[3] / micro[2]:.2f}")


if __name__ == "__main__":
    main()
