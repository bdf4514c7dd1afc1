"""A file in pieces of a fixed size, so that workers share it and no answer depends on how many they are."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ordebug.converters.array import elements
from ordebug.converters.audit.inspection import Settings, inspect
from ordebug.converters.audit.tally import Tally
from ordebug.converters.formats import KEYS
from ordebug.converters.records import Record, read_records
from ordebug.core.errors import InputError, existing_file
from ordebug.core.jsonl import SAVE_AS_UTF8, parse_line
from ordebug.core.parallel import Executor, parallel_map
from ordebug.core.progress import track

PIECE = 4 << 20
BATCH = 1000
LONGEST_LINE = 16 << 20
SKIPPED = 1 << 20
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Source:
    """A file and how its rows are called.

    Attributes:
        path: The file.
        index: Which of the files it is.
        shape: How an element is called, ``data`` for instance; None for JSON lines.
    """

    path: Path
    index: int
    shape: str | None

    def place(self, number: int) -> str:
        """Where a row stands: its line, or its place in the list."""
        return f"{self.path}:{number}" if self.shape is None else f"{self.path}: {self.shape}[{number - 1}]"


@dataclass(frozen=True)
class Piece:
    """The lines that begin between two bytes of a file."""

    source: Source
    start: int
    stop: int
    settings: Settings


def open_source(path: Path, index: int) -> Source:
    """Looks at a file's first row.

    Raises:
        InputError: If the file is missing, empty, UTF-16, or holds no rows.
    """
    with existing_file(path, "the data").open("rb") as file:
        if file.read(2) in UTF16:
            raise InputError(f"{path}: UTF-16, not UTF-8 text.", SAVE_AS_UTF8)
    if not path.stat().st_size:
        raise InputError(f"{path} is empty.", "Give a file with rows.")
    if _gigantic(path):
        return Source(path, index, None)
    first = next(read_records(path, KEYS), None)
    if first is None:
        raise InputError(f"{path} holds no row.", "Give a file with rows.")
    listed = first.place.removeprefix(f"{path}: ")
    return Source(path, index, None if listed == first.place else listed.removesuffix("[0]"))


def tallies(source: Source, settings: Settings, workers: int, executor: Executor = "local") -> Iterator[Tally]:
    """Yields the tallies of a file's pieces in order, every place counted from the file's beginning.

    Args:
        source: The file; a list is read in this process, JSON lines in as many as there are workers.
        settings: By what rows are judged.
        workers: Processes.
        executor: Where they are.

    Raises:
        InputError: If a list is not JSON somewhere.
    """
    if source.shape is not None:
        yield from _of_list(source, settings)
        return
    size = source.path.stat().st_size
    pieces = [Piece(source, start, min(start + PIECE, size), settings) for start in range(0, size, PIECE)]
    label = f"auditing {source.path.name}, pieces of {PIECE >> 20} MiB"
    lines = 0
    for tally in parallel_map(tally_piece, pieces, workers=workers, label=label, chunk=1, executor=executor):
        yield tally.moved(lines)
        lines += tally.lines


def tally_piece(piece: Piece) -> Tally:
    """The tally of a piece; its places count from the piece's beginning."""
    lines = 0

    def records() -> Iterator[tuple[int, Record]]:
        nonlocal lines
        for lines, offset, line in _lines(piece):
            if line is None or line.strip():
                yield lines, _record(piece.source.path, offset, line)

    tally = inspect(records(), piece.source.index, piece.source.path, piece.settings)
    tally.lines = lines
    return tally


def _lines(piece: Piece) -> Iterator[tuple[int, int, bytes | None]]:
    """Yields number, offset and bytes of each line that begins in the piece; None for one too long to be held."""
    with piece.source.path.open("rb") as file:
        if piece.start:
            file.seek(piece.start - 1)
            _pass_line(file, piece.stop)
        number = 0
        while (offset := file.tell()) < piece.stop:
            line = file.readline(LONGEST_LINE)
            number += 1
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                _pass_line(file, None)
                yield number, offset, None
            else:
                yield number, offset, line if offset else line.removeprefix(codecs.BOM_UTF8)


def _pass_line(file: BinaryIO, stop: int | None) -> None:
    """Passes the rest of a line, but not much beyond ``stop``; holds a part of it at a time."""
    while part := file.readline(SKIPPED):
        if part.endswith(b"\n") or (stop is not None and file.tell() >= stop):
            return


def _record(path: Path, offset: int, line: bytes | None) -> Record:
    """A line as a record; its number is its offset, which no other line has."""
    if line is None:
        return Record(str(path), offset, None, f"a line of more than {LONGEST_LINE >> 20} MiB")
    try:
        return Record(str(path), offset, parse_line(line))
    except InputError as error:
        return Record(str(path), offset, None, error.message)


def _of_list(source: Source, settings: Settings) -> Iterator[Tally]:
    # Counted first: the progress has an end, and a broken end of the file is told before the work.
    count = sum(1 for _ in elements(source.path))
    batches = _batches(source, settings)
    yield from track(batches, -(-count // BATCH), f"auditing {source.path.name}, {BATCH} rows each")


def _batches(source: Source, settings: Settings) -> Iterator[Tally]:
    records = ((record.number, record) for record in read_records(source.path, KEYS))
    while batch := list(islice(records, BATCH)):
        yield inspect(batch, source.index, source.path, settings)


def _gigantic(path: Path) -> bool:
    """Whether JSON lines begin with a line too long to be held."""
    if path.suffix not in (".jsonl", ".ndjson"):
        return False
    with path.open("rb") as file:
        line = file.readline(LONGEST_LINE)
    return (
        len(line) == LONGEST_LINE and not line.endswith(b"\n") and not line.lstrip(b"\xef\xbb\xbf \t").startswith(b"[")
    )
