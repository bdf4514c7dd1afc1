"""What ``RepairEnv`` adds to the solver calls that an episode of drop-first needs, with and without elastic solves.

python benchmarks/solver_overhead.py FOLDER [EVERY] [RUNS]

FOLDER is a problem set; every EVERY-th problem is played (default 20). Bare: gurobipy reads, solves, computes the IIS,
removes its first row and solves again, until the model is feasible. With elastic solves, gurobipy also hands over each
infeasible state's matrix, limits and bounds, and HiGHS is passed its elastic program, which was built beforehand, and
runs. Ours: reset and steps of ``RepairEnv``, and then ``least_violation`` of each infeasible state. In turn on each
problem, best of RUNS (default 9), so that other work on the machine disturbs both alike.

Two things that the environment must do and the bare calls leave out stand on lines of their own: it forgets a basis
before it solves again, since what an episode sees may not depend on those before, and it builds the elastic programs.
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

RULES = Rules(actions="compat")


def bare(path: Path, programs: Sequence[Arrays] = (), *, anew: bool = False) -> None:
    """The calls alone; with programs, those of the elastic solves too; anew: every solve begins without a basis."""
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
        if anew:
            model.update()
            model.reset()
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


def infeasible_states(problem: Problem, problems: ProblemSet) -> list[Arrays]:
    """The models that an episode comes through."""
    found: list[Arrays] = []
    ours(problem, problems, lambda env: found.append(env.model.arrays()))
    return found


def built(models: Sequence[Arrays]) -> list[Arrays]:
    """The elastic program of each."""
    return [elastic(model, everything(model), integral=False).program for model in models]


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


def measured(problem: Problem, problems: ProblemSet, runs: int) -> list[float]:
    """Least seconds of: bare, bare anew, ours, bare with elastic solves, ours with them, building elastic programs."""
    path, states = problems.model_path(problem), infeasible_states(problem, problems)
    programs = built(states)
    highs_engine._engine().setOptionValue("presolve", "off")
    light = [lambda: bare(path), lambda: bare(path, anew=True), lambda: ours(problem, problems, lambda env: None)]
    full = [lambda: bare(path, programs), lambda: ours(problem, problems, weigh), lambda: built(fresh(states)) and None]
    return [*least(light, runs), *least(full, runs)]


def fresh(models: Sequence[Arrays]) -> list[Arrays]:
    """The same without what was computed of them."""
    return [model.having() for model in models]


def weigh(env: RepairEnv) -> None:
    least_violation(env.model.arrays())


def least(works: Sequence[Callable[[], None]], runs: int) -> list[float]:
    """Each work's least seconds, the works in turn."""
    return [min(times) for times in zip(*([seconds(work) for work in works] for _ in range(runs)), strict=True)]


def main() -> None:
    problems = read_problem_set(Path(sys.argv[1]))
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 9
    chosen = list(problems)[::every]
    for problem in chosen[:5]:
        measured(problem, problems, runs)  # imports and first calls
    totals = [sum(times) for times in zip(*(measured(problem, problems, runs) for problem in chosen), strict=True)]
    plain, anew, env, elastic_plain, elastic_env, building = (1e6 * total / len(chosen) for total in totals)
    print(f"{len(chosen)} problems of {sys.argv[1]}, microseconds an episode, best of {runs}")
    print(told("solver calls:", "bare", plain, env))
    print(told("", "bare, each state solved anew", anew, env))
    print(told("with elastic:", "bare", elastic_plain, elastic_env))
    print(told("", "bare and building the programs", elastic_plain + building, elastic_env))


def told(what: str, other: str, bare_time: float, our_time: float) -> str:
    return f"{what:16} {other} {bare_time:.0f}, RepairEnv {our_time:.0f}, ratio {our_time / bare_time:.2f}"


if __name__ == "__main__":
    main()
