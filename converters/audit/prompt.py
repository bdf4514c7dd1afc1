"""What a user turn shows, read back from its text: the published text, and the renderer's profiles."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass

from ordebug.converters.alpaca import TYPE_LINE

LISTED = re.compile(r"^(Conflicting Constraints|Conflicting Bounds|Constraint Names): \[(.*)\]", re.MULTILINE)
LISTED_NAME = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
COUNT = re.compile(r"^Constraints: (\d+)$", re.MULTILINE)
NAME = r'"(?:[^"\\]|\\.)*"|[^\s:,"]+'
NUMBERED = re.compile(rf"^\(\d+\) ({NAME}): ", re.MULTILINE)
BOUNDS = re.compile(r"^IIS bounds: (.*)$", re.MULTILINE)
BOUND = re.compile(rf"({NAME}) (?:from|up to) ")
OTHERS = re.compile(r"^Other rows: (.*)$", re.MULTILINE)
PROTECTED = re.compile(r"^Protected: (.*)$", re.MULTILINE)
LEFT_OUT = re.compile(r"^(Other rows: \d+|\(\d+ lines of the description left out\))$", re.MULTILINE)
HISTORY = re.compile(r"^(## Previous Actions|Steps so far:)", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """The names that a prompt shows and what it says beside them.

    Attributes:
        rows: Rows of the conflict, in their order.
        bounds: Variables whose bounds are in the conflict.
        others: The other rows that are named.
        protected: Rows that may not be dropped or relaxed.
        elided: Whether names of rows are left out.
        history: Whether earlier steps are shown.
        label: Whether the error type is told.
    """

    rows: tuple[str, ...]
    bounds: tuple[str, ...]
    others: tuple[str, ...]
    protected: tuple[str, ...]
    elided: bool
    history: bool
    label: bool


def shown(user: str) -> Shown:
    """Reads a user turn; what it does not show is empty."""
    lists = {label: _listed(names) for label, names in LISTED.findall(user)}
    rows = lists.get("Conflicting Constraints") or tuple(map(_plain, NUMBERED.findall(user)))
    bounds = lists.get("Conflicting Bounds") or _names(BOUND, _line(BOUNDS, user))
    named = lists.get("Constraint Names") or tuple(map(_plain, re.findall(NAME, _line(OTHERS, user))))
    counted = COUNT.search(user)
    return Shown(
        rows=rows,
        bounds=bounds,
        others=tuple(name for name in named if name not in rows),
        protected=tuple(map(_plain, re.findall(NAME, _line(PROTECTED, user)))),
        elided=bool(LEFT_OUT.search(user)) or bool(counted and len(named) < int(counted[1][:9])),
        history=bool(HISTORY.search(user)),
        label=bool(TYPE_LINE.search(user)),
    )


def holds_name(text: str, name: str) -> bool:
    """Whether a name stands in a text, not only as a part of another."""
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(name) : at + len(name) + 1]
        if not _in_name(before) and not _in_name(after):
            return True
        at = text.find(name, at + 1)
    return False


def _in_name(char: str) -> bool:
    return char.isalnum() or char == "_"


def _line(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _names(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_plain, pattern.findall(text))))


def _listed(text: str) -> tuple[str, ...]:
    """The names of a printed Python list."""
    return tuple(re.sub(r"\\(.)", r"\1", single or double) for single, double in LISTED_NAME.findall(text))


def _plain(name: str) -> str:
    """A name without its quotes."""
    if name.startswith('"'):
        with suppress(ValueError):
            return str(json.loads(name, strict=False))
    return name
