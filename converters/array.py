"""The elements of a JSON array in a file, one at a time, so that memory does not grow with the file.

``[...]`` and ``{..., "data": [...], ...}`` are read; the buffer holds one element and a chunk of the file.
"""

import json
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ordebug.core.errors import InputError, existing_file
from ordebug.core.jsonl import SAVE_AS_UTF8, not_finite

CHUNK = 1 << 16
LONGEST_TOKEN = 16
"""An end or an error this close to the buffer's end may be that of a token cut in two, such as ``fal`` or ``1.``"""

Element = tuple[Any, str]
"""A value, and what is wrong with a number in it; empty where nothing is."""


class Cursor:
    """A position in a file of JSON text.

    Args:
        file: The open file; bytes that are not UTF-8 are lone surrogates in it.
        path: What errors call it.
    """

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file, self._path = file, path
        self._buffer, self._at, self._lines = "", 0, 1
        self._ended = False
        self._fault = ""
        self._decoder = json.JSONDecoder(parse_constant=self._number, parse_float=self._number)

    def peek(self) -> str:
        """The next character that is not a space, empty at the end of the file.

        Raises:
            InputError: If a byte that is not UTF-8 stands there.
        """
        while True:
            rest = self._buffer[self._at :].lstrip(" \t\r\n")
            if rest or not self._read(1):
                self._at = len(self._buffer) - len(rest)
                self._check_utf8(self._at + 1)
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

    def value(self) -> Element:
        """Passes one JSON value.

        Raises:
            InputError: If none stands here, or one with bytes that are not UTF-8.
        """
        if not self.peek():
            raise self._broken("it ends too early")
        while True:
            self._fault = ""
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
            self._check_utf8(end)
            self._at = end
            return value, self._fault

    def _read(self, least: int) -> bool:
        """Reads on, at least as much as is already held, and forgets what was passed; False at the end of the file."""
        chunk = "" if self._ended else self._file.read(max(CHUNK, least))
        self._ended = not chunk
        if chunk:
            self._lines += self._buffer.count("\n", 0, self._at)
            self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        return bool(chunk)

    def _number(self, literal: str) -> float:
        """A number; one that is not finite is noted, since an error would lose where the value ends."""
        number = float(literal)
        if not math.isfinite(number):
            self._fault = f"not JSON ({not_finite(literal)})"
        return number

    def _check_utf8(self, end: int) -> None:
        try:
            self._buffer[self._at : end].encode()
        except UnicodeEncodeError as error:
            byte = ord(error.object[error.start]) - 0xDC00
            place = self._place(self._at + error.start)
            raise InputError(f"{place}: not UTF-8 text (byte 0x{byte:02x}).", SAVE_AS_UTF8) from None

    def _broken(self, why: str) -> InputError:
        return InputError(f"{self._place(self._at)}: not JSON ({why}).", "Give a JSON document or JSON lines.")

    def _place(self, at: int) -> str:
        line = self._lines + self._buffer.count("\n", 0, at)
        return f"{self._path}:{line}"


def first_keys(path: Path, *, whole: bool) -> tuple[str, list[str], bool]:
    """The file's first character, its first object's keys, and whether an array stands under ``data``.

    Args:
        path: The file.
        whole: Whether to read on behind that array, which may be most of the file.

    Raises:
        InputError: If the file is missing, not UTF-8, or not JSON that far.
    """
    with _cursor(path) as cursor:
        first = cursor.peek()
        found: list[str] = []
        document = False
        for key, items in _members(cursor) if first == "{" else ():
            found.append(key)
            if items is not None:
                document = True
                if not whole:
                    break
                deque(items, maxlen=0)  # passes them
        return first, found, document


def elements(path: Path) -> Iterator[Element]:
    """Yields the elements of the file's array, which stands alone or under ``data``.

    Raises:
        InputError: At the first place that is not JSON or not UTF-8; what stands behind the array is checked too.
    """
    with _cursor(path) as cursor:
        if cursor.peek() == "[":
            yield from _array(cursor)
        else:
            for _, items in _members(cursor):
                yield from items or ()
        cursor.end()


@contextmanager
def _cursor(path: Path) -> Iterator[Cursor]:
    with existing_file(path, "the data").open(encoding="utf-8-sig", errors="surrogateescape") as file:
        yield Cursor(file, path)


def _members(cursor: Cursor) -> Iterator[tuple[str, Iterator[Element] | None]]:
    """Yields an object's keys, with the elements of an array under ``data``, to be passed before the next key."""
    cursor.take("{")
    if cursor.peek() == "}":
        cursor.take("}")
        return
    while True:
        key, _ = cursor.value()
        cursor.take(":")
        if key == "data" and cursor.peek() == "[":
            yield key, _array(cursor)
        else:
            cursor.value()
            yield str(key), None
        if cursor.take(",}") == "}":
            return


def _array(cursor: Cursor) -> Iterator[Element]:
    cursor.take("[")
    if cursor.peek() == "]":
        cursor.take("]")
        return
    while True:
        yield cursor.value()
        if cursor.take(",]") == "]":
            return
