"""The elements of a JSON array in a file, one at a time, so that memory does not grow with the file.

``[...]`` and ``{..., "data": [...], ...}`` are read; the buffer holds one element and a chunk of the file.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ordebug.core.errors import InputError, existing_file

CHUNK = 1 << 16
LONGEST_TOKEN = 16
"""An end or an error this close to the buffer's end may be that of a token cut in two, such as ``fal`` or ``1.``"""


class Cursor:
    """A position in a file of JSON text.

    Args:
        file: The open file.
        path: What errors call it.
    """

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file, self._path = file, path
        self._buffer, self._at, self._lines = "", 0, 1
        self._ended = False
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is not a space, empty at the end of the file."""
        while True:
            rest = self._buffer[self._at :].lstrip(" \t\r\n")
            if rest or not self._read(1):
                self._at = len(self._buffer) - len(rest)
                return rest[:1]

    def take(self, wanted: str) -> str:
        """Passes the next character.

        Raises:
            InputError: If it is not one of ``wanted``.
        """
        found = self.peek()
        if not found or found not in wanted:
            raise self._broken(f"{found!r} where one of {wanted!r} belongs" if found else "it ends too early")
        self._at += 1
        return found

    def end(self) -> None:
        """Checks that nothing follows.

        Raises:
            InputError: If something does.
        """
        found = self.peek()
        if found:
            raise self._broken(f"{found!r} after the end")

    def value(self) -> Any:
        """Passes one JSON value.

        Raises:
            InputError: If none stands here.
        """
        if not self.peek():
            raise self._broken("it ends too early")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._buffer) - LONGEST_TOKEN
                if cut and self._read(len(self._buffer) - self._at):
                    continue
                raise self._broken(error.msg) from None
            except (ValueError, RecursionError) as error:
                raise self._broken(str(error)) from None
            if end > len(self._buffer) - LONGEST_TOKEN and self._read(1):
                continue
            self._at = end
            return value

    def _read(self, least: int) -> bool:
        """Reads on, at least as much as is already held, and forgets what was passed; False at the end of the file."""
        chunk = "" if self._ended else self._file.read(max(CHUNK, least))
        self._ended = not chunk
        if chunk:
            self._lines += self._buffer.count("\n", 0, self._at)
            self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        return bool(chunk)

    def _broken(self, why: str) -> InputError:
        line = self._lines + self._buffer.count("\n", 0, self._at)
        return InputError(f"{self._path}:{line}: not JSON ({why}).", "Give a JSON document or JSON lines.")


def first_keys(path: Path) -> tuple[str, list[str], bool]:
    """The file's first character, its first object's keys up to a ``data`` that holds an array, and whether one does.

    Raises:
        InputError: If the file is missing, not UTF-8, or not JSON that far.
    """
    with _cursor(path) as cursor:
        first = cursor.peek()
        members = list(_members(cursor)) if first == "{" else []
        return first, [key for key, _ in members], any(items is not None for _, items in members)


def elements(path: Path) -> Iterator[Any]:
    """Yields the elements of the file's array, which stands alone or under ``data``.

    Raises:
        InputError: At the first place that is not JSON; what stands behind the array is checked too.
    """
    with _cursor(path) as cursor:
        if cursor.peek() == "[":
            yield from _array(cursor)
        else:
            for _, items in _members(cursor, whole=True):
                yield from items or ()
        cursor.end()


@contextmanager
def _cursor(path: Path) -> Iterator[Cursor]:
    with existing_file(path, "the data").open(encoding="utf-8-sig") as file:
        try:
            yield Cursor(file, path)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8 text ({error}).", "Save the file as UTF-8.") from None


def _members(cursor: Cursor, *, whole: bool = False) -> Iterator[tuple[str, Iterator[Any] | None]]:
    """Yields an object's keys, with the elements of the array under ``data``; ends there unless ``whole``."""
    cursor.take("{")
    if cursor.peek() == "}":
        cursor.take("}")
        return
    while True:
        key = cursor.value()
        cursor.take(":")
        if key == "data" and cursor.peek() == "[":
            yield key, _array(cursor) if whole else iter(())
            if not whole:
                return
        else:
            cursor.value()
            yield str(key), None
        if cursor.take(",}") == "}":
            return


def _array(cursor: Cursor) -> Iterator[Any]:
    cursor.take("[")
    if cursor.peek() == "]":
        cursor.take("]")
        return
    while True:
        yield cursor.value()
        if cursor.take(",]") == "]":
            return
