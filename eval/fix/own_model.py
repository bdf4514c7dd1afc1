"""A model file of one's own as a problem without labels: rows that are trusted, and what its names mean."""

import csv
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_json
from ordebug.env.problem import Problem
from ordebug.env.solvers.model import read_model

SUFFIXES = (".mps", ".lp")


def own_problem(model_file: Path, protect: Sequence[str], meanings: Mapping[str, str]) -> Problem:
    """The file as a problem, in the set that is its folder.

    Args:
        model_file: The model.
        protect: Names of rows that may not be dropped or relaxed, or patterns such as ``balance*``.
        meanings: What rows and variables are for; shown to the policy as the description.

    Raises:
        InputError: If the file cannot be read.
        UsageError: If a name is none of the model's.
    """
    model = read_model(model_file)
    try:
        rows, variables = model.row_names, model.variable_names
    finally:
        model.close()
    _check_known(meanings, (*rows, *variables), "--names")
    return Problem(
        problem_id=model_file.stem,
        model_file=model_file.name,
        description="\n".join(f"{name}: {meaning}" for name, meaning in meanings.items()) or None,
        protected=protected_rows(protect, rows),
    )


def protected_rows(wanted: Iterable[str], rows: Sequence[str]) -> tuple[str, ...]:
    """The rows named, or matched by a pattern, in model order.

    Raises:
        UsageError: If a name or a pattern fits no row.
    """
    found: set[str] = set()
    for name in wanted:
        matched = [name] if name in rows else [row for row in rows if fnmatchcase(row, name)]
        if not matched:
            raise UsageError(f"--protect {name!r}: no row has that name.", _nearest(name, rows))
        found.update(matched)
    return tuple(row for row in rows if row in found)


def read_meanings(file: Path) -> dict[str, str]:
    """What names mean: a JSON object, or lines ``name,meaning`` of a CSV file.

    Raises:
        InputError: If it is neither.
    """
    if file.suffix == ".json":
        found = read_json(file, "names with their meanings")
        if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
            raise InputError(f"{file}: not an object of texts.", json.dumps({"R17": "demand of Lyon"}))
        return {name: " ".join(text.split()) for name, text in found.items()}
    try:
        lines = [line for line in csv.reader(file.read_text(encoding="utf-8-sig").splitlines()) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: not a CSV file ({error}).", "Give lines such as: R17,demand of Lyon") from None
    wrong = next((number for number, line in enumerate(lines, start=1) if len(line) != 2), None)
    if wrong is not None:
        raise InputError(f"{file}:{wrong}: not two columns.", "Give lines such as: R17,demand of Lyon")
    return {name: " ".join(text.split()) for name, text in lines}


def output_file(model_file: Path, wanted: Path | None) -> Path:
    """Where the repaired model goes, checked before anything is played.

    Raises:
        UsageError: If it exists, or its suffix is none that can be written.
    """
    stem = model_file.name.removesuffix(".gz")
    out = wanted or Path(f"{Path(stem).stem}-repaired{Path(stem).suffix}")
    if out.suffix not in SUFFIXES:
        raise UsageError(f"{out}: no format has that suffix.", "Give --out a name that ends with .mps or .lp.")
    if out.exists():
        raise UsageError(f"{out} exists and is not overwritten.", "Give another name with --out.")
    return out


def _check_known(names: Iterable[str], known: Sequence[str], option: str) -> None:
    held = set(known)
    for name in names:
        if name not in held:
            raise UsageError(f"{option}: {name!r} is no row or variable of the model.", _nearest(name, known))


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    return f"Did you mean {', '.join(near)}?" if near else f"The model has {', '.join(known[:5])} and others."
