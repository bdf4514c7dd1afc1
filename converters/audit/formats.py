"""Which format a row is of, told by its keys, and what reads it."""

from dataclasses import dataclass

from ordebug.converters.alpaca import AlpacaConverter
from ordebug.converters.formats import FORMATS, decisions, format_of
from ordebug.converters.messages import SFTRow
from ordebug.converters.oddity import Oddity
from ordebug.converters.records import Record
from ordebug.core.errors import InputError
from ordebug.env.action import ActionSet

UNKNOWN = "unknown"


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
        self._converter = AlpacaConverter(actions)

    def read(self, record: Record, source: str) -> list[Read]:
        """The decisions of a row; what is wrong with each is in it."""
        if record.error:
            return [Read(UNKNOWN, reason=record.error)]
        if not isinstance(record.value, dict):
            return [Read(UNKNOWN, reason=f"a JSON {type(record.value).__name__}, not an object")]
        name = format_of(record.value)
        if name is None:
            return [Read(UNKNOWN, reason=f"none of {', '.join(FORMATS)}: keys {', '.join(record.value)[:80]}")]
        return [self._decision(name, decision, source) for decision in decisions(record, FORMATS[name])]

    def _decision(self, name: str, record: Record, source: str) -> Read:
        output = record.value.get("output") if isinstance(record.value, dict) else None
        output = output if isinstance(output, str) else None
        try:
            row, oddities = self._converter(record, source)
        except InputError as error:
            return Read(name, output, reason=error.message)
        return Read(name, output, row, tuple(oddities))
