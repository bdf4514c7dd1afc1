"""The rows of a data file in any of three shapes: JSON lines, a bare list, a document with a list under ``data``."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.converters.array import elements, first_keys
from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_lines

LINES_SUFFIXES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Record:
    """A row as it stands in the file.

    Attributes:
        place: ``file:line`` for JSON lines, ``file: data[3]`` or ``file: [3]`` otherwise.
        number: Which row it is, from 1.
        value: The decoded row, None where the line is not JSON.
        error: Why the line is not JSON, empty where it is.
    """

    place: str
    number: int
    value: Any
    error: str = ""


def read_records(path: Path, keys: Collection[str]) -> Iterator[Record]:
    """Yields the rows of a file; memory does not grow with the file.

    Args:
        path: The file.
        keys: Keys of a row, by which JSON lines are told from a document of another shape.

    Raises:
        InputError: If the file is missing, not UTF-8, not JSON, or of another shape.
    """
    shape = _shape(path, keys)
    if shape == "lines":
        yield from _lines(path)
        return
    for index, value in enumerate(elements(path)):
        yield Record(f"{path}: {shape}[{index}]", index + 1, value)


def _shape(path: Path, keys: Collection[str]) -> str:
    """``lines``, ``data`` for a document, or empty for a bare list."""
    try:
        first, found, document = first_keys(path)
    except InputError:
        # A broken first line spoils one row of JSON lines, not the file.
        if path.suffix in LINES_SUFFIXES and path.is_file():
            return "lines"
        raise
    if first == "[":
        return ""
    if document:
        return "data"
    if path.suffix not in LINES_SUFFIXES and not set(found) & set(keys):
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
    for row, (line, text) in enumerate(read_lines(path), start=1):
        try:
            yield Record(f"{path}:{line}", row, json.loads(text))
        except (ValueError, RecursionError) as error:
            yield Record(f"{path}:{line}", row, None, f"not JSON ({error})")
