"""What a thought claims that its prompt does not hold: steps, names and numbers."""

import re
from collections.abc import Iterator

from ordebug.converters.audit.prompt import Shown, holds_name
from ordebug.env.action import SPECS, Action, InvalidAction

STEP = re.compile(r"\bStep (\d{1,9})\b", re.IGNORECASE)
WORD = re.compile(r"[^\W\d]\w*(?:\[[\w.,\-]*\])?")
QUOTED = re.compile(r"(?<!\w)(['\"`])([^\s'\"`]{1,80})\1(?!\w)")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?!\w)")
Claim = tuple[str, str]


def claims(thought: str, user: str, shown: Shown, action: Action | InvalidAction) -> Iterator[Claim]:
    """Yields the kind and the text of the first step, name and number that the prompt does not hold."""
    steps = [found[0] for found in STEP.finditer(thought) if int(found[1]) > 1]
    if steps and not shown.history:
        yield "step_without_history", steps[0]
    unnamed = next((name for name in _names(thought) if not holds_name(user, name)), None)
    if unnamed is not None:
        yield "name_not_shown", unnamed
    numbers = _numbers(STEP.sub("", thought))
    known = {*_numbers(user), *_counts(shown), *_arguments(action)} if numbers else set()
    invented = next((number for number in numbers if number not in known), None)
    if invented is not None:
        yield "number_not_shown", f"{invented:g}"


def says_step(thought: str) -> bool:
    """Whether a thought numbers its step."""
    return bool(STEP.search(thought))


def _names(thought: str) -> dict[str, None]:
    """What reads like a row's or variable's name: quoted, or with a digit, an underscore or an index in it."""
    words = [word for word in WORD.findall(thought) if any(char.isdigit() or char in "_[" for char in word)]
    quoted = [name for _, name in QUOTED.findall(thought)]
    return dict.fromkeys(name for name in (*words, *quoted) if name.upper() not in SPECS)


def _numbers(text: str) -> dict[float, None]:
    return dict.fromkeys(map(float, NUMBER.findall(text)))


def _counts(shown: Shown) -> range:
    """How many rows and bounds stand in the conflict, and every place among them."""
    return range(len(shown.rows) + len(shown.bounds) + 1)


def _arguments(action: Action | InvalidAction) -> list[float]:
    args = action.args if isinstance(action, Action) else ()
    return [abs(value) for value in args if isinstance(value, float)]
