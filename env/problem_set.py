"""A folder of problems: ``problems.jsonl`` or the published ``dataset.json``, with the model files beside it."""

import os
import random
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_json, read_rows, write_rows
from ordebug.core.manifest import sha256_file
from ordebug.env.action import Action
from ordebug.env.problem import Problem, parse_problem

PUBLISHED_KINDS = {"A": "sense", "B": "vartype", "C": "coefficient", "H": "bound", "I": "rhs"}
INJECTED_BESIDE = ("B", "D")
"""Published types whose ``ground_truth_fix`` names rows that were injected beside the target; in others the names it
mentions are symptoms and innocent rows."""

LOWER_BOUND = re.compile(r"Restore (\S+)\.LB = (-?[\d.]+)[,.]")


@dataclass(frozen=True)
class ProblemSet:
    """Problems by id, in the order of their file."""

    folder: Path
    problems: dict[str, Problem]

    def __len__(self) -> int:
        """How many problems the set holds."""
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        """The problems in file order."""
        return iter(self.problems.values())

    def get(self, problem_id: str) -> Problem:
        """The problem of that id.

        Raises:
            InputError: If the set has none.
        """
        try:
            return self.problems[problem_id]
        except KeyError:
            raise InputError(
                f"{self.folder} has no problem {problem_id!r}.", "Give the set the ids came from with --problems."
            ) from None

    def model_path(self, problem: Problem) -> Path:
        """Where the broken model lies.

        Raises:
            InputError: If the record points outside the set's folder or to no file.
        """
        return _inside(self.folder, problem.model_file, problem.problem_id)

    def clean_model_path(self, problem: Problem) -> Path | None:
        """Where the clean model lies, if the set stores it."""
        if problem.clean_model_file is None:
            return None
        return _inside(self.folder, problem.clean_model_file, problem.problem_id)

    def draw(self, limit: int | None, seed: int) -> "ProblemSet":
        """So many problems drawn at random, in file order, or all: the head of a sorted file would be of one type."""
        if limit is None or limit >= len(self):
            return self
        drawn = set(random.Random(f"{seed}/draw").sample(sorted(self.problems), limit))
        return ProblemSet(self.folder, {name: problem for name, problem in self.problems.items() if name in drawn})

    def only(self, ids: Sequence[str]) -> "ProblemSet":
        """The problems of these ids, in this order."""
        return ProblemSet(self.folder, {problem_id: self.get(problem_id) for problem_id in ids})

    @property
    def source(self) -> Path:
        """The file that lists the problems."""
        return _source(self.folder)


def read_problem_set(folder: Path) -> ProblemSet:
    """Reads a problem set.

    Raises:
        InputError: If the folder holds no set, a record is not a problem, or an id occurs twice.
    """
    source = _source(folder)
    problems: dict[str, Problem] = {}
    for place, row in _records(source):
        problem = parse_problem(row, place)
        if problem.problem_id in problems:
            raise InputError(f"{place}: problem {problem.problem_id!r} occurs twice.", "Give each problem its own id.")
        problems[problem.problem_id] = problem
    if not problems:
        raise InputError(f"{source} holds no problem.", "Make some: ordebug problems generate --out DIR --count 100")
    return ProblemSet(folder, problems)


def write_problem_set(folder: Path, problems: Sequence[Problem]) -> None:
    """Writes ``problems.jsonl``; the model files must lie in the folder already."""
    write_rows(folder / "problems.jsonl", (problem.model_dump(mode="json") for problem in problems))


