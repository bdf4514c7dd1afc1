"""Arguments of an action: split from text, and turned into names and numbers. Nothing is ever evaluated."""

import json
import math
import re
from collections.abc import Sequence

from ordebug.env.action import (
    AMOUNT,
    LARGEST_NUMBER,
    LOWER,
    NUMBER,
    SPECS,
    TYPE,
    UPPER,
    Action,
    ActionSet,
    InvalidAction,
    Parameter,
)

SURROGATE = re.compile(r"[\ud800-\udfff]")
NUMBER_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.ASCII | re.IGNORECASE)
CLOSERS = {"[": "]", "(": ")", "{": "}"}
NUMERIC = (NUMBER, AMOUNT, LOWER, UPPER)


def split_arguments(text: str, *, published: bool = False) -> list[str] | None:
    """Splits at commas outside quotes and brackets; quoted names are unquoted. None where something does not close.

    Args:
        text: What stands between the parentheses.
        published: Whether single quotes around a part are passed over, as the published parser does.
    """
    parts: list[str] = []
    position, size = 0, len(text)
    while position <= size:
        end = _argument_end(text, position)
        if end is None:
            return None
        part = _unquote(text[position:end].strip(), "'" if published else "")
        if part is None:
            return None
        parts.append(part)
        position = end + 1
    return [] if parts == [""] and not text.strip() else parts


def _argument_end(text: str, start: int) -> int | None:
    """Where the argument that starts at ``start`` ends, None where a quote or bracket stays open."""
    waiting: list[str] = []
    quoted = False
    position = start
    while position < len(text):
        char = text[position]
        if quoted:
            position += char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in CLOSERS:
            waiting.append(CLOSERS[char])
        elif waiting and char == waiting[-1]:
            waiting.pop()
        elif char == "," and not waiting:
            return position
        position += 1
    return None if quoted or waiting else len(text)


def _unquote(part: str, ignored: str) -> str | None:
    if not part.startswith('"'):
        return part.strip(ignored) if ignored else part
    try:
        value = json.loads(part, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) and is_text(value) else None


def is_text(value: str) -> bool:
    """Whether a string can be written as UTF-8: half a surrogate pair cannot."""
    return not SURROGATE.search(value)


def typed(name: str, parts: Sequence[str], action_set: ActionSet) -> Action | InvalidAction:
    """An action of the set from the texts of its arguments."""
    spec = SPECS[name]
    least = len(spec.parameters) - spec.optional
    if not least <= len(parts) <= len(spec.parameters):
        return InvalidAction("bad_arguments", f"{name} takes {least} to {len(spec.parameters)} arguments")
    args: list[str | float] = []
    for parameter, part in zip(spec.parameters, parts, strict=False):
        value = _value(parameter, part, action_set)
        if isinstance(value, InvalidAction):
            return value
        args.append(value)
    return Action(name, tuple(args))


def _value(parameter: Parameter, part: str, action_set: ActionSet) -> str | float | InvalidAction:
    if parameter in NUMERIC:
        return _number(part, positive=parameter is AMOUNT, magnitude=action_set == "compat")
    if not part:
        return InvalidAction("bad_arguments", "an argument is empty")
    if parameter is TYPE and part not in ("C", "I", "B"):
        return InvalidAction("bad_arguments", f"{part[:80]!r} is not C, I or B")
    return part


def _number(part: str, *, positive: bool, magnitude: bool) -> float | InvalidAction:
    """A finite number; a relaxing amount must be positive, or is taken by magnitude as published."""
    if not NUMBER_TEXT.fullmatch(part):
        return InvalidAction("bad_arguments", f"{part[:80]!r} is not a number")
    value = float(part)
    if not math.isfinite(value) or abs(value) >= LARGEST_NUMBER:
        return InvalidAction("not_finite", f"{part[:80]} is not a finite number")
    if positive and magnitude:
        return abs(value)
    if positive and value <= 0:
        return InvalidAction("bad_arguments", f"the amount {part[:80]} is not positive")
    return value
