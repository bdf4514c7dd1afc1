"""HiGHS at work on arrays: passed, solved, its verdict made certain. Nothing of highspy leaves this file.

One HiGHS instance a process is used again and again: a new one costs as much as a small solve. Every solve begins with
a model passed anew, so that no result depends on what was solved before.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import highspy
import numpy as np
from highspy import HighsModelStatus as Found

from ordebug.core.errors import InputError, SolverError
from ordebug.env.observation import Status
from ordebug.env.solvers.arrays import Arrays, Floats, Mask, limited
from ordebug.env.solvers.mps_bounds import with_free_lower_bounds

OPTIONS: dict[str, int | float | str | bool] = {
    "random_seed": 0,
    "threads": 1,
    "parallel": "off",
    "simplex_iteration_limit": 1_000_000,
    "mip_max_nodes": 20_000,
    "mip_rel_gap": 1e-6,
    "mip_abs_gap": 1e-6,
    # Gurobi's tolerances, so that both give one verdict on models that are feasible by a hair
    "primal_feasibility_tolerance": 1e-6,
    "mip_feasibility_tolerance": 1e-5,
    "small_matrix_value": 1e-12,
}
"""Fixed so that a solve can be repeated, and recorded in manifests. Limits count work; there is no time limit."""

EXACT = {"mip_rel_gap": 0.0, "mip_abs_gap": 0.0, "mip_feasibility_tolerance": 1e-9}

IIS_STRATEGY = int(highspy.IisStrategy.kIisStrategyFromLp) | int(highspy.IisStrategy.kIisStrategyIrreducible)
IIS_LOWER, IIS_UPPER, IIS_BOXED = (
    int(getattr(highspy.IisBoundStatus, f"kIisBoundStatus{side}")) for side in ("Lower", "Upper", "Boxed")
)
ROWWISE = 2
CERTAIN: dict[Found, Status] = {
    Found.kOptimal: "OPTIMAL",
    Found.kModelEmpty: "OPTIMAL",
    Found.kInfeasible: "INFEASIBLE",
}
UNBOUNDED = (Found.kUnbounded, Found.kUnboundedOrInfeasible)


class _Silent(highspy.Highs):  # type: ignore[misc]
    """HiGHS without callbacks: enabling them, which the constructor does, prints a banner before it can be silenced."""

    def enableCallbacks(self) -> None:  # noqa: N802 (HiGHS's name)
        """Enables none."""


@dataclass(frozen=True)
class Result:
    """A solve's verdict; objective only where the status is OPTIMAL, values there where they were asked for."""

    status: Status
    objective: float = 0.0
    values: Floats | None = None


def highs_manifest() -> dict[str, object]:
    """Solver, version and parameters, for manifests."""
    return {"name": "highs", "version": _engine().version(), "parameters": OPTIONS}


def solve(model: Arrays, name: str, *, presolve: bool = True, values: bool = False, exact: bool = False) -> Result:
    """Optimises.

    Args:
        model: The model.
        name: What errors call it.
        presolve: Whether HiGHS simplifies it first.
        values: Whether the variables' values are wanted.
        exact: Whether a MILP is solved without a gap, its integers held to 1e-9.

    Raises:
        SolverError: If a limit of work or numerical trouble left the question open.
    """
    lower, upper = model.limits
    if (lower > upper).any():  # HiGHS takes crossed bounds for an error in the model
        return Result("INFEASIBLE")
    highs = _passed(model, name)
    highs.setOptionValue("presolve", "on" if presolve else "off")
    if model.integral.any():
        for option, value in EXACT.items():
            highs.setOptionValue(option, value if exact else OPTIONS[option])
    highs.run()
    found = highs.getModelStatus()
    if found in UNBOUNDED:
        return Result(_unbounded_or_infeasible(model, name, found))
    status = CERTAIN.get(found)
    if status is None:
        what = highs.modelStatusToString(found)
        raise SolverError(f"{name}: HiGHS stopped ({what}) before it knew whether it is feasible.")
    if status != "OPTIMAL":
        return Result(status)
    found_values = np.array(highs.getSolution().col_value) if values else None
    return Result("OPTIMAL", highs.getObjectiveValue(), found_values)


def feasible(model: Arrays, name: str) -> bool:
    """Whether the model has a solution; without an objective no unboundedness hides it."""
    return solve(model.having(cost=np.zeros_like(model.cost)), name).status == "OPTIMAL"


