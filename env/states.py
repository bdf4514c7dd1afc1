"""The states of one problem: each is solved and explained once, however many episodes come through it.

A state is known by the edits that lead to it. The model itself is only brought there when something new must be solved
or shown: a group of episodes of one problem, as GRPO plays them, mostly walks where another one walked before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ordebug.env.action import InvalidAction
from ordebug.env.edits import apply_edit
from ordebug.env.observation import Conflict, RowView, VariableView
from ordebug.env.solvers.model import Model, Solution, SolverName, read_model

View = TypeVar("View")
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
class Algebra:
    """The rows of a conflict, and the variables in them and in its bounds."""

    rows: Mapping[str, RowView]
    variables: Mapping[str, VariableView]

    @classmethod
    def of(cls, model: Model, conflict: Conflict) -> "Algebra":
        """Reads it from the model."""
        rows = {name: model.row(name) for name in conflict.rows}
        names = dict.fromkeys(variable for row in rows.values() for _, variable in row.terms)
        names |= dict.fromkeys(bound.variable for bound in conflict.bounds)
        return cls(rows, {name: model.variable(name) for name in names})


class WhenRead(Mapping[str, View]):
    """A mapping made when it is first looked at: most of what is solved is never shown."""

    def __init__(self, made: Callable[[], Mapping[str, View]]) -> None:
        self._made = made

    @cached_property
    def _content(self) -> Mapping[str, View]:
        return self._made()

    def __getitem__(self, name: str) -> View:
        """The view of that name."""
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        """The names in order."""
        return iter(self._content)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._content)

    def __repr__(self) -> str:
        """That of its content."""
        return repr(self._content)

    def __reduce__(self) -> tuple[type, tuple[dict[str, View]]]:
        """Pickled and copied as its content."""
        return dict, (dict(self._content),)


@dataclass(frozen=True)
class State:
    """A model after some edits, and what the solver says of it.

    Attributes:
        edits: What leads here from the start.
        solution: The solve's verdict.
        conflict: The conflict shown, empty unless infeasible.
        row_names: Every row.
        variable_names: Every variable.
        read: Finds the algebra of the conflict, when it is first asked for.
    """

    edits: tuple[Edit, ...]
    solution: Solution
    conflict: Conflict
    row_names: tuple[str, ...]
    variable_names: tuple[str, ...]
    read: Callable[["State"], Algebra] = field(repr=False, compare=False)

    @cached_property
    def algebra(self) -> Algebra:
        """That of the conflict."""
        return self.read(self)

    @cached_property
    def rows(self) -> Mapping[str, RowView]:
        """The conflict's rows."""
        return WhenRead(lambda: self.algebra.rows)

    @cached_property
    def variables(self) -> Mapping[str, VariableView]:
        """The variables in them and in its bounds."""
        return WhenRead(lambda: self.algebra.variables)


class States:
    """A problem's model with the states found so far; ``solver`` is the one that holds it.

    Args:
        path: The model's file.
        solver: Which solver is asked for.

    Raises:
        InputError: If the model cannot be read.
        SolverError: If the solver failed.
    """

    def __init__(self, path: Path, solver: SolverName = "auto") -> None:
        self._path, self._asked = path, solver
        self._model: Model | None = read_model(path, solver)
        self.solver = self._model.solver
        self._edits: tuple[Edit, ...] = ()
        self._as_read: Model | None = None
        self._known: dict[tuple[Edit, ...], State] = {}
        self._others: dict[tuple[tuple[Edit, ...], frozenset[str]], State | None] = {}
        self.start = self._explained((), self._model)

    def model(self, state: State) -> Model:
        """The model in that state, until another one is asked for; it must not be edited."""
        return self._brought_to(state.edits)

    def after(self, state: State, edit: Edit) -> State | InvalidAction:
        """The state that an edit leads to, or why the model refuses it.

        What was solved before is forgotten, so that no verdict and no conflict depends on it: a solver that starts from
        an old basis may find another conflict, and episodes would depend on the order in which they are played.

        Raises:
            SolverError: If the solver failed.
        """
        edits = (*state.edits, edit)
        if edits not in self._known:
            model = self._brought_to(state.edits)
            refused = _made(model, edit)
            if refused is not None:
                return refused
            self._edits = edits
            model.forget()
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
            other = self.model(state).other_conflict(shown)
            self._make_room()
            self._others[key] = replace(state, conflict=other) if other is not None and other.rows else None
        return self._others[key]

    def close(self) -> None:
        """Frees the solver's memory; what is asked of a state afterwards reads the model again."""
        self._leave()
        if self._as_read is not None:
            self._as_read.close()
            self._as_read = None

    def _brought_to(self, edits: tuple[Edit, ...]) -> Model:
        """The model with these edits, made on those it has where it was on the way there."""
        if self._model is None or edits[: len(self._edits)] != self._edits:
            self._leave()
            self._model = self._anew()
        for edit in edits[len(self._edits) :]:
            _made(self._model, edit)
        self._edits = edits
        return self._model

    def _anew(self) -> Model:
        """The model as the file has it. The first episode edits what was read; whoever turns back reads it again."""
        if self._as_read is None:
            self._as_read = read_model(self._path, self._asked)
        return self._as_read.copy()

    def _leave(self) -> None:
        if self._model is not None:
            self._model.close()
        self._model, self._edits = None, ()

    def _make_room(self) -> None:
        if len(self._known) + len(self._others) >= MOST_KEPT:
            self._known.clear()
            self._others.clear()

    def _explained(self, edits: tuple[Edit, ...], model: Model) -> State:
        solution = model.solve()
        conflict = model.conflict() if solution.status == "INFEASIBLE" else Conflict()
        return State(edits, solution, conflict, model.row_names, model.variable_names, self._algebra)

    def _algebra(self, state: State) -> Algebra:
        return Algebra.of(self.model(state), state.conflict)


def _made(model: Model, edit: Edit) -> InvalidAction | None:
    """Makes an edit; returns why not where the model refuses it."""
    return apply_edit(model, edit.name, edit.arguments, published=edit.published)
