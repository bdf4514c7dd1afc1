"""The one parser of replies: from a model's text to a thought and an action. It never evaluates text."""

import json
import math
import re
from dataclasses import dataclass
from typing import Literal

from ordebug.env.action import (
    ACTION_SETS,
    AMOUNT,
    LARGEST_NUMBER,
    LOWER,
    NUMBER,
    SPECS,
    TYPE,
    UPPER,
    Action,
    ActionSet,
    ActionSpec,
    InvalidAction,
    Parameter,
)

ThinkState = Literal["valid", "empty", "missing", "truncated", "malformed"]
"""The state of a reply's thought.

* ``valid``: one block with text in it, at the start.
* ``empty``: one block with nothing in it.
* ``missing``: no block.
* ``truncated``: opened and never closed.
* ``malformed``: several blocks, or text before the block.
"""

OPEN, CLOSE = "<think>", "</think>"
END_TOKENS = ("<|im_end|>", "<|endoftext|>")
SURROGATE = re.compile(r"[\ud800-\udfff]")
ACTION_LINE = re.compile(r"^[ \t]*Action:(.*)$", re.MULTILINE)
CALL = re.compile(r"([A-Za-z_]+)[ \t]*\((.*)\)")
NUMBER_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.ASCII | re.IGNORECASE)
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
CLOSERS = {"[": "]", "(": ")", "{": "}"}


@dataclass(frozen=True)
class Reply:
    """A reply taken apart.

    Attributes:
        think: The thought without its tags, None where there is none.
        think_state: Whether the thought is as it should be.
        answer: The text after the thought.
        action: What the reply does.
    """

    think: str | None
    think_state: ThinkState
    answer: str
    action: Action | InvalidAction


def parse_reply(text: str, action_set: ActionSet = "core", *, truncated: bool = False) -> Reply:
    """Takes a reply apart.

    Args:
        text: What the model wrote. The opening tag may be missing, since some templates put it into the prompt.
        action_set: Which actions count.
        truncated: Whether the text was cut off by its token limit.
    """
    think, state, answer = split_think(text)
    if truncated:
        return Reply(think, state, answer, InvalidAction("truncated", "the reply was cut off by its token limit"))
    return Reply(think, state, answer, parse_answer(answer, action_set))


def split_think(text: str) -> tuple[str | None, ThinkState, str]:
    """Splits a reply into thought, its state and the answer; end-of-turn tokens at the end are not part of it."""
    text = _without_end(text)
    head, closed, answer = text.rpartition(CLOSE)
    if not closed:
        before, opened, thought = text.partition(OPEN)
        return (thought, "truncated", "") if opened else (None, "missing", before)
    before, opened, thought = head.partition(OPEN)
    if not opened:
        before, thought = "", head
    several = OPEN in thought or CLOSE in thought or OPEN in answer
    if several or before.strip():
        return thought, "malformed", "" if OPEN in answer else answer
    return thought, "valid" if thought.strip() else "empty", answer


def _without_end(text: str) -> str:
    """The text before the tokens that end a turn; padding may repeat them."""
    kept = text.rstrip()
    while kept.endswith(END_TOKENS):
        kept = kept.removesuffix(END_TOKENS[0]).removesuffix(END_TOKENS[1]).rstrip()
    return kept


def parse_answer(answer: str, action_set: ActionSet) -> Action | InvalidAction:
    """The action in the text after the thought: exactly one line ``Action: NAME(...)``."""
    lines = [match[1].strip() for match in ACTION_LINE.finditer(answer.replace("\r", "\n"))]
    if not lines:
        return InvalidAction("no_action", "no line reads 'Action: NAME(...)' after the thought")
    if len(lines) > 1:
        return InvalidAction("many_actions", f"{len(lines)} lines read 'Action:'")
    if "Action:" in QUOTED.sub("", lines[0]):
        return InvalidAction("many_actions", "one line reads 'Action:' twice")
    return parse_action(lines[0], action_set)


def parse_action(text: str, action_set: ActionSet) -> Action | InvalidAction:
    """An action from ``NAME(arg, ...)``."""
    call = CALL.fullmatch(text)
    if call is None:
        known = re.match(r"[A-Za-z_]+", text)
        meant = known is not None and known[0] in ACTION_SETS[action_set]
        return InvalidAction("bad_arguments" if meant else "unknown_action", f"{text[:80]!r} does not read NAME(...)")
    name, inside = call.groups()
    if name not in ACTION_SETS[action_set]:
        return InvalidAction("unknown_action", f"{name} is not one of {', '.join(ACTION_SETS[action_set])}")
    published = action_set == "compat"
    parts = split_arguments(inside, published=published)
    if parts is None:
        return InvalidAction("bad_arguments", "quotes or brackets do not close")
    if published and name in ("DROP_CONSTRAINT", "CHECK_SLACK"):
        parts = parts[:1]  # the published parser ignores surplus arguments of these
    return _typed(name, SPECS[name], parts, action_set)


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
    return value if isinstance(value, str) and not SURROGATE.search(value) else None


def _typed(name: str, spec: ActionSpec, parts: list[str], action_set: ActionSet) -> Action | InvalidAction:
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
    if parameter in (NUMBER, AMOUNT, LOWER, UPPER):
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
