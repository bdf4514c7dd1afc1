"""What a model can do whichever solver holds it, and the choice of the solver."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from ordebug.core.errors import LicenceError, ModelTooLargeError, SolverError
from ordebug.env.observation import Conflict, RowView, Sense, Status, VariableView
from ordebug.env.solvers.model_file import check_model_file

if TYPE_CHECKING:
    from ordebug.env.solvers.arrays import Arrays
    from ordebug.env.solvers.highs import HighsModel

SolverName = Literal["auto", "gurobi", "highs"]
SOLVERS: tuple[SolverName, ...] = get_args(SolverName)
Matrix = dict[str, object]


@dataclass(frozen=True)
class Solution:
    """A solve's verdict; ``objective`` only where the status is OPTIMAL."""

    status: Status
    objective: float | None = None


class Model(Protocol):
    """A linear model with edits by name, in some solver."""

    @property
    def solver(self) -> SolverName:
        """The solver that holds it; never ``auto``."""

    @property
    def row_names(self) -> tuple[str, ...]:
        """The rows in model order."""

    @property
    def variable_names(self) -> tuple[str, ...]:
        """The variables in model order."""

    def copy(self) -> "Model":
        """An independent copy of the model as it now is."""

    def close(self) -> None:
        """Frees the solver's memory."""

    def forget(self) -> None:
        """Forgets what was solved: the next solve begins as that of a copy does."""

    def write(self, path: Path) -> None:
        """Writes the model; the suffix (.mps, .lp) decides the format."""

    def solve(self) -> Solution:
        """Optimises; raises SolverError where a work limit or numerical trouble left the question open."""

    def extreme(self, terms: Mapping[str, float], *, maximize: bool) -> Solution:
        """The largest or smallest value that a sum takes over the feasible set, without a gap; nothing is changed."""

    def conflict(self) -> Conflict:
        """An irreducible infeasible subsystem of the model, which ``solve`` must have found infeasible."""

    def other_conflict(self, shown: frozenset[str]) -> Conflict | None:
        """A conflict that holds none of the rows shown before, or None where there is none."""

    def row(self, name: str) -> RowView:
        """A row's algebra."""

    def variable(self, name: str) -> VariableView:
        """A variable's bounds and type."""

    def matrix(self) -> Matrix:
        """The model's content by name, independent of order: equal matrices are the same model."""

    def arrays(self) -> "Arrays":
        """The model's content by index, for computations that no solver does."""

    def drop(self, name: str) -> None:
        """Removes a row."""

    def relax(self, name: str, amount: float) -> None:
        """Loosens a row by ``amount`` > 0; an equality may then lie within ``amount`` of its right-hand side."""

    def shift(self, name: str, amount: float) -> None:
        """The published RELAX: loosens an inequality and moves an equality's right-hand side up."""

    def set_rhs(self, name: str, value: float) -> None:
        """Replaces a row's right-hand side; of a relaxed equality, the middle."""

    def set_bounds(self, variable: str, lower: float, upper: float | None = None) -> None:
        """Replaces a variable's lower bound, and its upper bound where one is given."""

    def flip(self, name: str) -> bool:
        """Turns ``<=`` into ``>=`` and back; an equality stays, and False is returned."""

    def set_coefficient(self, name: str, variable: str, value: float) -> None:
        """Replaces one coefficient."""

    def set_type(self, variable: str, kind: str) -> None:
        """Makes a variable continuous (C), integer (I) or binary (B)."""

    def add_row(self, name: str, terms: dict[str, float], sense: Sense, rhs: float) -> None:
        """Adds a row over existing variables."""


def read_model(path: Path, solver: SolverName = "auto") -> Model:
    """Reads a model file, which may come from anyone.

    Args:
        path: An MPS or LP file, or one compressed with gzip.
        solver: ``auto`` takes Gurobi, and HiGHS where the Gurobi licence does not cover the size or there is none.

    Raises:
        InputError: If it is no model file, is too large, cannot be read, or is not linear.
        LicenceError: If Gurobi has no licence and HiGHS is not allowed or not installed.
        ModelTooLargeError: If the licence does not cover it and HiGHS is not allowed or not installed.
        SolverError: If the solver asked for is not installed.
    """
    check_model_file(path)
    if solver == "highs":
        return _highs().read(path)
    other = solver == "auto" and find_spec("highspy") is not None
    try:
        return _read_gurobi(path, other=other)
    except LicenceError:
        if not other:
            raise
    return _highs().read(path)


def _read_gurobi(path: Path, *, other: bool) -> Model:
    """The model in Gurobi; one too large for it in HiGHS, where allowed, though Gurobi read it: it means the same."""
    from ordebug.env.solvers.gurobi import GurobiModel

    model = GurobiModel.read(path)
    try:
        model.check_size()
        return model
    except ModelTooLargeError:
        try:
            if not other:
                raise
            return _highs()(model.arrays(), path.name)
        finally:
            model.close()


def _highs() -> "type[HighsModel]":
    if find_spec("highspy") is None:
        raise SolverError("HiGHS is not installed.", "Install it: pip install highspy")
    from ordebug.env.solvers.highs import HighsModel

    return HighsModel
