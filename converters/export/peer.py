"""What another framework reads: the rows in its shape, and the files that tell it how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ordebug.converters.messages import SFTRow

MODEL = "Qwen/Qwen3-8B"
ROWS = "train.jsonl"


@dataclass(frozen=True)
class Peer:
    """A framework.

    Attributes:
        version: The release its settings were read from and tried with.
        layout: A row in its shape.
        files: Further files by name.
        run: The command that trains with them, from inside the folder.
    """

    version: str
    layout: Callable[[SFTRow], dict[str, Any]]
    files: dict[str, str]
    run: str


def conversation_row(row: SFTRow) -> dict[str, Any]:
    """The turns, and what statistics and splits go by."""
    return row.model_dump(include={"messages", "problem_id", "step"})