def lp_conflict(model: Arrays, name: str) -> tuple[list[int], list[int], list[int]]:
    """The rows, lower bounds and upper bounds of a conflict of an LP; a hint, because HiGHS is not always right."""
    highs = _passed(model, name)
    highs.setOptionValue("presolve", "on")
    highs.setOptionValue("iis_strategy", IIS_STRATEGY)
    _, conflict = highs.getIis()
    sides = list(zip(conflict.col_index_, map(int, conflict.col_bound_), strict=True))
    lower = [column for column, side in sides if side in (IIS_LOWER, IIS_BOXED)]
    return list(conflict.row_index_), lower, [column for column, side in sides if side in (IIS_UPPER, IIS_BOXED)]


def read_arrays(path: Path) -> Arrays:
    """Reads an MPS or LP file.

    Raises:
        InputError: If it cannot be read or is not linear.
    """
    highs = _silent()
    if highs.readModel(str(path)) == highspy.HighsStatus.kError:
        raise InputError(f"{path}: not a model HiGHS can read.", "Check the MPS or LP file.")
    semi = (highspy.HighsVarType.kSemiContinuous, highspy.HighsVarType.kSemiInteger)
    lp = highs.getLp()
    if highs.getHessianNumNz() or any(kind in semi for kind in lp.integrality_):
        raise InputError(f"{path}: not linear, or more than an LP or MILP.", "Only LP and MILP models can be repaired.")
    highs.ensureRowwise()
    try:
        return with_free_lower_bounds(_arrays(highs.getLp()), path)
    except UnicodeDecodeError:
        raise InputError(f"{path}: a name is not UTF-8 text.", "Save the model file as UTF-8.") from None


def write_arrays(model: Arrays, name: str, path: Path) -> None:
    """Writes the model; the suffix (.mps, .lp) decides the format.

    Raises:
        SolverError: If it cannot be written.
    """
    highs = _passed(model, name)
    for index, variable in enumerate(model.variable_names):
        highs.passColName(index, variable)
    for index, row in enumerate(model.row_names):
        highs.passRowName(index, row)
    if highs.writeModel(str(path)) == highspy.HighsStatus.kError:
        raise SolverError(f"{name}: HiGHS could not write {path}.")


@cache
def _engine() -> highspy.Highs:
    """This process's one HiGHS instance."""
    highs = _silent()
    for name, value in OPTIONS.items():
        highs.setOptionValue(name, value)
    return highs


def _silent() -> highspy.Highs:
    highs = _Silent()
    highs.setOptionValue("output_flag", False)
    return highs


def _passed(model: Arrays, name: str) -> highspy.Highs:
    """The engine, holding this model."""
    lower, upper = model.limits
    integral = model.integral
    status = _engine().passModel(
        len(model.cost),
        len(model.row_lower),
        len(model.values),
        ROWWISE,
        -1 if model.maximize else 1,
        model.offset,
        model.cost,
        lower,
        upper,
        model.row_lower,
        model.row_upper,
        model.starts,
        model.columns,
        model.values,
        integral.astype(np.int32),
    )
    if status == highspy.HighsStatus.kError:
        raise SolverError(f"{name}: HiGHS does not take the model: a number is too large or not a number.")
    return _engine()


def _unbounded_or_infeasible(model: Arrays, name: str, found: Found) -> Status:
    """Which of the two: with an unbounded relaxation, a feasible model is unbounded (Meyer 1974, for rational data)."""
    if found == Found.kUnbounded and not model.integral.any():
        return "UNBOUNDED"
    return "UNBOUNDED" if feasible(model, name) else "INFEASIBLE"


def _arrays(lp: highspy.HighsLp) -> Arrays:
    integer = np.array([kind == highspy.HighsVarType.kInteger for kind in lp.integrality_], dtype=np.bool_)
    integer = integer if len(integer) else np.zeros(lp.num_col_, dtype=np.bool_)
    lower, upper = limited(lp.col_lower_), limited(lp.col_upper_)
    # HiGHS does not keep whether a file called an integer from 0 to 1 binary
    binary: Mask = integer & (lower == 0) & (upper == 1)
    return Arrays(
        row_names=tuple(lp.row_names_) if lp.num_row_ else (),
        variable_names=tuple(lp.col_names_),
        starts=np.array(lp.a_matrix_.start_, dtype=np.int32),
        columns=np.array(lp.a_matrix_.index_, dtype=np.int32),
        values=np.array(lp.a_matrix_.value_, dtype=np.float64),
        row_lower=limited(lp.row_lower_),
        row_upper=limited(lp.row_upper_),
        lower=lower,
        upper=upper,
        cost=np.array(lp.col_cost_, dtype=np.float64),
        types=np.where(binary, "B", np.where(integer, "I", "C")),
        offset=lp.offset_,
        maximize=lp.sense_ == highspy.ObjSense.kMaximize,
    )
