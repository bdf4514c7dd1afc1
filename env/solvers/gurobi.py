"""A model in Gurobi: read, solve, explain, edit. Nothing of gurobipy leaves ``gurobi*.py``."""

from collections.abc import Mapping
from importlib.util import find_spec
from itertools import compress
from pathlib import Path

import gurobipy as gp
from gurobipy import GRB

from ordebug.core.errors import InputError, ModelTooLargeError, SolverError
from ordebug.env.observation import BoundInConflict, Conflict, RowView, Sense, VariableView
from ordebug.env.solvers.arrays import Arrays
from ordebug.env.solvers.gurobi_content import arrays_of, beyond_milp, copied, limit
from ordebug.env.solvers.gurobi_environment import (
    SMALL_LICENCE,
    NotInfeasibleError,
    size_is_limited,
    too_large,
    translated,
)
from ordebug.env.solvers.gurobi_environment import environment as environment
from ordebug.env.solvers.gurobi_environment import solver_manifest as solver_manifest
from ordebug.env.solvers.model import Matrix as Matrix
from ordebug.env.solvers.model import Model, SolverName
from ordebug.env.solvers.model import Solution as Solution

SMALLEST_TOLERANCE = 1e-9
FLIPPED = {GRB.LESS_EQUAL: GRB.GREATER_EQUAL, GRB.GREATER_EQUAL: GRB.LESS_EQUAL}
SENSES: dict[str, Sense] = {GRB.LESS_EQUAL: "<=", GRB.GREATER_EQUAL: ">=", GRB.EQUAL: "="}
RANGE_HELPER = "MPS_Rg"
"""What Gurobi calls the variable that it adds for a row of an MPS file with a range, before the row's name."""


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
        self._views: dict[str, VariableView] | None = None
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
        with translated(str(path), reading=True):
            model = gp.read(str(path), env=env)
        if beyond_milp(model):
            raise InputError(
                f"{path}: not linear, or more than an LP or MILP.", "Only LP and MILP models can be repaired."
            )
        try:
            read = cls(model, path.name)
        except UnicodeDecodeError:
            raise InputError(f"{path}: a name is not UTF-8 text.", "Save the model file as UTF-8.") from None
        read._unfold_ranges()
        return read

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
        twin = GurobiModel.__new__(GurobiModel)
        twin._model, twin._name, twin._views = copied(self._model), self._name, self._views
        constrs = twin._model.getConstrs()
        if len(constrs) == len(self._rows):  # in one order: an index is slow to read
            twin._rows = {name: [row] for name, row in zip(self._rows, constrs, strict=True)}
        else:
            twin._rows = {name: [constrs[row.index] for row in rows] for name, rows in self._rows.items()}
        twin._variables = dict(zip(self._variables, twin._model.getVars(), strict=True))
        return twin

    def close(self) -> None:
        """Frees the solver's memory."""
        self._model.dispose()

    def forget(self) -> None:
        """Forgets what was solved: the next solve begins as that of a copy does."""
        self._model.reset()

    def write(self, path: Path) -> None:
        """Writes the model; the suffix (.mps, .lp) decides the format."""
        with translated(str(path)):
            self._model.write(str(path))

    @property
    def solver(self) -> SolverName:
        """The solver that holds it."""
        return "gurobi"

    @property
    def row_names(self) -> tuple[str, ...]:
        """The rows in model order."""
        return tuple(self._rows)

    @property
    def variable_names(self) -> tuple[str, ...]:
        """The variables in model order."""
        return tuple(self._variables)

    def check_size(self) -> None:
        """Whether the licence covers the model, before a solve finds out.

        Raises:
            ModelTooLargeError: If not.
        """
        if max(len(self._rows), len(self._variables)) > SMALL_LICENCE:
            with translated(self._name):
                limited_size = size_is_limited()
            if limited_size:
                raise too_large(self._name)

    def solve(self) -> Solution:
        """Optimises.

        Raises:
            SolverError: If the work limit or numerical trouble left the question open.
        """
        try:
            with translated(self._name):
                status = self._optimized()
        except ModelTooLargeError as error:
            return self._withoutlimit(error).solve()
        if status == GRB.OPTIMAL:
            return Solution("OPTIMAL", self._model.ObjVal)
        if status == GRB.INFEASIBLE:
            return Solution("INFEASIBLE")
        if status == GRB.UNBOUNDED:
            return Solution("UNBOUNDED")
        raise SolverError(f"{self._name}: Gurobi stopped with status {status} before it knew whether it is feasible.")

    def _optimized(self) -> int:
        """Gurobi's status, made certain where it does not tell unbounded from infeasible.

        By Gurobi's reference, UNBOUNDED says that there is an unbounded ray, and nothing about a feasible point.
        """
        self._model.optimize()
        status = int(self._model.Status)
        if status not in (GRB.UNBOUNDED, GRB.INF_OR_UNBD):
            return status
        twin = self._model.copy()
        try:
            twin.setObjective(0)
            twin.optimize()
            return GRB.UNBOUNDED if twin.Status == GRB.OPTIMAL else int(twin.Status)
        finally:
            twin.dispose()

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
        try:
            with translated(self._name):
                self._model.computeIIS()
        except ModelTooLargeError as error:
            return self._withoutlimit(error).conflict()
        except NotInfeasibleError:  # infeasible within tolerances only
            return Conflict()
        if not self._model.IISMinimal:
            raise SolverError(f"{self._name}: the work limit ended the search for an irreducible conflict.")
        in_conflict = self._model.getAttr("IISConstr")
        if len(in_conflict) == len(self._rows):  # in one order: an index is slow to read
            return Conflict(tuple(compress(self._rows, in_conflict)), self._bounds_in_conflict())
        rows = tuple(name for name, parts in self._rows.items() if any(in_conflict[part.index] for part in parts))
        return Conflict(rows, self._bounds_in_conflict())

    def _bounds_in_conflict(self) -> tuple[BoundInConflict, ...]:
        lower, upper = self._model.getAttr("IISLB"), self._model.getAttr("IISUB")
        if not any(lower) and not any(upper):
            return ()
        bounds: list[BoundInConflict] = []
        for name, in_lower, in_upper in zip(self._variables, lower, upper, strict=True):
            bounds += [BoundInConflict(name, "lower")] if in_lower else []
            bounds += [BoundInConflict(name, "upper")] if in_upper else []
        return tuple(bounds)

    def _withoutlimit(self, error: ModelTooLargeError) -> Model:
        """The model in HiGHS, where only the second rows of relaxed equalities take it beyond the licence."""
        if max(len(self._rows), len(self._variables)) > SMALL_LICENCE or find_spec("highspy") is None:
            raise error
        from ordebug.env.solvers.highs import HighsModel

        return HighsModel(self.arrays(), self._name)

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
        parts = self._rows[name]
        terms = self._model.getRow(parts[0])
        # the index costs a tenth of the name, which Gurobi would copy out for every term
        names = self.variable_names
        pairs = tuple((terms.getCoeff(i), names[terms.getVar(i).index]) for i in range(terms.size()))
        if len(parts) == 1:
            return RowView(pairs, SENSES[parts[0].Sense], parts[0].RHS)
        low, high = sorted(part.RHS for part in parts)
        return RowView(pairs, "=", (low + high) / 2, (high - low) / 2)

    def variable(self, name: str) -> VariableView:
        """A variable's bounds and type."""
        if self._views is None:  # all at once: reading one costs as much as reading twenty
            columns = zip(*(self._model.getAttr(what) for what in ("LB", "UB", "VType")), strict=True)
            views = (VariableView(limit(lower), limit(upper), kind) for lower, upper, kind in columns)
            self._views = dict(zip(self._variables, views, strict=True))
        return self._views[name]

    def matrix(self) -> Matrix:
        """The model's content by name, independent of order: equal matrices are the same model."""
        rows = {
            name: (view.sense, view.rhs, view.slack, tuple(sorted((v, c) for c, v in view.terms if c)))
            for name, view in ((name, self.row(name)) for name in self._rows)
        }
        views = (self.variable(name) for name in self._variables)
        columns = zip(self._variables, views, self._model.getAttr("Obj"), strict=True)
        variables = {name: (view.lower, view.upper, view.type, cost) for name, view, cost in columns}
        return {"sense": self._model.ModelSense, "rows": rows, "variables": variables}

    def arrays(self) -> Arrays:
        """The model's content by index, for computations that no solver does."""
        return arrays_of(self._model, self._rows, self.variable_names)

    def drop(self, name: str) -> None:
        """Removes a row."""
        for part in self._rows.pop(name):
            self._model.remove(part)
        self._model.update()

    def relax(self, name: str, amount: float) -> None:
        """Loosens a row by ``amount`` > 0; an equality may then lie within ``amount`` of its right-hand side."""
        parts = self._rows[name]
        if parts[0].Sense == GRB.EQUAL:
            self._part(name, parts[0].RHS)
        for part in parts:
            part.RHS += amount if part.Sense == GRB.LESS_EQUAL else -amount
        self._model.update()

    def _part(self, name: str, low: float) -> None:
        """Makes two rows of an equality in Gurobi: the first from above, the second from below, at ``low``."""
        parts = self._rows[name]
        parts.append(self._model.addLConstr(self._model.getRow(parts[0]), GRB.GREATER_EQUAL, low))
        parts[0].Sense = GRB.LESS_EQUAL
        self._model.update()

    def _unfold_ranges(self) -> None:
        """Removes the variables Gurobi adds for rows with a range: such a row becomes a relaxed equality."""
        helpers = [name for name in self._variables if name.startswith(RANGE_HELPER)]
        for helper in helpers:
            name = helper.removeprefix(RANGE_HELPER)
            variable, parts = self._variables[helper], self._rows.get(name, [])
            column = self._model.getCol(variable)
            if len(parts) == 1 and column.size() == 1 and column.getConstr(0).sameAs(parts[0]):
                width = variable.UB
                self._model.remove(self._variables.pop(helper))
                self._model.update()
                self._part(name, parts[0].RHS - width)

    def shift(self, name: str, amount: float) -> None:
        """The published RELAX: loosens an inequality and moves an equality's right-hand side up."""
        row = self._rows[name][0]
        row.RHS += -amount if row.Sense == GRB.GREATER_EQUAL else amount
        self._model.update()

    def set_rhs(self, name: str, value: float) -> None:
        """Replaces a row's right-hand side; of a relaxed equality, the middle."""
        slack = self.row(name).slack
        for part in self._rows[name]:
            part.RHS = value + {GRB.LESS_EQUAL: slack, GRB.GREATER_EQUAL: -slack}.get(part.Sense, 0.0)
        self._model.update()

    def set_bounds(self, variable: str, lower: float, upper: float | None = None) -> None:
        """Replaces a variable's lower bound, and its upper bound where one is given."""
        self._variables[variable].LB = lower
        if upper is not None:
            self._variables[variable].UB = upper
        self._model.update()
        self._views = None

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
        self._views = None

    def add_row(self, name: str, terms: dict[str, float], sense: Sense, rhs: float) -> None:
        """Adds a row over existing variables."""
        left = gp.LinExpr([(value, self._variables[variable]) for variable, value in terms.items()])
        symbol = {"<=": GRB.LESS_EQUAL, ">=": GRB.GREATER_EQUAL, "=": GRB.EQUAL}[sense]
        self._rows[name] = [self._model.addLConstr(left, symbol, rhs, name=name)]
        self._model.update()
