"""A model in Gurobi: read, solve, explain, edit. Nothing of gurobipy leaves this file."""

import atexit
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import gurobipy as gp
from gurobipy import GRB

from ordebug.core.errors import InputError, LicenceError, ModelTooLargeError, SolverError
from ordebug.env.observation import BoundInConflict, Conflict, RowView, Sense, Status, VariableView

PARAMETERS: dict[str, int | float] = {"Seed": 0, "Threads": 1, "IISMethod": -1, "WorkLimit": 60.0}
"""Fixed so that a solve can be repeated, and recorded in manifests. WorkLimit is deterministic, a time limit is not."""

SMALLEST_TOLERANCE = 1e-9
NO_LICENCE = (GRB.Error.NO_LICENSE, GRB.Error.NETWORK, GRB.Error.CLOUD, GRB.Error.JOB_REJECTED)
FLIPPED = {GRB.LESS_EQUAL: GRB.GREATER_EQUAL, GRB.GREATER_EQUAL: GRB.LESS_EQUAL}
SENSES: dict[str, Sense] = {GRB.LESS_EQUAL: "<=", GRB.GREATER_EQUAL: ">=", GRB.EQUAL: "="}
Matrix = dict[str, object]


@dataclass(frozen=True)
class Solution:
    """A solve's verdict; ``objective`` only where the status is OPTIMAL."""

    status: Status
    objective: float | None = None


@cache
def environment() -> gp.Env:
    """This process's one Gurobi environment, silent, started on first use and disposed of at exit.

    Raises:
        LicenceError: If no licence is valid.
    """
    with _translated("Gurobi"):
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


@contextmanager
def _translated(what: str, *, reading: bool = False) -> Iterator[None]:
    """Gurobi's errors as ours, with the way out."""
    try:
        yield
    except gp.GurobiError as error:
        if error.errno == GRB.Error.SIZE_LIMIT_EXCEEDED:
            raise ModelTooLargeError(
                f"{what}: larger than the Gurobi licence allows ({error}).",
                "pip's licence covers 2,000 variables and 2,000 rows; a full one (free for academics) has no limit.",
            ) from None
        if error.errno in NO_LICENCE:
            raise LicenceError(
                f"no valid Gurobi licence ({error}).",
                "Unset GRB_LICENSE_FILE to use the size-limited licence of 'pip install gurobipy', or renew yours.",
            ) from None
        if reading:
            reason = " ".join(str(error).split())
            raise InputError(f"{what}: not a model Gurobi can read ({reason}).", "Check the MPS or LP file.") from None
        raise SolverError(f"{what}: Gurobi failed with error {error.errno} ({error}).") from None


