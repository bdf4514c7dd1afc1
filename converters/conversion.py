"""A file of rows into an SFT file: what can be read is written, what cannot is told with its place and reason."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ordebug.converters.formats import FormatName
from ordebug.converters.layouts import LAYOUTS
from ordebug.converters.messages import SFTRow
from ordebug.converters.oddity import Oddity
from ordebug.converters.records import Record
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_writer

REJECTED_KEPT = 100


class Converter(Protocol):
    """Turns a file's rows into SFT rows and says what is odd; ``InputError`` where a row cannot be read."""

    def records(self, source: Path, form: FormatName | None) -> Iterator[Record]:
        """What of the file becomes a row."""

    def __call__(self, record: Record, source: str) -> tuple[SFTRow, list[Oddity]]:
        """Converts one of them."""


@dataclass
class Seen:
    """How often an oddity occurred, and where first."""

    count: int
    place: str
    detail: str


@dataclass
class Summary:
    """What became of a file.

    Attributes:
        read: Rows in the file.
        written: Rows in the output; more than were read where conversations were split.
        rejected: Rows that could not be read.
        reasons: Place and reason of the first hundred of them.
        warnings: Oddities by kind.
    """

    read: int = 0
    written: int = 0
    rejected: int = 0
    reasons: list[tuple[str, str]] = field(default_factory=list)
    warnings: dict[str, Seen] = field(default_factory=dict)

    def reject(self, place: str, reason: str) -> None:
        """Counts a row that cannot be read."""
        self.rejected += 1
        if len(self.reasons) < REJECTED_KEPT:
            self.reasons.append((place, reason))

    def warn(self, place: str, oddities: list[Oddity]) -> None:
        """Counts each kind of oddity once a row."""
        for kind, detail in {oddity.kind: oddity.detail for oddity in reversed(oddities)}.items():
            self.warnings.setdefault(kind, Seen(0, place, detail)).count += 1

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        reasons = [{"place": place, "reason": reason} for place, reason in self.reasons]
        return {**asdict(self), "reasons": reasons}


def convert_file(
    source: Path,
    out: Path,
    converter: Converter,
    *,
    form: FormatName | None = None,
    to: FormatName = "messages",
    strict: bool = False,
) -> Summary:
    """Converts a file; the output appears whole or not at all.

    Args:
        source: The file.
        out: The file to write.
        converter: What a row becomes.
        form: The file's format; None finds it.
        to: The output's format.
        strict: Whether a row that cannot be read stops everything.

    Raises:
        InputError: If the file cannot be read, no row of it can, or one cannot and ``strict`` is set.
        UsageError: If both paths are one.
    """
    if out.exists() and source.exists() and out.samefile(source):
        raise UsageError(f"{out} is the input itself.", "Give --out another path.")
    summary = Summary()
    with atomic_writer(out) as writer:
        for row in _rows(source, form, converter, summary, strict):
            writer.write(LAYOUTS[to](row))
        if not summary.written:
            raise InputError(f"{source}: no row can be used{_first(summary)}.", "See ordebug data convert --help.")
    return summary


def _rows(
    source: Path, form: FormatName | None, converter: Converter, summary: Summary, strict: bool
) -> Iterator[SFTRow]:
    for record in converter.records(source, form):
        summary.read = record.number
        try:
            row, oddities = converter(record, source.name)
        except InputError as error:
            if strict:
                raise InputError(
                    f"{record.place}: {error.message.rstrip('.')}.", error.fix or "Mend the row."
                ) from None
            summary.reject(record.place, error.message)
            continue
        summary.written += 1
        summary.warn(record.place, oddities)
        yield row


def _first(summary: Summary) -> str:
    """How the first rejection is told, where there was one."""
    if not summary.reasons:
        return ", there is none"
    place, reason = summary.reasons[0]
    return f"; {place}: {reason}"
