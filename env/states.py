"""The states of one problem: each is solved and explained once, however many episodes come through it.

A state is known by the edits that lead to it. The model itself is only brought there when something new must be solved:
a group of episodes of one problem, as GRPO plays them, mostly walks where another one walked before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ordebug.env.action import InvalidAction
from ordebug.env.edits import apply_edit
from ordebug.env.observation import Conflict, RowView, VariableView
from ordebug.env.solvers.model import Model, Solution, read_model

MOST_KEPT = 500
"""States kept; beyond, all but the start are forgotten, so that a long run does not grow."""


@dataclass(frozen=True)
class Edit:
    """An edit as it is carried out.

    Attributes:
        name: The action.
        arguments: With names as the model has them.
        published: Whether RELAX shifts an equality.
    """

    name: str
    arguments: tuple[Any, ...]
    published: bool


@dataclass(frozen=True)
class State:
    """A model after some edits, and what the solver says of it.

    Attributes:
        edits: What leads here from the start.
        solution: The solve's verdict.
        conflict: The conflict shown, empty unless infeasible.
        row_names: Every row.
        variable_names: Every variable.
        rows: The conflict's rows.
        variables: The variables in them and in its bounds.
    """

    edits: tuple[Edit, ...]
    solution: Solution
    conflict: Conflict
    row_names: tuple[str, ...]
    variable_names: tuple[str, ...]
    rows: Mapping[str, RowView]
    variables: Mapping[str, VariableView]


class States:
    """A problem's model with the states found so far.

    Args:
        path: The model's file.

    Raises:
        InputError: If the model cannot be read.
        SolverError: If the solver failed.
    """

    def __init__(self, path: Path) -> None:
        self.first = read_model(path)
        self._model = self.first
        self._edits: tuple[Edit, ...] = ()
        self._known: dict[tuple[Edit, ...], State] = {}
        self._others: dict[tuple[tuple[Edit, ...], frozenset[str]], State | None] = {}
        self.start = self._explained((), self.first)

    def model(self, state: State) -> Model:
        """The model in that state, until another one is asked for; it is a copy, and the first model stays."""
        current = self._model is not self.first and self._edits == state.edits
        return self._model if current else self._brought_to(state)

    def after(self, state: State, edit: Edit) -> State | InvalidAction:
        """The state that an edit leads to, or why the model refuses it.

        Raises:
            SolverError: If the solver failed.
        """
        edits = (*state.edits, edit)
        if edits not in self._known:
            model = self._brought_to(state)
            refused = apply_edit(model, edit.name, edit.arguments, published=edit.published)
            if refused is not None:
                return refused
            self._edits = edits
            self._make_room()
            self._known[edits] = self._explained(edits, model)
        return self._known[edits]

    def with_other_conflict(self, state: State, shown: frozenset[str]) -> State | None:
        """The same state with a conflict that holds none of the rows shown before, None where there is none.

        Raises:
            SolverError: If the solver failed.
        """
        key = (state.edits, shown)
        if key not in self._others:
            model = self._brought_to(state)
            other = model.other_conflict(shown)
            self._make_room()
            self._others[key] = _showing(state, model, other) if other is not None and other.rows else None
        return self._others[key]

    def close(self) -> None:
        """Frees the solver's memory."""
        self._leave()
        self.first.close()

    def _brought_to(self, state: State) -> Model:
        """A fresh copy with the state's edits made again.

        Fresh, so that no verdict and no conflict depends on what was solved before: a solver that starts from an old
        basis may find another conflict, and episodes would depend on the order in which they are played.
        """
        self._leave()
        self._model = self.first.copy()
        for edit in state.edits:
            apply_edit(self._model, edit.name, edit.arguments, published=edit.published)
        self._edits = state.edits
        return self._model

    def _leave(self) -> None:
        if self._model is not self.first:
            self._model.close()
            self._model = self.first

    def _make_room(self) -> None:
        if len(self._known) + len(self._others) >= MOST_KEPT:
            self._known.clear()
            self._others.clear()

    def _explained(self, edits: tuple[Edit, ...], model: Model) -> State:
        solution = model.solve()
        conflict = model.conflict() if solution.status == "INFEASIBLE" else Conflict()
        bare = State(edits, solution, conflict, model.row_names, model.variable_names, {}, {})
        return _showing(bare, model, conflict)


def _showing(state: State, model: Model, conflict: Conflict) -> State:
    """The state with that conflict and its algebra."""
    rows = {name: model.row(name) for name in conflict.rows}
    names = dict.fromkeys(variable for row in rows.values() for _, variable in row.terms)
    names |= dict.fromkeys(bound.variable for bound in conflict.bounds)
    return replace(state, conflict=conflict, rows=rows, variables={name: model.variable(name) for name in names})