class GurobiModel:
    """A linear model with edits by name.

    A relaxed equality becomes two rows in Gurobi and stays one row here: every count, name and conflict speaks of the
    rows of the file.
    """

    def __init__(self, model: gp.Model, name: str) -> None:
        self._model = model
        self._name = name
        constrs, variables = model.getConstrs(), model.getVars()
        row_names, variable_names = model.getAttr("ConstrName", constrs), model.getAttr("VarName", variables)
        self._rows: dict[str, list[gp.Constr]] = {n: [c] for n, c in zip(row_names, constrs, strict=True)}
        self._variables: dict[str, gp.Var] = dict(zip(variable_names, variables, strict=True))
        if len(self._rows) != len(constrs) or len(self._variables) != len(variables):
            raise InputError(f"{name}: two rows or variables have one name.", "Give each its own name.")

    @classmethod
    def read(cls, path: Path) -> "GurobiModel":
        """Reads an MPS or LP file.

        Raises:
            InputError: If it cannot be read or is not linear.
            ModelTooLargeError: If the licence does not cover it.
        """
        env = environment()
        with _translated(str(path), reading=True):
            model = gp.read(str(path), env=env)
        if _beyond_milp(model):
            raise InputError(
                f"{path}: not linear, or more than an LP or MILP.", "Only LP and MILP models can be repaired."
            )
        try:
            return cls(model, path.name)
        except UnicodeDecodeError:
            raise InputError(f"{path}: a name is not UTF-8 text.", "Save the model file as UTF-8.") from None

    @classmethod
    def build(cls, name: str, objective: dict[str, float], *, maximize: bool) -> "GurobiModel":
        """A model without rows: continuous variables from 0 up, with these objective coefficients."""
        model = gp.Model(name, env=environment())
        for variable, value in objective.items():
            model.addVar(obj=value, name=variable)
        model.ModelSense = GRB.MAXIMIZE if maximize else GRB.MINIMIZE
        model.update()
        return cls(model, name)

    def copy(self) -> "GurobiModel":
        """An independent copy of the model as it now is."""
        self._model.update()
        twin = GurobiModel.__new__(GurobiModel)
        twin._model, twin._name = self._model.copy(), self._name
        constrs = twin._model.getConstrs()
        twin._rows = {name: [constrs[row.index] for row in rows] for name, rows in self._rows.items()}
        twin._variables = dict(zip(self._variables, twin._model.getVars(), strict=True))
        return twin

    def close(self) -> None:
        """Frees the solver's memory."""
        self._model.dispose()

    def write(self, path: Path) -> None:
        """Writes the model; the suffix (.mps, .lp) decides the format."""
        with _translated(str(path)):
            self._model.write(str(path))

    @property
    def row_names(self) -> tuple[str, ...]:
        """The rows in model order."""
        return tuple(self._rows)

    @property
    def variable_names(self) -> tuple[str, ...]:
        """The variables in model order."""
        return tuple(self._variables)

    def solve(self) -> Solution:
        """Optimises.

        Raises:
            SolverError: If the work limit or numerical trouble left the question open.
        """
        with _translated(self._name):
            self._model.optimize()
            if self._model.Status == GRB.INF_OR_UNBD:
                self._model.Params.DualReductions = 0
                self._model.optimize()
                self._model.Params.DualReductions = 1
        status = self._model.Status
        if status == GRB.OPTIMAL:
            return Solution("OPTIMAL", self._model.ObjVal)
        if status == GRB.INFEASIBLE:
            return Solution("INFEASIBLE")
        if status == GRB.UNBOUNDED:
            return Solution("UNBOUNDED")
        raise SolverError(f"{self._name}: Gurobi stopped with status {status} before it knew whether it is feasible.")

    def extreme(self, terms: Mapping[str, float], *, maximize: bool) -> Solution:
        """The largest or smallest value that a sum takes over the feasible set, without a gap; nothing is changed.

        Integers are held to 1e-9: at the usual 1e-5 a coefficient of 1,000 would let the sum be wrong by a hundredth.

        Raises:
            SolverError: If the work limit or numerical trouble left the question open.
        """
        objective, sense, constant = self._model.getAttr("Obj"), self._model.ModelSense, self._model.ObjCon
        gap, whole = self._model.Params.MIPGap, self._model.Params.IntFeasTol
        try:
            self._model.setAttr("Obj", [terms.get(name, 0.0) for name in self._variables])
            self._model.ModelSense, self._model.ObjCon = (GRB.MAXIMIZE if maximize else GRB.MINIMIZE), 0.0
            self._model.Params.MIPGap, self._model.Params.IntFeasTol = 0.0, SMALLEST_TOLERANCE
            return self.solve()
        finally:
            self._model.setAttr("Obj", objective)
            self._model.ModelSense, self._model.ObjCon = sense, constant
            self._model.Params.MIPGap, self._model.Params.IntFeasTol = gap, whole
            self._model.update()

    def conflict(self) -> Conflict:
        """An irreducible infeasible subsystem of the model, which ``solve`` must have found infeasible."""
        with _translated(self._name):
            try:
                self._model.computeIIS()
            except gp.GurobiError as error:
                if error.errno == GRB.Error.IIS_NOT_INFEASIBLE:  # infeasible within tolerances only
                    return Conflict()
                raise
            if not self._model.IISMinimal:
                raise SolverError(f"{self._name}: the work limit ended the search for an irreducible conflict.")
            in_conflict = self._model.getAttr("IISConstr")
            lower, upper = self._model.getAttr("IISLB"), self._model.getAttr("IISUB")
        rows = tuple(name for name, parts in self._rows.items() if any(in_conflict[part.index] for part in parts))
        bounds: list[BoundInConflict] = []
        for name, in_lower, in_upper in zip(self._variables, lower, upper, strict=True):
            bounds += [BoundInConflict(name, "lower")] if in_lower else []
            bounds += [BoundInConflict(name, "upper")] if in_upper else []
        return Conflict(rows, tuple(bounds))

    def other_conflict(self, shown: frozenset[str]) -> Conflict | None:
        """A conflict that holds none of the rows shown before, or None where there is none."""
        twin = self.copy()
        try:
            for name in shown & twin._rows.keys():
                twin.drop(name)
            return twin.conflict() if twin.solve().status == "INFEASIBLE" else None
        finally:
            twin.close()

    def row(self, name: str) -> RowView:
        """A row's algebra."""
        self._model.update()
        parts = self._rows[name]
        terms = self._model.getRow(parts[0])
        pairs = tuple((terms.getCoeff(i), terms.getVar(i).VarName) for i in range(terms.size()))
        if len(parts) == 1:
            return RowView(pairs, SENSES[parts[0].Sense], parts[0].RHS)
        low, high = sorted(part.RHS for part in parts)
        return RowView(pairs, "=", (low + high) / 2, (high - low) / 2)

    def variable(self, name: str) -> VariableView:
        """A variable's bounds and type."""
        self._model.update()
        var = self._variables[name]
        return VariableView(_limit(var.LB), _limit(var.UB), var.VType)

    def matrix(self) -> Matrix:
        """The model's content by name, independent of order: equal matrices are the same model."""
        self._model.update()
        rows = {
            name: (view.sense, view.rhs, view.slack, tuple(sorted((v, c) for c, v in view.terms if c)))
            for name, view in ((name, self.row(name)) for name in self._rows)
        }
        variables = {name: (_limit(v.LB), _limit(v.UB), v.VType, v.Obj) for name, v in self._variables.items()}
        return {"sense": self._model.ModelSense, "rows": rows, "variables": variables}

    def drop(self, name: str) -> None:
        """Removes a row."""
        for part in self._rows.pop(name):
            self._model.remove(part)
        self._model.update()

    def relax(self, name: str, amount: float) -> None:
        """Loosens a row by ``amount`` > 0; an equality may then lie within ``amount`` of its right-hand side."""
        parts = self._rows[name]
        if parts[0].Sense == GRB.EQUAL:
            parts.append(self._model.addLConstr(self._model.getRow(parts[0]), GRB.GREATER_EQUAL, parts[0].RHS))
            parts[0].Sense = GRB.LESS_EQUAL
            self._model.update()
        for part in parts:
            part.RHS += amount if part.Sense == GRB.LESS_EQUAL else -amount
        self._model.update()

    def shift(self, name: str, amount: float) -> None:
        """The published RELAX: loosens an inequality and moves an equality's right-hand side up."""
        row = self._rows[name][0]
        row.RHS += -amount if row.Sense == GRB.GREATER_EQUAL else amount
        self._model.update()

    def set_rhs(self, name: str, value: float) -> None:
        """Replaces a row's right-hand side; of a relaxed equality, the middle."""
        middle = self.row(name).rhs
        for part in self._rows[name]:
            part.RHS += value - middle
        self._model.update()

    def set_bounds(self, variable: str, lower: float, upper: float | None = None) -> None:
        """Replaces a variable's lower bound, and its upper bound where one is given."""
        self._variables[variable].LB = lower
        if upper is not None:
            self._variables[variable].UB = upper
        self._model.update()

    def flip(self, name: str) -> bool:
        """Turns ``<=`` into ``>=`` and back; an equality stays, and False is returned."""
        row = self._rows[name][0]
        if len(self._rows[name]) > 1 or row.Sense == GRB.EQUAL:
            return False
        row.Sense = FLIPPED[row.Sense]
        self._model.update()
        return True

    def set_coefficient(self, name: str, variable: str, value: float) -> None:
        """Replaces one coefficient."""
        for part in self._rows[name]:
            self._model.chgCoeff(part, self._variables[variable], value)
        self._model.update()

    def set_type(self, variable: str, kind: str) -> None:
        """Makes a variable continuous (C), integer (I) or binary (B)."""
        self._variables[variable].VType = kind
        self._model.update()

    def add_row(self, name: str, terms: dict[str, float], sense: Sense, rhs: float) -> None:
        """Adds a row over existing variables."""
        left = gp.LinExpr([(value, self._variables[variable]) for variable, value in terms.items()])
        symbol = {"<=": GRB.LESS_EQUAL, ">=": GRB.GREATER_EQUAL, "=": GRB.EQUAL}[sense]
        self._rows[name] = [self._model.addLConstr(left, symbol, rhs, name=name)]
        self._model.update()


def _beyond_milp(model: gp.Model) -> bool:
    extras = (model.NumQConstrs, model.NumSOS, model.NumGenConstrs, model.NumPWLObjVars, model.IsQP)
    types = {var.VType for var in model.getVars()} if model.NumIntVars else set()
    return any(extras) or model.NumObj > 1 or bool(types & {GRB.SEMICONT, GRB.SEMIINT})


def _limit(value: float) -> float:
    """A bound; Gurobi reads 1e20 and beyond as infinite."""
    return math.copysign(math.inf, value) if abs(value) >= GRB.INFINITY else value
