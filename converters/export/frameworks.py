"""How each framework wants its rows, and which files tell it so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ordebug.converters.messages import SFTRow

FrameworkName = Literal["llamafactory", "axolotl", "trl", "unsloth"]
Layout = Callable[[SFTRow, bool], dict[str, Any]]


@dataclass(frozen=True)
class Framework:
    """A framework.

    Attributes:
        version: The release whose reading of these files is recorded in ``docs/frameworks.md``.
        layout: A row as the framework reads it, and whether the file holds conversations.
        files: What is written beside the rows; each comes from the template of its name.
        command: What trains on them, inside the folder.
    """

    version: str
    layout: Layout
    files: tuple[str, ...]
    command: str


def turns_row(row: SFTRow, chat: bool) -> dict[str, Any]:
    """``messages`` as they stand."""
    return row.model_dump()


def completion_row(row: SFTRow, chat: bool) -> dict[str, Any]:
    """``prompt`` and ``completion``, of which TRL trains the latter; a conversation keeps its ``messages``."""
    if chat:
        return turns_row(row, chat)
    turns = [turn.model_dump() for turn in row.messages]
    return {"prompt": turns[:-1], "completion": turns[-1:], **row.model_dump(exclude={"messages"})}


FRAMEWORKS: dict[FrameworkName, Framework] = {
    "llamafactory": Framework(
        "0.9.5", turns_row, ("dataset_info.json", "train.yaml"), "llamafactory-cli train train.yaml"
    ),
    "axolotl": Framework("0.19.0", turns_row, ("train.yaml",), "axolotl train train.yaml"),
    "trl": Framework("1.16.0", completion_row, ("train.yaml",), "trl sft --config train.yaml"),
    "unsloth": Framework("2026.10.9", turns_row, ("train.py",), "python train.py"),
}
