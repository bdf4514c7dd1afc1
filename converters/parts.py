"""The parts of a split: written as their rows stand, then read again to prove what is said of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ordebug.converters.grouping import Numbers
from ordebug.converters.row_keys import KINDS, MULTISET, FileKeys, lines_multiset, read_keys, several_owners
from ordebug.core.jsonl import atomic_text, read_lines
from ordebug.core.manifest import sha256_file
from ordebug.core.parallel import Executor
from ordebug.core.progress import track

Files = Mapping[str, set[int]]
"""Which parts each file holds. Those that hold one come first, in the order of the parts."""


@dataclass(frozen=True)
class Part:
    """One part, as its file was found to be.

    Attributes:
        rows: Rows.
        share: Of all rows.
        types: Rows by error type.
        sha256: The file's digest.
    """

    rows: int
    share: float
    types: dict[str, int]
    sha256: str


def write_parts(source: Path, out: Path, part_of: Numbers, files: Files) -> None:
    """Writes every file in one pass, so that rows are never held."""
    with ExitStack() as stack:
        writers = [(parts, stack.enter_context(atomic_text(out / name))) for name, parts in files.items()]
        lines = track(read_lines(source), len(part_of), "rows written")
        for (_, line), part in zip(lines, part_of.tolist(), strict=True):
            text = line.decode().strip() + "\n"
            for parts, writer in writers:
                if part in parts:
                    writer.write(text)


def proved(
    out: Path,
    whole: FileKeys,
    files: Files,
    must_differ: Sequence[str],
    workers: int,
    executor: Executor,
) -> tuple[list[Part], dict[str, int]]:
    """The parts, from their files, and how many keys of each kind two of them share.

    Raises:
        RuntimeError: If a row is missing or twice there, or a key that must differ is shared; an error of ours.
    """
    single = [name for name, parts in files.items() if len(parts) == 1][: 1 + max(map(max, files.values()))]
    found = [read_keys(out / name, f"{name} proved", workers, executor) for name in single]
    _count_rows(out, whole, found, files, single)
    owners = np.repeat(np.arange(len(found)), [len(keys) for keys in found])
    shared = {
        kind: len(several_owners(np.concatenate([keys.digests[kind] for keys in found]), owners)) for kind in KINDS[:4]
    }
    if any(shared[kind] for kind in must_differ):
        raise RuntimeError(f"the parts share {shared}")
    return list(_told(out, whole, found, single)), shared


def _told(out: Path, whole: FileKeys, found: Sequence[FileKeys], names: Sequence[str]) -> Iterator[Part]:
    for keys, name in zip(found, names, strict=True):
        yield Part(len(keys), round(len(keys) / len(whole), 6), keys.type_counts, sha256_file(out / name))


def _count_rows(out: Path, whole: FileKeys, found: Sequence[FileKeys], files: Files, single: Sequence[str]) -> None:
    """Every row of the input in exactly one part, and each other file the sum of its parts."""
    parts = [(len(keys), keys.multiset) for keys in found]
    sums = {"all parts": (_sum(parts), (len(whole), whole.multiset))}
    for name in files.keys() - set(single):
        sums[name] = (lines_multiset(out / name), _sum([parts[place] for place in files[name]]))
    wrong = [name for name, (is_there, expected) in sums.items() if is_there != expected]
    if wrong:
        raise RuntimeError(f"not every row is in exactly one part: {', '.join(wrong)}")


def _sum(parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(count for count, _ in parts), sum(multiset for _, multiset in parts) % MULTISET
