"""Gurobi's environment and licence: one environment a process, its errors told with the way out."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import gurobipy as gp
from gurobipy import GRB

from ordebug.core.errors import InputError, LicenceError, ModelTooLargeError, SolverError

PARAMETERS: dict[str, int | float] = {"Seed": 0, "Threads": 1, "IISMethod": -1, "WorkLimit": 60.0, "MIPGap": 1e-6}
"""Fixed so that a solve can be repeated, and recorded in manifests. WorkLimit is deterministic, a time limit is not."""

NO_LICENCE = (GRB.Error.NO_LICENSE, GRB.Error.NETWORK, GRB.Error.CLOUD, GRB.Error.JOB_REJECTED)
SMALL_LICENCE = 2000
"""Variables, and rows, that pip's licence covers."""


@cache
def environment() -> gp.Env:
    """This process's one Gurobi environment, silent, started on first use and disposed of at exit.

    Raises:
        LicenceError: If no licence is valid.
    """
    with translated("Gurobi"):
        env = gp.Env(empty=True)
        env.setParam("OutputFlag", 0)
        env.start()
        for name, value in PARAMETERS.items():
            env.setParam(name, value)
    atexit.register(env.dispose)
    return env


def solver_manifest() -> dict[str, object]:
    """Solver, version and parameters, for manifests."""
    return {"name": "gurobi", "version": ".".join(map(str, gp.gurobi.version())), "parameters": PARAMETERS}


class NotInfeasibleError(SolverError):
    """A conflict was asked for and there is none."""


@cache
def size_is_limited() -> bool:
    """Whether the licence is one that covers small models only, found by solving one beyond it."""
    model = gp.Model(env=environment())
    try:
        model.addVars(SMALL_LICENCE + 1)
        model.optimize()
        return False
    except gp.GurobiError as error:
        if error.errno != GRB.Error.SIZE_LIMIT_EXCEEDED:
            raise
        return True
    finally:
        model.dispose()


@contextmanager
def translated(what: str, *, reading: bool = False) -> Iterator[None]:
    """Gurobi's errors as ours, with the way out."""
    try:
        yield
    except gp.GurobiError as error:
        if error.errno == GRB.Error.IIS_NOT_INFEASIBLE:
            raise NotInfeasibleError(f"{what}: feasible within tolerances.") from None
        if error.errno == GRB.Error.SIZE_LIMIT_EXCEEDED:
            raise too_large(what) from None
        if error.errno in NO_LICENCE:
            raise LicenceError(
                f"no valid Gurobi licence ({error}).",
                "Unset GRB_LICENSE_FILE to use the size-limited licence of 'pip install gurobipy', or renew yours.",
            ) from None
        if reading:
            reason = " ".join(str(error).split())
            raise InputError(f"{what}: not a model Gurobi can read ({reason}).", "Check the MPS or LP file.") from None
        raise SolverError(f"{what}: Gurobi failed with error {error.errno} ({error}).") from None


def too_large(what: str) -> ModelTooLargeError:
    """The error for a model that the licence does not cover."""
    return ModelTooLargeError(
        f"{what}: larger than the Gurobi licence allows.",
        "pip's licence covers 2,000 variables and 2,000 rows; a full one (free for academics) has no limit. "
        "HiGHS has none either: pip install highspy.",
    )
