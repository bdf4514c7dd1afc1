"""What ``ordebug data verify`` costs beside the solver calls alone.

python benchmarks/verify.py FILE PROBLEMS [ROUNDS]

FILE is Alpaca rows or an SFT file of first steps, PROBLEMS its problem set. Bare: for each row whose problem is in the
set, gurobipy reads the model, solves it, computes the IIS, makes the edit and solves again; rows and edits were read
beforehand. Ours: ``verify`` on the file, with one worker, reading rows, set and prompts included. In turn, ROUNDS times
(7 by default); the ratio is that of the least seconds, and the median of the rounds' ratios stands beside it.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gurobipy as gp
from gurobipy import GRB

from ordebug.converters.verify.decision import read_decisions
from ordebug.converters.verify.verification import Verification, verify
from ordebug.env.action import Action
from ordebug.env.problem_set import read_problem_set
from ordebug.env.solvers.gurobi import environment

Item = tuple[Path, Action]


def items(file: Path, problems: Path) -> list[Item]:
    """Model and edit of each row that has a problem."""
    known = read_problem_set(problems)
    found = []
    for row in read_decisions(file, None):
        decision = row.decision
        if decision and decision.problem_id in known.problems and isinstance(decision.action, Action):
            found.append((known.model_path(known.get(decision.problem_id)), decision.action))
    return found


def bare(chosen: list[Item]) -> int:
    """The calls alone; returns how many models were restored."""
    restored = 0
    for path, action in chosen:
        model = gp.read(str(path), env=environment())
        model.optimize()
        model.computeIIS()
        model.getAttr("IISConstr")
        model.getAttr("IISLB"), model.getAttr("IISUB")
        edit(model, action)
        model.optimize()
        restored += model.Status == GRB.OPTIMAL
        model.dispose()
    return restored


def edit(model: gp.Model, action: Action) -> None:
    if action.name == "UPDATE_BOUNDS":
        variable = model.getVarByName(action.args[0])
        variable.LB = action.args[1]
        if len(action.args) > 2:
            variable.UB = action.args[2]
        return
    row = model.getConstrByName(action.args[0])
    if action.name == "DROP_CONSTRAINT":
        model.remove(row)
    elif action.name == "RELAX_CONSTRAINT":
        row.RHS += -action.args[1] if row.Sense == GRB.GREATER_EQUAL else action.args[1]
    elif action.name == "UPDATE_RHS":
        row.RHS = action.args[1]
    else:
        raise SystemExit(f"this benchmark knows no bare call for {action.name}")


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    file, problems = Path(sys.argv[1]), Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    chosen = items(file, problems)
    asked = Verification(file, problems)
    print(f"{len(chosen)} rows; restored: bare {bare(chosen)}, verify {verify(asked).overall.restores}")
    times = [(seconds(lambda: bare(chosen)), seconds(lambda: verify(asked))) for _ in range(rounds)]
    least = [min(column) for column in zip(*times, strict=True)]
    micro = [1e6 * value / len(chosen) for value in least]
    median = statistics.median(ours / alone for alone, ours in times)
    print(f"microseconds a row, least of {rounds}: bare {micro[0]:.0f}, verify {micro[1]:.0f}")
    print(f"ratio {least[1] / least[0]:.2f}, median of the rounds {median:.2f}")


if __name__ == "__main__":
    main()
