"""The rows that ms-swift reads: ``messages`` and what we keep beside them, under no name that ms-swift reserves.

Every field of a row is always written and none is null, because Arrow fixes a file's columns by its first rows.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_rows
from ordebug.env.problem import explain
from ordebug.env.renderer import Message
from ordebug.env.reply import CLOSE, OPEN


class Turn(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="allow", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


class SFTRow(BaseModel):
    """One decision to imitate.

    Attributes:
        messages: System, user and assistant turn; in a ``chat`` row, user and assistant turns alternate.
        problem_id: The problem it was taken on.
        base_id: Rows that share it are statistically dependent and stay in one part of a split.
        step: Which decision of its episode the prompt shows, from 1.
        source: The file or run it came from.
        error_type: A to I, empty where it is not known.
        about: What else the file said of the row, as JSON text; empty where it said nothing.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    messages: tuple[Turn, ...]
    problem_id: str
    base_id: str = ""
    step: int = Field(default=1, ge=1)
    source: str = ""
    error_type: str = ""
    about: str = ""

    @field_validator("messages")
    @classmethod
    def _alternating_turns(cls, messages: tuple[Turn, ...]) -> tuple[Turn, ...]:
        decisions = max(1, (len(messages) - 1) // 2)
        return _in_order(messages, ("system", *("user", "assistant") * decisions))

    @property
    def user(self) -> str:
        """The user turn; of a ``chat`` row, all of them."""
        return "\n\n".join(turn.content for turn in self.messages if turn.role == "user")

    @property
    def assistant(self) -> str:
        """The last assistant turn."""
        return self.messages[-1].content


class GRPORow(BaseModel):
    """One prompt to explore.

    Attributes:
        messages: System and user turn.
        problem: The problem's id.
        env_config: The environment, ``{"name": "ordebug", ...}``.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    messages: tuple[Turn, ...]
    problem: str
    env_config: dict[str, Any]

    @field_validator("messages")
    @classmethod
    def _two_turns(cls, messages: tuple[Turn, ...]) -> tuple[Turn, ...]:
        return _in_order(messages, ("system", "user"))


def conversation(prompt: Sequence[Message], assistant: str) -> tuple[Turn, ...]:
    """The turns of an SFT row: what was shown, then what to answer."""
    return (*(Turn.model_validate(message) for message in prompt), Turn(role="assistant", content=assistant))


def assistant_text(thought: str, answer: str) -> str:
    """The one form of an assistant turn: the thought in its tags, a blank line, the answer."""
    return f"{OPEN}\n{thought}\n{CLOSE}\n\n{answer}"


def read_sft_rows(path: Path) -> Iterator[SFTRow]:
    """Yields the rows of an SFT file.

    Raises:
        InputError: If the file is missing or a line is not an SFT row.
    """
    for number, row in read_rows(path, "an SFT file"):
        yield parse_sft_row(row, f"{path}:{number}")


def parse_sft_row(row: dict[str, Any], place: str) -> SFTRow:
    """An SFT row from JSON.

    Raises:
        InputError: If it is not one; the message names ``place`` and the field.
    """
    try:
        return SFTRow.model_validate(row)
    except ValidationError as error:
        raise InputError(
            f"{place}: not an SFT row: {explain(error)}.", "Convert the file first: ordebug data convert FILE --out OUT"
        ) from None


def _in_order(messages: tuple[Turn, ...], roles: tuple[str, ...]) -> tuple[Turn, ...]:
    found = tuple(message.role for message in messages)
    if found != roles:
        raise ValueError(f"the roles are {', '.join(found) or 'none'}, not {', '.join(roles)}")
    return messages
