"""Train, validation and test parts, or folds, that share no problem and no text.

Rows of one problem, of one base model, or with one user turn once names and numbers are masked form a group, and groups
are never divided. Parts are drawn group by group within each error type, so that every part holds the types in the
same shares as far as the groups allow.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ordebug.converters.grouping import Numbers, drawn, grouped
from ordebug.converters.parts import Part, proved, write_parts
from ordebug.converters.row_keys import FileKeys, read_keys, several_owners
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_json, read_rows, write_json
from ordebug.core.manifest import MANIFEST, manifest
from ordebug.core.parallel import Executor

By = Literal["text", "problem"]
GROUPED: dict[By, tuple[str, ...]] = {"text": ("base", "problem", "text"), "problem": ("base", "problem", "prompt")}
"""Which keys hold a group together: the masked text, which equal prompts have in common, or only equal prompts."""

PARTS = ("train", "val", "test")
LARGEST_TOLD = 5
TOLERANCE = 0.5
"""How far a part may be from its share, as a part of that share: beyond it, a split is refused."""

WHY: dict[By, str] = {
    "text": "Rows that differ in names and numbers only",
    "problem": "Rows of one problem, base or prompt",
}
Identity = tuple[Any, str]


@dataclass(frozen=True)
class Plan:
    """How to split.

    Attributes:
        shares: Share of the rows for ``val`` and ``test``; the rest trains.
        folds: Parts of equal size instead, each of them the validation part once.
        by: What holds rows together.
        seed: What the draw depends on, beside the rows; their order has no part in it.
        workers: Processes; the parts do not depend on it.
        executor: Where they are; likewise.
    """

    shares: Mapping[str, float]
    folds: int | None = None
    by: By = "text"
    seed: int = 0
    workers: int = 1
    executor: Executor = "local"

    @property
    def config(self) -> dict[str, Any]:
        """What makes another split."""
        asked = {"shares": dict(self.shares)} if self.folds is None else {"folds": self.folds}
        return {**asked, "by": self.by, "seed": self.seed}

    def wanted(self) -> dict[str, float]:
        """Share of the rows by part.

        Raises:
            UsageError: If the shares leave nothing to train on, or one fold has none to learn from.
        """
        if self.folds is not None:
            if self.folds < 2:
                raise UsageError(f"--folds {self.folds} leaves nothing to train on.", "Give --folds 2 or more.")
            return {f"fold-{number}": 1 / self.folds for number in range(1, self.folds + 1)}
        rest = 1 - sum(self.shares.values())
        if any(share < 0 for share in self.shares.values()) or rest <= 0:
            raise UsageError(
                f"--val and --test leave {rest:g} of the rows for training.", "Give shares that sum below 1."
            )
        return {"train": rest} | {name: share for name, share in self.shares.items() if share > 0}

    def files(self, names: Sequence[str]) -> dict[str, set[int]]:
        """Which parts each file to write holds."""
        if self.folds is None:
            return {f"{name}.jsonl": {place} for place, name in enumerate(names)}
        every = set(range(len(names)))
        files = {f"{name}/val.jsonl": {place} for place, name in enumerate(names)}
        return files | {f"{name}/train.jsonl": every - {place} for place, name in enumerate(names)}


@dataclass(frozen=True)
class Split:
    """What was written.

    Attributes:
        rows: Rows of the input, each of them in exactly one part.
        multiset: Sum of the digests of the rows' bytes, of the input and of all parts together.
        parts: By name; a fold's is its validation part.
        asked: The share of each that was asked for.
        shared: How many bases, problems, prompts and masked texts two parts have in common, counted in the written
            files. Of those that hold groups together: none.
        groups: How many there are, in each part, and the rows of the largest.
        alike: Rows whose prompt another problem has too: once names and numbers are masked (``text``), and once the
            id alone is (``unnamed``).
    """

    rows: int
    multiset: str
    parts: dict[str, Part]
    asked: dict[str, float]
    shared: dict[str, int]
    groups: dict[str, Any]
    alike: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)


def split_file(source: Path, out: Path, plan: Plan) -> Split:
    """Splits an SFT file; its rows are written as they stand, byte for byte.

    Args:
        source: The file.
        out: The folder to write.
        plan: How.

    Raises:
        InputError: If the file is not an SFT file.
        UsageError: If the groups are too large for the shares, or the folder holds something else.
    """
    wanted = plan.wanted()
    about = manifest(plan.config, {"input": _checked(source)})
    _refuse_other(out, about)
    keys = read_keys(source, "rows read", plan.workers, plan.executor)
    groups = grouped([keys.digests[kind] for kind in GROUPED[plan.by]])
    part_of = drawn(groups, keys.codes, keys.types, wanted, plan.seed)
    _refuse_shares(source, groups, part_of, wanted, plan.by)
    files = plan.files(list(wanted))
    write_parts(source, out, part_of[groups], files)
    parts, shared = proved(out, keys, files, GROUPED[plan.by], plan.workers, plan.executor)
    done = Split(
        rows=len(keys),
        multiset=f"{keys.multiset:032x}",
        parts=dict(zip(wanted, parts, strict=True)),
        asked=wanted,
        shared=shared,
        groups=_told(groups, part_of, list(wanted)),
        alike=_alike(keys),
    )
    write_json(out / MANIFEST, {**about, **done.as_json()})
    return done


def _checked(source: Path) -> Path:
    """The file, once it is known to hold rows."""
    if next(read_rows(source, "an SFT file"), None) is None:
        raise InputError(f"{source} holds no row.", "Convert a file first: ordebug data convert FILE --out OUT")
    return source


def _refuse_other(out: Path, about: dict[str, Any]) -> None:
    """Refuses a folder that holds a manifest or parts which this split would not write again."""
    held = _held(out / MANIFEST)
    parts = any((out / f"{name}.jsonl").exists() for name in PARTS) or any(out.glob("fold-*"))
    if parts and held != _identity(about):
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


def _refuse_shares(source: Path, rows: Numbers, groups: Numbers, wanted: Mapping[str, float], by: By) -> None:
    """Refuses parts that are empty, or half as large again or half as large as asked, for the size of the groups.

    Args:
        source: The file.
        rows: Each row's group.
        groups: Each group's part.
        wanted: Share of the rows by part.
        by: What holds the groups together.
    """
    got = np.bincount(groups[rows], minlength=len(wanted)).tolist()
    for (name, share), count in zip(wanted.items(), got, strict=True):
        asked = share * len(rows)
        if count and abs(count - asked) <= asked * TOLERANCE + 1:
            continue
        sizes = np.bincount(rows)
        raise UsageError(
            f"{source}: {name} would hold {count} of {len(rows)} rows where {share:.4g} of them were asked for. "
            f"{WHY[by]} stay together: {len(sizes)} groups, the largest of {sizes.max()} rows.",
            (
                "Give --by problem, which holds equal prompts together but not alike ones; or "
                if by == "text"
                else "Give "
            )
            + "other shares, or rows of more problems and wordings.",
        )


def _told(rows: Numbers, groups: Numbers, names: Sequence[str]) -> dict[str, Any]:
    """How many groups there are, in each part, and the rows of the largest."""
    counts = np.bincount(groups, minlength=len(names)).tolist()
    largest = np.sort(np.bincount(rows))[::-1][:LARGEST_TOLD].tolist()
    return {"count": len(groups), "largest": largest, "parts": dict(zip(names, counts, strict=True))}


def _alike(keys: FileKeys) -> dict[str, int]:
    problems = keys.digests["problem"]
    return {
        kind: int(np.isin(keys.digests[kind], several_owners(keys.digests[kind], problems)).sum())
        for kind in ("text", "unnamed")
    }
