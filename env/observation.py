"""What the solver says about a model, as data; ``env/renderer.py`` turns it into text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["OPTIMAL", "INFEASIBLE", "UNBOUNDED"]
Sense = Literal["<=", ">=", "="]
Side = Literal["lower", "upper"]


@dataclass(frozen=True)
class RowView:
    """A row's algebra.

    Attributes:
        terms: ``(coefficient, variable)`` in column order.
        sense: How the two sides compare.
        rhs: The right-hand side; of an equality that was relaxed, its middle.
        slack: Half the width within which a relaxed equality may lie.
    """

    terms: tuple[tuple[float, str], ...]
    sense: Sense
    rhs: float
    slack: float = 0.0


@dataclass(frozen=True)
class VariableView:
    """A variable's bounds and type (C continuous, I integer, B binary)."""

    lower: float
    upper: float
    type: str


@dataclass(frozen=True)
class BoundInConflict:
    """A variable's bound that belongs to the conflict."""

    variable: str
    side: Side


@dataclass(frozen=True)
class Conflict:
    """An irreducible infeasible subsystem (IIS): rows and bounds that contradict each other, each of them needed.

    A conflict of bounds only has no row.
    """

    rows: tuple[str, ...] = ()
    bounds: tuple[BoundInConflict, ...] = ()


@dataclass(frozen=True)
class Past:
    """An earlier step as the next prompt tells it."""

    action: str
    outcome: str


@dataclass(frozen=True)
class Observation:
    """The whole state, so that one prompt holds all that a decision may use.

    Attributes:
        problem_id: For the profile ``seed``, which shows it.
        error_type: Likewise; it gives the answer away, and no other profile shows it.
        description: The model in words.
        status: The solver's verdict.
        conflict: The conflict shown, empty unless infeasible.
        row_names: Every row, in model order.
        variable_names: Every variable, in model order.
        rows: Algebra of the conflict's rows.
        variables: Bounds and types of the variables in them and in its bounds.
        protected: Rows that may not be dropped or relaxed.
        past: Steps so far.
        steps_left: Decisions that remain.
        note: What the last step had to say, such as that there is no other conflict.
    """

    problem_id: str
    error_type: str | None
    description: str | None
    status: Status
    conflict: Conflict
    row_names: tuple[str, ...]
    variable_names: tuple[str, ...]
    rows: Mapping[str, RowView] = field(default_factory=dict)
    variables: Mapping[str, VariableView] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()
    steps_left: int = 0
    note: str = ""
