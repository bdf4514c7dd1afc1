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
from ordebug.core.parallel import Executor, parallel_map, workers_for

REJECTED_KEPT = 100
ROWS_A_TASK = 500


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
    workers: int = 1,
    executor: Executor = "local",
) -> Summary:
    """Converts a file; the output appears whole or not at all.

    Args:
        source: The file.
        out: The file to write.
        converter: What a row becomes.
        form: The file's format; None finds it.
        to: The output's format.
        strict: Whether a row that cannot be read stops everything.
        workers: Processes for a large file; the output does not depend on it.
        executor: Where they are; likewise.

    Raises:
        InputError: If the file cannot be read, no row of it can, or one cannot and ``strict`` is set.
        UsageError: If both paths are one.
    """
    if out.exists() and source.exists() and out.samefile(source):
        raise UsageError(f"{out} is the input itself.", "Give --out another path.")
    summary = Summary()
    with atomic_writer(out) as writer:
        tried = parallel_map(
            _Attempt(converter, source.name, to),
            converter.records(source, form),
            workers=workers_for(source, workers),
            label="rows converted",
            chunk=ROWS_A_TASK,
            executor=executor,
        )
        for row in _rows(tried, summary, strict):
            writer.write(row)
        if not summary.written:
            raise InputError(f"{source}: no row can be used{_first(summary)}.", "See ordebug data convert --help.")
    return summary


@dataclass(frozen=True)
class _Tried:
    """What became of one row."""

    place: str
    number: int
    row: dict[str, Any] | None
    oddities: list[Oddity]
    error: InputError | None = None


@dataclass(frozen=True)
class _Attempt:
    """The conversion of one row, for a worker process."""

    converter: Converter
    source: str
    to: FormatName

    def __call__(self, record: Record) -> _Tried:
        try:
            row, oddities = self.converter(record, self.source)
        except InputError as error:
            return _Tried(record.place, record.number, None, [], error)
        return _Tried(record.place, record.number, LAYOUTS[self.to](row), oddities)


def _rows(tried: Iterator[_Tried], summary: Summary, strict: bool) -> Iterator[dict[str, Any]]:
    for done in tried:
        summary.read = done.number
        if done.row is not None:
            summary.written += 1
            summary.warn(done.place, done.oddities)
            yield done.row
        elif done.error is not None and strict:
            said = done.error.message.rstrip(".")
            raise InputError(f"{done.place}: {said}.", done.error.fix or "Mend the row.")
        elif done.error is not None:
            summary.reject(done.place, done.error.message)


def _first(summary: Summary) -> str:
    """How the first rejection is told, where there was one."""
    if not summary.reasons:
        return ", there is none"
    place, reason = summary.reasons[0]
    return f"; {place}: {reason}"
