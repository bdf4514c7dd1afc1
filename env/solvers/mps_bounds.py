"""A negative upper bound in an MPS file, as Gurobi reads it.

The format leaves open what the lower bound of a variable is that is only given an upper bound below 0. Gurobi takes
none; HiGHS takes 0, which makes the model infeasible. A file must be one model, whichever solver reads it.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ordebug.env.solvers.arrays import Arrays

GIVE_A_LOWER_BOUND = ("LO", "LI", "MI", "FR", "FX", "BV", "SC", "SI")


def with_free_lower_bounds(model: Arrays, path: Path) -> Arrays:
    """The model as HiGHS read it, without the lower bounds of 0 that the file does not give.

    Args:
        model: What was read.
        path: The file, MPS or LP, which may be compressed with gzip.
    """
    crossed = np.flatnonzero((model.lower == 0) & (model.upper < 0))
    if not len(crossed) or not path.name.lower().removesuffix(".gz").endswith(".mps"):
        return model
    given = {name for fields in _bounds(path) if fields[0].upper() in GIVE_A_LOWER_BOUND for name in fields[1:]}
    lower = model.lower.copy()
    lower[[index for index in crossed if model.variable_names[index] not in given]] = -np.inf
    return model.having(lower=lower)


def _bounds(path: Path) -> Iterator[list[str]]:
    """The fields of each line under BOUNDS."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        within = False
        for line in file:
            fields = line.split()
            if not fields or line.startswith("*"):
                continue
            if line[0].isspace():
                if within:
                    yield fields
            else:
                within = fields[0].upper() == "BOUNDS"
