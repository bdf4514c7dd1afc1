"""What tells the rows of an SFT file apart, as digests: a million rows take some forty megabytes."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ordebug.converters.masking import masked, without_id
from ordebug.converters.messages import parse_sft_row
from ordebug.core.jsonl import parse_row, read_lines
from ordebug.core.parallel import Executor, parallel_map, workers_for

KINDS = ("base", "problem", "prompt", "text", "unnamed")
"""The base model or problem, the problem, the user turn, the same masked, the same but for the problem's id."""

Digests = NDArray[np.uint64]
ROWS_A_TASK = 500
MULTISET = 1 << 128


class RowKeys(NamedTuple):
    """One row.

    Attributes:
        digests: 8 bytes of each kind; of two texts with the same digest, which is unlikely, rows would be grouped
            together that need not be.
        error_type: As the row says.
        line: Digest of the row's bytes, to add up.
    """

    digests: tuple[int, ...]
    error_type: str
    line: int


@dataclass(frozen=True)
class FileKeys:
    """The rows of a file, in its order.

    Attributes:
        digests: By kind, one a row.
        types: The error types in order.
        codes: Each row's place among them.
        multiset: Sum of the digests of the rows' bytes: the same for the same rows in any order.
    """

    digests: dict[str, Digests]
    types: list[str]
    codes: NDArray[np.int64]
    multiset: int

    def __len__(self) -> int:
        """Rows."""
        return len(self.codes)

    @property
    def type_counts(self) -> dict[str, int]:
        """Rows by error type."""
        return {name: int(count) for name, count in zip(self.types, np.bincount(self.codes), strict=True)}


def read_keys(path: Path, label: str, workers: int = 1, executor: Executor = "local") -> FileKeys:
    """The keys of an SFT file.

    Raises:
        InputError: If the file is missing or a line is not an SFT row.
    """
    total = sum(1 for _ in read_lines(path, "an SFT file"))
    found = parallel_map(
        row_keys,
        ((f"{path}:{number}", line) for number, line in read_lines(path)),
        workers=workers_for(path, workers),
        label=label,
        chunk=ROWS_A_TASK,
        total=total,
        executor=executor,
    )
    return _collected(found)


def row_keys(item: tuple[str, bytes]) -> RowKeys:
    """The keys of ``(place, line)``.

    Raises:
        InputError: If the line is not an SFT row.
    """
    place, line = item
    row = parse_sft_row(parse_row(line, place), place)
    texts = (row.base_id or row.problem_id, row.problem_id, row.user, masked(row.user), without_id(row.user))
    digests = tuple(_digest(kind, text) for kind, text in zip(KINDS, texts, strict=True))
    return RowKeys(digests, row.error_type, line_digest(line))


def line_digest(line: bytes) -> int:
    """Digest of a row's bytes, the white space around them aside."""
    return int.from_bytes(blake2b(line.strip(), digest_size=16).digest())


def lines_multiset(path: Path) -> tuple[int, int]:
    """How many rows a file has, and the sum of their digests."""
    count = total = 0
    for _, line in read_lines(path):
        count, total = count + 1, (total + line_digest(line)) % MULTISET
    return count, total


def several_owners(keys: Digests, owners: NDArray[np.generic]) -> Digests:
    """The distinct keys that more than one owner has."""
    order = np.lexsort((owners, keys))
    ordered, holders = keys[order], owners[order]
    return np.unique(ordered[1:][(ordered[1:] == ordered[:-1]) & (holders[1:] != holders[:-1])])


def _digest(kind: str, text: str) -> int:
    return int.from_bytes(
        blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=kind.encode()).digest(), "little"
    )


def _collected(found: Iterator[RowKeys]) -> FileKeys:
    digests = [array("Q") for _ in KINDS]
    codes, multiset = array("q"), 0
    numbers: dict[str, int] = {}
    for row in found:
        for column, digest in zip(digests, row.digests, strict=True):
            column.append(digest)
        codes.append(numbers.setdefault(row.error_type, len(numbers)))
        multiset = (multiset + row.line) % MULTISET
    types = sorted(numbers)
    place = np.array([types.index(name) for name in numbers], dtype=np.int64)
    columns = {kind: np.frombuffer(column, np.uint64) for kind, column in zip(KINDS, digests, strict=True)}
    return FileKeys(columns, types, place[np.frombuffer(codes, np.int64)], multiset)
