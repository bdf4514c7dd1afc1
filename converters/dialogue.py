"""A row of any format as one dialogue: its turns, and what it says about itself."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ordebug.converters.oddity import Oddity
from ordebug.core.errors import InputError

Role = Literal["system", "user", "assistant", "tool", "tool_call"]
ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "tool": "tool",
    "tool_response": "tool",
    "function_response": "tool",
    "observation": "tool",
    "function": "tool",
    "function_call": "tool_call",
    "tool_call": "tool_call",
}
"""The names that data in the wild has for a turn's speaker."""

JOINT = "\n\n"


@dataclass(frozen=True)
class Said:
    """One turn.

    Attributes:
        role: Who speaks: ``user`` or ``assistant``.
        text: What is said.
        trained: Whether it is to be learned; ms-swift's ``loss: false`` says not.
    """

    role: Literal["user", "assistant"]
    text: str
    trained: bool = True


@dataclass(frozen=True)
class Dialogue:
    """A row.

    Attributes:
        said: The turns in order, user and assistant in turn.
        system: The system turn, empty where there is none.
        about: What the row says about itself beside the turns.
        oddities: What had to be interpreted.
    """

    said: tuple[Said, ...]
    system: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    oddities: tuple[Oddity, ...] = ()


def dialogue(turns: Iterable[tuple[str, str, bool]], system: str, about: Mapping[str, Any]) -> Dialogue:
    """A dialogue from ``(speaker, text, trained)``; turns of one speaker in a row become one.

    Raises:
        InputError: If a speaker is not known, a system turn stands amid the others, or the assistant speaks first.
    """
    said: list[Said] = []
    odd: dict[str, Oddity] = {}
    for number, (speaker, text, trained) in enumerate(turns, start=1):
        role = ROLES.get(speaker)
        if role is None:
            raise InputError(f"turn {number} is by {speaker!r}; known are {', '.join(ROLES)}")
        if role == "system":
            if said or (system and system != text):
                raise InputError(f"turn {number} is a second system turn")
            system = text
            continue
        if role == "tool":
            odd["tool_turn"] = Oddity("tool_turn", text[:80])
        _add(said, _spoken(role, text, trained))
    if said and said[0].role == "assistant":
        raise InputError("the assistant speaks first: there is no state it decides on")
    return Dialogue(tuple(said), system, about, tuple(odd.values()))


def _spoken(role: Role, text: str, trained: bool) -> Said:
    if role == "tool_call":
        return Said("assistant", f"<tool_call>\n{text.strip()}\n</tool_call>", trained)
    return Said("assistant" if role == "assistant" else "user", text, trained)


def _add(said: list[Said], turn: Said) -> None:
    if said and said[-1].role == turn.role:
        before = said.pop()
        turn = Said(turn.role, before.text + JOINT + turn.text, before.trained and turn.trained)
    said.append(turn)


UNSHOWN = frozenset({"tools", "functions", "images", "videos", "audios", "objects", "chat_template_kwargs"})
"""Fields of a row that other frameworks put before the model."""

KNOWN_ABOUT = ("problem_id", "base_id", "error_type", "step", "source")


def about_row(row: Mapping[str, Any], apart: Iterable[str]) -> dict[str, Any]:
    """What a row says beside its turns: the fields of an SFT row, the others under ``about`` as JSON text.

    Text, because a column of objects would have to look the same in every row for ms-swift's Arrow tables.

    Args:
        row: The row.
        apart: The keys that hold its turns.

    Raises:
        InputError: If ``metadata`` is no object.
    """
    metadata = row.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InputError("field metadata: not an object")
    found = {key: value for key, value in row.items() if key not in {*apart, "metadata"}} | dict(metadata or {})
    known = {key: found.pop(key) for key in KNOWN_ABOUT if found.get(key) is not None}
    for key in KNOWN_ABOUT:
        found.pop(key, None)  # a null says nothing
    return {**known, "about": about_text(found)}


def about_text(fields: Mapping[str, Any]) -> str:
    """Further fields as JSON text, empty where there are none; what ``about`` already holds is taken along."""
    fields = dict(fields)
    held = held_fields(fields.pop("about", "") or "")
    fields = {**held, **fields}
    return json.dumps(fields, ensure_ascii=False, sort_keys=True) if fields else ""


def held_fields(text: Any) -> dict[str, Any]:
    """The fields that ``about`` holds; a text that is not of our making is kept under its own name."""
    if not text:
        return {}
    try:
        fields = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {"about": text}