def select(problems: ProblemSet, ids: Sequence[str], out: Path) -> int:
    """Copies the problems of these ids, with their models, into a set of their own; returns how many there are.

    Raises:
        UsageError: If the folder holds a set, or no id is known.
    """
    if (out / "problems.jsonl").exists() or (out / "dataset.json").exists():
        raise UsageError(f"{out} already holds a problem set.", "Give another --out, or delete it first.")
    chosen = [problems.problems[problem_id] for problem_id in dict.fromkeys(ids) if problem_id in problems.problems]
    if not chosen:
        raise UsageError(f"none of the {len(ids)} ids is in {problems.folder}.", "Give the set the ids came from.")
    for problem in chosen:
        for path in filter(None, (problems.model_path(problem), problems.clean_model_path(problem))):
            target = out / path.relative_to(problems.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    write_problem_set(out, chosen)
    return len(chosen)


def shared_bases(a: ProblemSet, b: ProblemSet) -> set[str]:
    """What problems of both sets were made from: base ids, and digests of model files where a record names no base."""
    found = [{problem.base_id or sha256_file(s.model_path(problem)) for problem in s} for s in (a, b)]
    return found[0] & found[1]


def _source(folder: Path) -> Path:
    for name in ("problems.jsonl", "dataset.json"):
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"{folder} is not a problem set: it has neither problems.jsonl nor dataset.json.",
        "Make one: ordebug problems generate --out DIR --count 100",
    )


def _records(source: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if source.name == "problems.jsonl":
        for number, row in read_rows(source):
            yield f"{source}:{number}", row
        return
    document = read_json(source, "a published data set with a list under 'problems'")
    rows = document.get("problems") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise InputError(f"{source}: no list under 'problems'.", "Expected the published dataset.json layout.")
    for index, row in enumerate(rows):
        place = f"{source}: problems[{index}]"
        if not isinstance(row, dict):
            raise InputError(f"{place}: not an object.", "Expected the published dataset.json layout.")
        yield place, _published(row)


def _published(row: dict[str, Any]) -> dict[str, Any]:
    """A record of the published layout as ours; its other fields are kept.

    The published ``target_name`` is a row, a variable, ``row:variable`` or several joined by commas; rows that were
    injected beside it are named only in the text of ``ground_truth_fix`` and start with an underscore. Of the repairs
    told there, only a restored bound can be written as an action of the published set.
    """
    error_type, fix = str(row.get("error_type")), str(row.get("ground_truth_fix", ""))
    kind = PUBLISHED_KINDS.get(error_type, "row")
    injected = re.findall(r"\b_\w+", fix) if error_type in INJECTED_BESIDE else []
    repair = [str(Action("UPDATE_BOUNDS", (name, float(value)))) for name, value in LOWER_BOUND.findall(fix)]
    causes = []
    for target in filter(None, str(row.get("target_name") or "").split(",")):
        name = target.split(":")[0]
        causes.append({"kind": kind, "name": name, "touches": sorted({name, *injected})})
    # what follows names the error type
    description = str(row.get("problem_nl") or "").split(" Contains ")[0] or None
    known = {"description": description, "root_cause": causes, "repair": repair, "family": row.get("problem_type")}
    return {**row, **known}


@lru_cache(maxsize=64)
def _real(folder: str) -> Path:
    """Where a set's folder really lies; asked for each model, and a tenth of the time an episode takes."""
    return Path(folder).resolve()


def _lies_plainly(folder: str, name: str) -> bool:
    """Whether it is a file that neither a link nor a step upwards leads out to: then nothing needs to be resolved."""
    parts, place, mode = name.split("/"), folder, 0
    if name.startswith("/") or ".." in parts:
        return False
    try:
        for part in parts:
            place = f"{place}/{part}"
            mode = os.lstat(place).st_mode
            if stat.S_ISLNK(mode):
                return False
    except (OSError, ValueError):  # a null byte is no error of the system
        return False
    return stat.S_ISREG(mode)


def _inside(folder: Path, name: str, problem_id: str) -> Path:
    path = folder / name
    if _lies_plainly(str(folder), name):
        return path
    if Path(name).is_absolute() or not path.resolve().is_relative_to(_real(str(folder.absolute()))):
        raise InputError(
            f"{folder}: problem {problem_id!r} points outside its folder: {name!r}.",
            "Model files must lie in the problem set's own folder.",
        )
    if not path.is_file():
        raise InputError(
            f"{folder}: problem {problem_id!r} has no model file {name!r}.", "Restore it or remove the row."
        )
    return path
