"""Train, validation and test parts that share no problem and no prompt.

Rows of one problem, of one base model, or with one user turn form a group, and groups are never divided. Parts are
drawn group by group within each error type, so that every part holds the types in the same shares.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ordebug.converters.messages import SFTRow, parse_sft_row
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_writer, read_json, read_rows, write_json
from ordebug.core.manifest import MANIFEST, manifest, sha256_file, sha256_text

PARTS = ("train", "val", "test")
Identity = tuple[Any, str]


@dataclass(frozen=True)
class Part:
    """One written file."""

    rows: int
    groups: int
    types: dict[str, int]
    sha256: str


@dataclass(frozen=True)
class Split:
    """What was written.

    Attributes:
        parts: By name.
        shared: How many problems, bases and prompts two parts have in common, counted in the written files: none.
    """

    parts: dict[str, Part]
    shared: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)


def split_file(source: Path, out: Path, shares: Mapping[str, float], seed: int) -> Split:
    """Splits an SFT file.

    Args:
        source: The file.
        out: The folder to write.
        shares: Share of the rows for ``val`` and ``test``; the rest trains.
        seed: What the draw depends on, beside the rows; their order has no part in it.

    Raises:
        InputError: If the file is not an SFT file.
        UsageError: If the shares leave a part empty, or the folder holds something else.
    """
    wanted = _wanted(shares)
    about = manifest({"shares": dict(shares), "seed": seed}, {"input": _checked(source)})
    _refuse_other(out, about)
    groups = _groups(source)
    part_of = _draw(groups, wanted, seed)
    names = [name for name in PARTS if name in wanted]
    for name in names:
        if name not in part_of.values():
            raise UsageError(
                f"{source}: no group is left for {name} ({len(set(groups.of_row))} groups).",
                f"Give more rows, a larger --{name}, or --{name} 0.",
            )
    _write(source, out, [part_of[group] for group in groups.of_row], names)
    done = _proved(out, names, Counter(part_of.values()))
    write_json(out / MANIFEST, {**about, **done.as_json()})
    return done


@dataclass(frozen=True)
class Groups:
    """Each row's group and error type, in file order."""

    of_row: list[str]
    types: list[str]


def keys(row: SFTRow) -> tuple[str, str, str]:
    """What must not be in two parts: the base or problem, the problem, and the user turn."""
    return (
        f"base {row.base_id or row.problem_id}",
        f"problem {row.problem_id}",
        f"prompt {sha256_text(row.user)}",
    )


def _wanted(shares: Mapping[str, float]) -> dict[str, float]:
    rest = 1 - sum(shares.values())
    if any(share < 0 for share in shares.values()) or rest <= 0:
        raise UsageError(f"--val and --test leave {rest:g} of the rows for training.", "Give shares that sum below 1.")
    return {"train": rest} | {name: share for name, share in shares.items() if share > 0}


def _checked(source: Path) -> Path:
    """The file, once it is known to hold rows."""
    if next(read_rows(source, "an SFT file"), None) is None:
        raise InputError(f"{source} holds no row.", "Convert a file first: ordebug data convert FILE --out OUT")
    return source


def _refuse_other(out: Path, about: dict[str, Any]) -> None:
    """Refuses a folder that holds a manifest or parts which this split would not write again."""
    held = _held(out / MANIFEST)
    if any((out / f"{name}.jsonl").exists() for name in PARTS) and held != _identity(about):
        raise UsageError(f"{out} holds another split.", "Give --out another folder, or remove this one.")


def _held(path: Path) -> Identity | None:
    """Which split has its manifest there; None where no file is.

    Raises:
        UsageError: If the file is something else.
    """
    if not path.exists():
        return None
    with suppress(InputError, KeyError, TypeError):
        stored = read_json(path, "a split's manifest")
        if isinstance(stored, dict) and {"parts", "shared"} <= stored.keys():
            return _identity(stored)
    raise UsageError(
        f"{path} is not a split's manifest: the folder holds something else, a run perhaps.",
        "Give --out a folder of its own; one that does not exist is made.",
    )


def _identity(about: dict[str, Any]) -> Identity:
    """What makes two splits one: the settings, and the rows wherever they lie."""
    return about["config"], about["data"]["input"]["sha256"]


def _rows(source: Path) -> Iterator[tuple[dict[str, Any], SFTRow]]:
    for number, row in read_rows(source, "an SFT file"):
        yield row, parse_sft_row(row, f"{source}:{number}")


def _groups(source: Path) -> Groups:
    """Joins rows that have a key in common; each group is called after its least key."""
    parent: dict[str, str] = {}
    first, types = [], []
    for _, row in _rows(source):
        own = keys(row)
        for left, right in pairwise(own):
            _join(parent, left, right)
        first.append(own[0])
        types.append(row.error_type)
    return Groups([_root(parent, key) for key in first], types)


def _root(parent: dict[str, str], key: str) -> str:
    while (above := parent.setdefault(key, key)) != key:
        parent[key] = parent[above]
        key = above
    return key


def _join(parent: dict[str, str], left: str, right: str) -> None:
    low, high = sorted((_root(parent, left), _root(parent, right)))
    parent[high] = low


def _draw(groups: Groups, wanted: Mapping[str, float], seed: int) -> dict[str, str]:
    """Each group's part: the part that lacks most rows, group by group, the largest first within an error type."""
    part_of: dict[str, str] = {}
    lacking = dict.fromkeys(wanted, 0.0)
    for error_type, sizes in sorted(_strata(groups).items()):
        rows = sum(sizes.values())
        lacking = {name: lacking[name] + share * rows for name, share in wanted.items()}
        order = sorted(sizes)
        random.Random(f"{seed}/{error_type}").shuffle(order)
        for group in sorted(order, key=lambda name: -sizes[name]):
            part = max(lacking, key=lambda name: lacking[name])
            part_of[group] = part
            lacking[part] -= sizes[group]
    return part_of


def _strata(groups: Groups) -> dict[str, dict[str, int]]:
    """Sizes of the groups by error type; a group of several types counts as its most frequent."""
    types: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for group, error_type in zip(groups.of_row, groups.types, strict=True):
        types[group][error_type] += 1
    strata: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for group, counts in types.items():
        strata[min(counts, key=lambda name: (-counts[name], name))][group] = counts.total()
    return strata


def _write(source: Path, out: Path, parts: list[str], names: list[str]) -> None:
    """One pass a part, so that rows are never held."""
    for name in names:
        with atomic_writer(out / f"{name}.jsonl") as writer:
            for (_, row), part in zip(read_rows(source), parts, strict=True):
                if part == name:
                    writer.write(row)


def _proved(out: Path, names: list[str], groups: Counter[str]) -> Split:
    """Reads the parts again and counts what two of them share.

    Raises:
        RuntimeError: If they share anything; that would be an error of ours.
    """
    parts: dict[str, Part] = {}
    where: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        path = out / f"{name}.jsonl"
        types: Counter[str] = Counter()
        for _, row in _rows(path):
            types[row.error_type] += 1
            for key in keys(row):
                where[key].add(name)
        parts[name] = Part(types.total(), groups[name], dict(sorted(types.items())), sha256_file(path))
    shared = {"base": 0, "problem": 0, "prompt": 0}
    for key, found in where.items():
        shared[key.partition(" ")[0]] += len(found) > 1
    if any(shared.values()):
        raise RuntimeError(f"the parts share {shared}")
    return Split(parts, shared)
