"""A row as a decision to replay, read through the converters, so that every format they know can be verified."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordebug.converters import formats
from ordebug.converters.alpaca import AlpacaConverter
from ordebug.converters.messages import SFTRow
from ordebug.converters.records import Record
from ordebug.converters.verify.prompt import Printed, Told, printed_conflict, steps_so_far
from ordebug.core.errors import InputError
from ordebug.env.action import ACTION_SETS, Action, ActionSet, InvalidAction
from ordebug.env.renderer import system_text
from ordebug.env.reply import parse_reply

OFFERED: dict[str, ActionSet] = {system_text(actions): actions for actions in ACTION_SETS}


@dataclass(frozen=True)
class Decision:
    """An action to be tried on a state.

    Attributes:
        problem_id: The problem it was taken on.
        error_type: As the row says, empty where it does not.
        actions: The action set it is read by.
        action: What is to be done, or why the answer is no action.
        printed: The conflict that the prompt prints, None where it prints none.
        past: The steps that the prompt tells of, None where they cannot be known.
    """

    problem_id: str
    error_type: str
    actions: ActionSet
    action: Action | InvalidAction
    printed: Printed | None
    past: tuple[Told, ...] | None


@dataclass(frozen=True)
class Read:
    """A row of the file.

    Attributes:
        record: Where it stands and what it holds.
        decision: What to replay, None where the row cannot be read.
        fault: Why it cannot.
    """

    record: Record
    decision: Decision | None
    fault: str = ""


def read_decisions(path: Path, actions: ActionSet | None) -> Iterator[Read]:
    """Yields the rows of a file as decisions.

    Args:
        path: The file.
        actions: The set its actions are read by; by default what a row's system turn offers, else ``compat``.

    Raises:
        InputError: If the file cannot be read, or its first row is of no known format.
    """
    converter = AlpacaConverter()
    for record in formats.read_decisions(path):
        try:
            row, _ = converter(record, path.name)
        except InputError as error:
            yield Read(record, None, error.message)
        else:
            yield Read(record, decision_of(row, actions))


def decision_of(row: SFTRow, actions: ActionSet | None) -> Decision:
    """What a row decides, and on what state."""
    known = actions or OFFERED.get(row.messages[0].content, "compat")
    past = steps_so_far(row.user)
    return Decision(
        problem_id=row.problem_id,
        error_type=row.error_type,
        actions=known,
        action=parse_reply(row.assistant, known).action,
        printed=printed_conflict(row.user),
        # a row that says it is a later one, and does not tell of the earlier ones, is of a state nobody knows
        past=past if past is not None and row.step in (1, len(past) + 1) else None,
    )
