"""What a policy may do, and how it is written.

One action a reply, on a line of its own: ``Action: NAME(arg, ...)``. A name that holds anything but letters, digits
and ``_ . - [ ]`` stands in double quotes, with JSON's escapes.
"""

import json
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

ActionSet = Literal["core", "extended", "compat"]

InvalidReason = Literal[
    "no_action",
    "many_actions",
    "unknown_action",
    "bad_arguments",
    "unknown_target",
    "not_finite",
    "protected",
    "truncated",
]
"""Why a reply is not an action.

* ``no_action``: no line reads ``Action: ...`` after the thought.
* ``many_actions``: more than one does.
* ``unknown_action``: the name is not in the action set.
* ``bad_arguments``: too few, too many or of the wrong kind.
* ``unknown_target``: no row or variable of that name.
* ``not_finite``: a number that is NaN, infinite, or of 1e12 and more, where solvers lose the other digits.
* ``protected``: the row may not be dropped or relaxed.
* ``truncated``: the reply was cut off by its token limit.
"""

LARGEST_NUMBER = 1e12
PLAIN_NAME = re.compile(r"[\w.\-]+(\[[\w.\-]*\])?", re.ASCII)


class Parameter(StrEnum):
    """What an argument must be."""

    ROW = "name"
    VARIABLE = "variable"
    AMOUNT = "amount"
    NUMBER = "value"
    LOWER = "lower"
    UPPER = "upper"
    TYPE = "C|I|B"


@dataclass(frozen=True)
class ActionSpec:
    """An action's parameters; the last ``optional`` of them may be left out."""

    parameters: tuple[Parameter, ...] = ()
    optional: int = 0
    edits: bool = False


ROW, VARIABLE, AMOUNT, NUMBER, LOWER, UPPER, TYPE = Parameter
SPECS: dict[str, ActionSpec] = {
    "GET_IIS": ActionSpec(),
    "DROP_CONSTRAINT": ActionSpec((ROW,), edits=True),
    "RELAX_CONSTRAINT": ActionSpec((ROW, AMOUNT), edits=True),
    "UPDATE_RHS": ActionSpec((ROW, NUMBER), edits=True),
    "UPDATE_BOUNDS": ActionSpec((VARIABLE, LOWER, UPPER), optional=1, edits=True),
    "FLIP_SENSE": ActionSpec((ROW,), edits=True),
    "SET_COEFFICIENT": ActionSpec((ROW, VARIABLE, NUMBER), edits=True),
    "SET_TYPE": ActionSpec((VARIABLE, TYPE), edits=True),
    "CHECK_SLACK": ActionSpec((ROW,)),
    "INSPECT": ActionSpec((ROW,)),
    "RESET": ActionSpec(),
    "SUBMIT": ActionSpec(),
}
ACTION_SETS: dict[ActionSet, tuple[str, ...]] = {
    "core": ("GET_IIS", "DROP_CONSTRAINT", "RELAX_CONSTRAINT", "SUBMIT"),
    "extended": tuple(name for name in SPECS if name != "CHECK_SLACK"),
    "compat": (
        "GET_IIS",
        "DROP_CONSTRAINT",
        "RELAX_CONSTRAINT",
        "UPDATE_RHS",
        "UPDATE_BOUNDS",
        "CHECK_SLACK",
        "RESET",
        "SUBMIT",
    ),
}


@dataclass(frozen=True)
class Action:
    """A well-formed action; whether its target exists is for the environment to say."""

    name: str
    args: tuple[str | float, ...] = ()

    def __str__(self) -> str:
        """The canonical text, without ``Action:``."""
        return f"{self.name}({', '.join(map(_argument, self.args))})"

    @property
    def target(self) -> str | None:
        """The row or variable acted on."""
        return str(self.args[0]) if self.args else None

    @property
    def edits(self) -> bool:
        """Whether the action changes the model."""
        return SPECS[self.name].edits


@dataclass(frozen=True)
class InvalidAction:
    """A reply that is not an action."""

    reason: InvalidReason
    detail: str = ""


def action_line(action: Action) -> str:
    """The line a reply ends with."""
    return f"Action: {action}"


def quote_name(name: str) -> str:
    """A row's or variable's name as it is written in actions and prompts."""
    return name if PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def number_text(value: float) -> str:
    """A number as short as it can be read back: ``40``, ``0.5``."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _argument(value: str | float) -> str:
    return quote_name(value) if isinstance(value, str) else number_text(value)


def signature(name: str) -> str:
    """How an action is introduced to the model: ``RELAX_CONSTRAINT(name, amount)``."""
    spec = SPECS[name]
    required = len(spec.parameters) - spec.optional
    return f"{name}({', '.join(spec.parameters[:required])}{''.join(f'[, {p}]' for p in spec.parameters[required:])})"
