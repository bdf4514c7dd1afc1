"""JSON lines: read with line numbers in every error, written whole or not at all."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import jsonlines

from ordebug.core.errors import InputError, existing_file

Row = dict[str, Any]


def _strict_dumps(row: Any) -> str:
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair, from a reply say, is no text


def parse_line(line: str, place: str) -> Row:
    """One line of JSON as an object.

    Raises:
        InputError: If the line is not JSON or not an object; the message names ``place``.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON ({error}).", "Each line must be one JSON object.") from None
    if not isinstance(row, dict):
        raise InputError(f"{place}: a JSON {type(row).__name__}, not an object.", "Each line must be one JSON object.")
    return row


def read_lines(path: Path, what: str = "a JSONL file") -> Iterator[tuple[int, str]]:
    """Yields ``(line number from 1, text)`` for every line that is not blank; holds one line at a time.

    Raises:
        InputError: If the file is missing or not UTF-8.
    """
    with existing_file(path, what).open(encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8 text ({error}).", "Save the file as UTF-8.") from None


def read_rows(path: Path, what: str = "a JSONL file") -> Iterator[tuple[int, Row]]:
    """Yields ``(line number, object)``.

    Raises:
        InputError: At the first line that is not a JSON object, or if the file cannot be read.
    """
    for number, line in read_lines(path, what):
        yield number, parse_line(line, f"{path}:{number}")


@contextmanager
def atomic_text(path: Path) -> Iterator[IO[str]]:
    """A text file that appears under ``path`` only when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
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
    with atomic_text(path) as file, jsonlines.Writer(file, dumps=_strict_dumps) as writer:
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
    with path.open("a", encoding="utf-8") as file, jsonlines.Writer(file, dumps=_strict_dumps, flush=True) as writer:
        writer.write_all(rows)


def write_json(path: Path, value: Any) -> None:
    """Writes one JSON document, readable, whole or not at all."""
    with atomic_text(path) as file:
        json.dump(value, file, ensure_ascii=False, allow_nan=False, indent=1)
        file.write("\n")


def read_json(path: Path, what: str) -> Any:
    """One JSON document.

    Raises:
        InputError: If the file is missing or not JSON.
    """
    try:
        return json.loads(existing_file(path, what).read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}).", f"{path.name} must be {what}.") from None
