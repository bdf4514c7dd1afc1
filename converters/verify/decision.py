"""A row as a decision to replay, read through the converters, so that every format they know can be verified."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ordebug.converters.alpaca import KEYS, AlpacaConverter
from ordebug.converters.conversion import Converter
from ordebug.converters.messages import SFTRow, parse_sft_row
from ordebug.converters.oddity import Oddity
from ordebug.converters.records import Record, read_records
from ordebug.converters.verify.prompt import Printed, Told, printed_conflict, steps_so_far
from ordebug.core.errors import InputError
from ordebug.core.jsonl import ERRORS
from ordebug.env.action import ACTION_SETS, Action, ActionSet, InvalidAction
from ordebug.env.renderer import system_text
from ordebug.env.reply import parse_reply

OFFERED: dict[str, ActionSet] = {system_text(actions): actions for actions in ACTION_SETS}


class SFTConverter:
    """Takes SFT rows as they are."""

    keys: tuple[str, ...] = ("messages",)

    def __call__(self, record: Record, source: str) -> tuple[SFTRow, list[Oddity]]:
        """The row.

        Raises:
            InputError: If it is not an SFT row.
        """
        if record.error or not isinstance(record.value, dict):
            raise InputError(record.error or f"a JSON {type(record.value).__name__}, not an SFT row")
        return parse_sft_row(record.value, "here"), []


FORMATS: dict[str, Callable[[], Converter]] = {"messages": SFTConverter, **dict.fromkeys(KEYS, AlpacaConverter)}
"""What reads a row, by a key that only its format has."""


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
    records = read_records(path, tuple(FORMATS))
    head = list(_until_object(records))
    converter = _converter(path, head)
    for record in chain(head, records):
        try:
            row, _ = converter(record, path.name)
        except InputError as error:
            yield Read(record, None, error.message.removeprefix("here: "))
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


def _until_object(records: Iterable[Record]) -> Iterator[Record]:
    """The records up to the first that is an object."""
    for record in records:
        yield record
        if isinstance(record.value, dict) and not record.error:
            return


def _converter(path: Path, head: list[Record]) -> Converter:
    row = head[-1].value if head else None
    keys = row if isinstance(row, dict) else {}
    for key, converter in FORMATS.items():
        if key in keys:
            return converter()
    shown = ", ".join(keys)[:200].encode("utf-8", ERRORS).decode()
    raise InputError(
        f"{path}: no row of a known format" + (f", the first has the keys {shown}." if keys else "."),
        f"Expected rows with messages, or with {', '.join(KEYS)}.",
    )
