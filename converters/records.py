"""The rows of a data file in any of three shapes: JSON lines, a bare list, a document with a list under ``data``."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.converters.array import elements, first_keys
from ordebug.converters.oddity import Oddity
from ordebug.core.errors import InputError
from ordebug.core.jsonl import parse_line, read_lines

LINES_SUFFIXES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Record:
    """A row as it stands in the file.

    Attributes:
        place: ``file:line`` for JSON lines, ``file: data[3]`` or ``file: [3]`` otherwise.
        number: Which row it is, from 1.
        value: The decoded row, of no use where there is an error.
        error: Why the row cannot be read, such as that it is not JSON; empty where it can.
        oddities: What had to be interpreted to read it.
        row: The row that it is a decision of, where that is of another format; None where it is the row itself.
        alone: Whether the row holds no other decision.
    """

    place: str
    number: int
    value: Any
    error: str = ""
    oddities: tuple[Oddity, ...] = ()
    row: Any = None
    alone: bool = True


def read_records(path: Path, keys: Collection[str]) -> Iterator[Record]:
    """Yields the rows of a file; memory does not grow with the file.

    Args:
        path: The file.
        keys: Keys of a row, by which JSON lines are told from a document of another shape.

    Raises:
        InputError: If the file is missing or of another shape, or what is not JSON lines is not JSON or not UTF-8.
    """
    shape = _shape(path, keys)
    if shape == "lines":
        yield from _lines(path)
        return
    for index, (value, error) in enumerate(elements(path)):
        yield Record(f"{path}: {shape}[{index}]", index + 1, value, error)


def _shape(path: Path, keys: Collection[str]) -> str:
    """``lines``, ``data`` for a document, or empty for a bare list."""
    named_lines = path.suffix in LINES_SUFFIXES
    try:
        first, found, document = first_keys(path, whole=named_lines)
    except InputError:
        # A broken first line spoils one row of JSON lines, not the file.
        if named_lines and path.is_file():
            return "lines"
        raise
    if first == "[":
        return ""
    row = not set(found).isdisjoint(keys)
    if document and not (named_lines and row):  # a row may have a list under "data" too
        return "data"
    if not named_lines and not row:
        raise InputError(
            f"{path}: {_said(first, found)}, not rows.",
            f'Expected JSON lines, a list, or {{"data": [...]}}; each row an object with {", ".join(keys)}.',
        )
    return "lines"


def _said(first: str, found: list[str]) -> str:
    if first == "{":
        return f"a JSON object with the keys {', '.join(found[:8])}" if found else "an empty JSON object"
    return f"JSON that starts with {first!r}" if first else "an empty file"


def _lines(path: Path) -> Iterator[Record]:
    for row, (number, line) in enumerate(read_lines(path), start=1):
        yield Record(f"{path}:{number}", row, *_parsed(line))


def _parsed(line: bytes) -> tuple[Any, str]:
    try:
        return parse_line(line), ""
    except InputError as error:
        return None, error.message
