"""A tight limit on the solver's work while problems are made: what is slow to prove would be slow to play."""

from collections.abc import Iterator
from contextlib import contextmanager

from ordebug.env.solvers.gurobi_environment import PARAMETERS, environment

MOST_WORK = 0.3
"""Of one solve or conflict, in Gurobi's deterministic units of about a second; most take a thousandth of one."""


@contextmanager
def little_work() -> Iterator[None]:
    """Models built or read inside give up early, with ``SolverError``."""
    environment().setParam("WorkLimit", MOST_WORK)
    try:
        yield
    finally:
        environment().setParam("WorkLimit", PARAMETERS["WorkLimit"])
