"""What a prompt says of the state it shows: the conflict and the steps so far, read back from its text.

The prompts of every profile are read (``env/renderer.py``). A description may hold anything, so the last section that
looks right counts: the state stands behind the description.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ordebug.env.observation import Conflict, Observation
from ordebug.env.renderer import LONGEST_PAST, conflict_lines, safe

LISTED_ROWS = re.compile(r"^Conflicting Constraints: (\[.*\])$", re.MULTILINE)
LISTED_BOUNDS = re.compile(r"^Conflicting Bounds: (\[.*\])$", re.MULTILINE)
ALGEBRA = "IIS rows:"
ALGEBRA_LINES = ("(", "IIS bounds: ", "Variables: ")
PAST_HEADS = ("Steps so far:", "## Previous Actions")
PAST_LINE = re.compile(r"(\d+)\. (.*): (still [a-z]+|shown|submitted|invalid \([a-z_]+\))")


@dataclass(frozen=True)
class Listed:
    """A conflict as the published prompts list it: names, in no order."""

    rows: frozenset[str]
    bounds: frozenset[str]


Printed = Listed | tuple[str, ...]
"""A conflict as a prompt prints it: names, or the lines of profile ``algebra``."""


Match = Literal["same", "rows", "other"]
"""Whether a printed conflict is the solver's, has its rows and other bounds, or other rows."""


@dataclass(frozen=True)
class Told:
    """An earlier step as a prompt tells it."""

    action: str
    outcome: str


def printed_conflict(user: str) -> Printed | None:
    """The conflict that a prompt prints, None where it prints none that can be read."""
    rows, bounds = LISTED_ROWS.findall(user), LISTED_BOUNDS.findall(user)
    if rows or bounds:
        names = [_names(found[-1]) if found else frozenset[str]() for found in (rows, bounds)]
        return None if names[0] is None or names[1] is None else Listed(names[0], names[1])
    lines = user.splitlines()
    at = _last(lines, (ALGEBRA,))
    return None if at is None else tuple(lines[at : _end(lines, at + 1)])


def match(printed: Printed, state: Observation) -> Match:
    """How far the solver's conflict is the one that was printed, its algebra included where that was printed."""
    if isinstance(printed, Listed):
        found = listed(state.conflict)
        same, rows = printed == found, printed.rows == found.rows
    else:
        lines = tuple(conflict_lines(state))
        same, rows = printed == lines, _rows(printed) == _rows(lines)
    return "same" if same else "rows" if rows else "other"


def listed(conflict: Conflict) -> Listed:
    """A conflict as the published prompts list it."""
    bounds = frozenset(safe(bound.variable) for bound in conflict.bounds)
    return Listed(frozenset(map(safe, conflict.rows)), bounds)


def steps_so_far(user: str) -> tuple[Told, ...] | None:
    """The earlier steps that a prompt tells of, None where one cannot be known: it was cut, or reads otherwise."""
    lines = user.splitlines()
    at = _last(lines, PAST_HEADS)
    if at is None:
        return ()
    told: list[Told] = []
    for line in lines[at + 1 :]:
        found = PAST_LINE.fullmatch(line)
        if found is None or int(found[1]) != len(told) + 1:
            break
        told.append(Told(found[2], found[3]))
    cut = any(len(step.action) >= LONGEST_PAST for step in told)
    return None if cut or not told else tuple(told)


def _rows(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.startswith("(")]


def _names(text: str) -> frozenset[str] | None:
    """The names of a list as Python writes it; literals are read, nothing is evaluated."""
    if "\\" not in text and '"' not in text and text.startswith("['"):
        return frozenset(text[2:-2].split("', '"))
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return frozenset(names) if all(isinstance(name, str) for name in names) else None


def _last(lines: Sequence[str], starts: tuple[str, ...]) -> int | None:
    return next((index for index in range(len(lines) - 1, -1, -1) if lines[index].startswith(starts)), None)


def _end(lines: Sequence[str], start: int) -> int:
    return next((i for i in range(start, len(lines)) if not lines[i].startswith(ALGEBRA_LINES)), len(lines))
