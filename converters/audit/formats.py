"""Which format a row is of, told by its keys, and what reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ordebug.converters.alpaca import KEYS, AlpacaConverter
from ordebug.converters.conversion import Converter
from ordebug.converters.messages import SFTRow, Turn, conversation, parse_sft_row
from ordebug.converters.oddity import Oddity, action_oddities
from ordebug.converters.records import Record
from ordebug.converters.think import canonical, data
from ordebug.core.errors import InputError
from ordebug.env.action import ActionSet
from ordebug.env.renderer import system_text

UNKNOWN = "unknown"
MARKS = {"alpaca": KEYS, "messages": ("messages",), "sharegpt": ("conversations",)}
"""The keys by which a row of each format is known."""
ROW_KEYS = tuple(key for keys in MARKS.values() for key in keys)


class MessagesConverter:
    """Reads rows of ``messages``: what ordebug writes, and other files of one decision a row.

    Args:
        actions: The action set by which the answers are read.
    """

    keys: tuple[str, ...] = MARKS["messages"]

    def __init__(self, actions: ActionSet = "compat") -> None:
        self._actions = actions

    def __call__(self, record: Record, source: str) -> tuple[SFTRow, list[Oddity]]:
        """The row, and what is odd about it.

        Raises:
            InputError: If the row cannot be read.
        """
        value, oddities = dict(record.value), []
        if not value.get("problem_id"):
            value["problem_id"] = f"{source}:{record.number}"
            oddities.append(Oddity("no_problem_id"))
        if _roles(value["messages"]) == ["user", "assistant"]:
            value["messages"] = [{"role": "system", "content": system_text(self._actions)}, *value["messages"]]
        row = parse_sft_row({name: kept for name, kept in value.items() if kept is not None}, record.place)
        answer = canonical(row.assistant)
        oddities += [odd for turn in row.messages[:2] for odd in data(turn.content)[1]]
        messages = conversation([_message(turn) for turn in row.messages[:2]], answer.text)
        found = [*oddities, *answer.oddities, *action_oddities(answer.answer, self._actions)]
        return row.model_copy(update={"messages": messages}), found


def _roles(turns: Any) -> list[Any]:
    return [turn.get("role") for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []


def _message(turn: Turn) -> dict[str, str]:
    return {"role": turn.role, "content": turn.content}


CONVERTERS: Mapping[str, Callable[[ActionSet], Converter]] = {"alpaca": AlpacaConverter, "messages": MessagesConverter}


@dataclass(frozen=True)
class Read:
    """A row of a file.

    Attributes:
        format: Which one it is of.
        output: What the model shall write, as it stands in the file; None where it cannot be told.
        row: The row as it would be trained on, None where it cannot be read.
        oddities: What is odd about it.
        reason: Why it cannot be read.
    """

    format: str
    output: str | None = None
    row: SFTRow | None = None
    oddities: tuple[Oddity, ...] = ()
    reason: str = ""


class Formats:
    """Reads rows of any known format.

    Args:
        actions: The action set by which the answers are read.
    """

    def __init__(self, actions: ActionSet) -> None:
        self._converters = {name: make(actions) for name, make in CONVERTERS.items()}

    def read(self, record: Record, source: str) -> list[Read]:
        """The decisions of a row; what is wrong with each is in it."""
        if record.error:
            return [Read(UNKNOWN, reason=record.error)]
        if not isinstance(record.value, dict):
            return [Read(UNKNOWN, reason=f"a JSON {type(record.value).__name__}, not an object")]
        return [self._decision(record, source)]

    def _decision(self, record: Record, source: str) -> Read:
        name = next((name for name, keys in MARKS.items() if any(key in record.value for key in keys)), UNKNOWN)
        if name not in self._converters:
            return Read(name, reason=f"none of {', '.join(self._converters)}: keys {', '.join(record.value)[:80]}")
        output = _output(record.value)
        try:
            row, oddities = self._converters[name](record, source)
        except InputError as error:
            return Read(name, output, reason=error.message.removeprefix(f"{record.place}: "))
        return Read(name, output, row, tuple(oddities))


def _output(value: Mapping[str, Any]) -> str | None:
    """What the model shall write: ``output``, or the last turn's text."""
    turns = value.get("messages") or value.get("conversations")
    last = turns[-1] if isinstance(turns, list) and turns and isinstance(turns[-1], dict) else {}
    found = value.get("output", last.get("content", last.get("value")))
    return found if isinstance(found, str) else None
