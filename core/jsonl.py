"""JSON lines: read with line numbers in every error, written whole or not at all."""

import codecs
import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import jsonlines

from ordebug.core.errors import InputError, existing_file

Row = dict[str, Any]
SAVE_AS_UTF8 = "Save the file as UTF-8."
ONE_OBJECT = "Each line must be one JSON object."
ERRORS = "replace"
"""Half a surrogate pair, from a reply or a path say, is no text: it is written as a question mark."""
STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')

_dumps = partial(json.dumps, ensure_ascii=False, allow_nan=False)


def loads(text: str) -> Any:
    """The value of JSON text, in which every number must be finite: no other could be written again.

    Raises:
        ValueError: If the text is not JSON, or holds ``NaN``, ``Infinity`` or the like of ``1e999``.
    """

    def finite(literal: str) -> float:
        if math.isfinite(number := float(literal)):
            return number
        outside_strings = STRING.sub(lambda string: " " * len(string[0]), text)
        raise json.JSONDecodeError(not_finite(literal), text, outside_strings.index(literal))

    return json.loads(text, parse_constant=finite, parse_float=finite)


def not_finite(literal: str) -> str:
    """What is wrong with a number such as ``NaN``."""
    return f"{literal} is not a finite number"


def parse_line(line: bytes) -> Any:
    """The value of one line of JSON.

    Raises:
        InputError: If the line is not UTF-8 or not JSON; the message says why, the caller knows where.
    """
    try:
        return loads(line.decode())
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text ({error})", SAVE_AS_UTF8) from None
    except json.JSONDecodeError as error:  # its own line number counts from this line
        raise InputError(f"not JSON ({error.msg} at column {error.colno})", ONE_OBJECT) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({error})", ONE_OBJECT) from None


def read_lines(path: Path, what: str = "a JSONL file") -> Iterator[tuple[int, bytes]]:
    """Yields ``(line number from 1, bytes)`` for every line that is not blank; holds one line at a time.

    Raises:
        InputError: If the file is missing.
    """
    with existing_file(path, what).open("rb") as file:
        for number, line in enumerate(file, start=1):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if text.strip():
                yield number, text


def read_rows(path: Path, what: str = "a JSONL file") -> Iterator[tuple[int, Row]]:
    """Yields ``(line number, object)``.

    Raises:
        InputError: At the first line that is not a JSON object, or if the file is missing.
    """
    for number, line in read_lines(path, what):
        yield number, parse_row(line, f"{path}:{number}")


def parse_row(line: bytes, place: str) -> Row:
    """The object of one line.

    Raises:
        InputError: If it is no JSON object; the message names ``place``.
    """
    try:
        row = parse_line(line)
    except InputError as error:
        raise InputError(f"{place}: {error.message}.", error.fix) from None
    if not isinstance(row, dict):
        raise InputError(f"{place}: a JSON {type(row).__name__}, not an object.", ONE_OBJECT)
    return row


@contextmanager
def atomic_text(path: Path) -> Iterator[IO[str]]:
    """A text file that appears under ``path`` only when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", errors=ERRORS, dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            yield file
            file.close()
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_writer(path: Path) -> Iterator[jsonlines.Writer]:
    """A writer of rows whose file appears only when the block ends without an error."""
    with atomic_text(path) as file, jsonlines.Writer(file, dumps=_dumps) as writer:
        yield writer


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Writes all rows or nothing; returns their count."""
    count = 0
    with atomic_writer(path) as writer:
        for row in rows:
            writer.write(row)
            count += 1
    return count


def append_rows(path: Path, rows: Iterable[Row]) -> None:
    """Appends rows, each flushed as a whole line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("a", encoding="utf-8", errors=ERRORS) as file,
        jsonlines.Writer(file, dumps=_dumps, flush=True) as writer,
    ):
        writer.write_all(rows)


def write_json(path: Path, value: Any) -> None:
    """Writes one JSON document, readable, whole or not at all."""
    with atomic_text(path) as file:
        file.write(_dumps(value, indent=1) + "\n")


def read_json(path: Path, what: str) -> Any:
    """One JSON document.

    Raises:
        InputError: If the file is missing, not UTF-8 or not JSON.
    """
    content = existing_file(path, what).read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        return loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 text ({error}).", SAVE_AS_UTF8) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}).", f"{path.name} must be {what}.") from None
