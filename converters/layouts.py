"""An SFT row written in the formats of others; ``converters/formats.py`` reads each of them back to the same row."""

from collections.abc import Callable
from typing import Any

from ordebug.converters.dialogue import held_fields
from ordebug.converters.formats import FormatName
from ordebug.converters.messages import SFTRow

SHAREGPT_ROLES = {"user": "human", "assistant": "gpt"}


def as_messages(row: SFTRow) -> dict[str, Any]:
    """ms-swift's own."""
    return row.model_dump()


def as_sharegpt(row: SFTRow) -> dict[str, Any]:
    """``conversations`` and ``system``; what the format has no place for stands in ``metadata``."""
    turns = [{"from": SHAREGPT_ROLES[turn.role], "value": turn.content} for turn in row.messages[1:]]
    return {"conversations": turns, "system": row.messages[0].content, "metadata": _metadata(row)}


def as_alpaca(row: SFTRow) -> dict[str, Any]:
    """``instruction`` and ``output``, earlier turns as ``history``; the rest in ``metadata``."""
    *earlier, user, answer = [turn.content for turn in row.messages[1:]]
    history = [list(pair) for pair in zip(earlier[::2], earlier[1::2], strict=True)]
    return {
        "instruction": user,
        "input": "",
        "output": answer,
        "system": row.messages[0].content,
        "history": history,
        "metadata": _metadata(row),
    }


LAYOUTS: dict[FormatName, Callable[[SFTRow], dict[str, Any]]] = {
    "messages": as_messages,
    "sharegpt": as_sharegpt,
    "alpaca": as_alpaca,
}


def _metadata(row: SFTRow) -> dict[str, Any]:
    about = row.model_dump(exclude={"messages", "about"})
    return {**held_fields(row.about), **about}
