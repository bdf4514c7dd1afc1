"""A file of rows, each replayed on its problem; those that hold are kept, the others set aside with the reasons."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from ordebug.converters.verify.condition import DEFAULT, complaints, conditions
from ordebug.converters.verify.decision import Decision, Read, read_decisions
from ordebug.converters.verify.finding import Finding
from ordebug.converters.verify.replay import Task, replay
from ordebug.converters.verify.tally import Tally
from ordebug.core.errors import UsageError
from ordebug.core.jsonl import atomic_text, read_lines
from ordebug.core.parallel import parallel_map
from ordebug.env.action import ActionSet
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.solvers.model import SolverName

WINDOW = 50_000
"""Rows held at a time; those of one problem share its solves where they stand in one window."""


@dataclass(frozen=True)
class Verification:
    """What to verify.

    Attributes:
        file: The rows.
        problems: Folder of the problem set.
        actions: The set the actions are read by; None takes what each row's system turn offers, else ``compat``.
        require: Names of the conditions that a row must meet.
        equivalence: Whether to prove equivalence with clean models, which takes several solves a row.
        keep: Where rows that meet them go.
        reject: Where the others go, with the reasons.
        workers: Processes; no result depends on it.
        solver: Which solver judges; the one whose conflicts the prompts print.
    """

    file: Path
    problems: Path
    actions: ActionSet | None = None
    require: Sequence[str] = DEFAULT
    equivalence: bool = False
    keep: Path | None = None
    reject: Path | None = None
    workers: int = 1
    solver: SolverName = "auto"


def verify(asked: Verification) -> Tally:
    """Replays every row; the files appear whole or not at all.

    Raises:
        InputError: If the file or the set cannot be read.
        LicenceError: If the solver has no licence.
        UsageError: If there is no such condition, or an output is the input or the other output.
    """
    _check_paths(asked)
    required = conditions(asked.require)
    problems = read_problem_set(asked.problems)
    tally = Tally()
    with ExitStack() as stack:
        kept, rejected = (
            stack.enter_context(atomic_text(path)) if path else None for path in (asked.keep, asked.reject)
        )
        rows = read_decisions(asked.file, asked.actions)
        lines = _lines(asked.file) if kept or rejected else None
        for window in _windows(rows):
            for row, finding in zip(window, _replayed(window, problems, asked), strict=True):
                reasons = complaints(finding, required)
                tally.add(finding, kept=not reasons)
                _write(row, reasons, lines, kept, rejected)
    return tally


def _check_paths(asked: Verification) -> None:
    outputs = [path for path in (asked.keep, asked.reject) if path]
    if any(path.exists() and asked.file.exists() and path.samefile(asked.file) for path in outputs):
        raise UsageError("an output is the input itself.", "Give --keep and --reject other paths.")
    if len(outputs) == 2 and outputs[0].resolve() == outputs[1].resolve():
        raise UsageError("--keep and --reject are one file.", "Give them different paths.")


def _windows(rows: Iterator[Read]) -> Iterator[list[Read]]:
    while window := list(islice(rows, WINDOW)):
        yield window


def _replayed(window: Sequence[Read], problems: ProblemSet, asked: Verification) -> list[Finding]:
    """A finding for each row, in their order."""
    findings: dict[int, Finding] = {}
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(window):
        if row.decision is None:
            findings[place] = Finding("", "unreadable", row.fault)
        elif row.decision.problem_id not in problems.problems:
            detail = f"{problems.folder} has no problem {row.decision.problem_id!r}"
            findings[place] = Finding(row.decision.error_type, "no_problem", detail)
        else:
            places[row.decision.problem_id].append(place)
    tasks = [_task(window, where, problems, asked) for where in places.values()]
    results = parallel_map(replay, tasks, workers=asked.workers, label="problems replayed")
    for where, found in zip(places.values(), results, strict=True):
        findings.update(zip(where, found, strict=True))
    return [findings[place] for place in range(len(window))]


def _task(window: Sequence[Read], places: Sequence[int], problems: ProblemSet, asked: Verification) -> Task:
    decisions: list[Decision] = [found for place in places if (found := window[place].decision) is not None]
    problem = problems.get(decisions[0].problem_id)
    own = ProblemSet(problems.folder, {problem.problem_id: problem})
    equivalence = asked.equivalence or "equivalent" in asked.require
    return Task(problem, own, tuple(decisions), equivalence, asked.solver)


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Place and bytes of each line."""
    return ((f"{path}:{number}", line.rstrip(b"\r\n")) for number, line in read_lines(path))


def _write(
    row: Read,
    reasons: Sequence[str],
    lines: Iterator[tuple[str, bytes]] | None,
    kept: IO[str] | None,
    rejected: IO[str] | None,
) -> None:
    """Writes a row to the file where it belongs, its text as it stands in the input."""
    if lines is None:
        return
    text, whole = _text(row, lines)
    if kept is not None and not reasons:
        kept.write(f"{text}\n")
    if rejected is not None and reasons:
        told = json.dumps({"place": row.record.place, "reasons": list(reasons)}, ensure_ascii=False)
        held = text if whole else json.dumps(text, ensure_ascii=False)
        rejected.write(f'{told[:-1]}, "row": {held}}}\n')


def _text(row: Read, lines: Iterable[tuple[str, bytes]]) -> tuple[str, bool]:
    """The JSON text of a row, and whether it is that: a line which is no JSON is a text only.

    A row of JSON lines keeps its bytes. An element of a document has none of its own, its value is written; of several
    decisions in one row, each as a row of its own.
    """
    record = row.record
    if record.alone and _is_line(record.place):
        line = next(line for place, line in lines if place == record.place)
        return line.decode(errors="replace"), not record.error
    value = record.row if record.alone and record.row is not None else record.value
    return (record.error, False) if record.error else (json.dumps(value, ensure_ascii=False), True)


def _is_line(place: str) -> bool:
    return place.rpartition(":")[2].isdigit()
