"""The audit of files: every row once, then what only all of them together show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ordebug.converters.audit.catalogue import KINDS, SEVERITIES
from ordebug.converters.audit.finding import Audit, Example, Finding, Table, found
from ordebug.converters.audit.formats import UNKNOWN
from ordebug.converters.audit.groups import Place, conflicts, copies
from ordebug.converters.audit.inspection import Settings, characters, hashed
from ordebug.converters.audit.measures import distribution, lengths, predictors, templates, too_long, unused
from ordebug.converters.audit.pieces import Source, open_source, tallies
from ordebug.converters.audit.tally import Columns, Tally
from ordebug.core.parallel import Executor
from ordebug.env.problem_set import read_problem_set


@dataclass(frozen=True)
class Question:
    """What an audit is asked beside the rows.

    Attributes:
        settings: By what rows are judged.
        problems: The problem set the rows were made from.
        max_length: The longest row in tokens that training will take.
        no_tokens: Why lengths are in characters; empty where they are in tokens.
    """

    settings: Settings = field(default_factory=Settings)
    problems: Path | None = None
    max_length: int | None = None
    no_tokens: str = ""


def audit(
    files: Sequence[Path], question: Question | None = None, *, workers: int = 1, executor: Executor = "local"
) -> Audit:
    """Audits files as one set of rows.

    Args:
        files: Alpaca or messages, as JSON lines, a list, or a document with a list under ``data``.
        question: What to look at beside the rows.
        workers: Processes; the answer does not depend on it.
        executor: Where they are; likewise.

    Raises:
        InputError: If a file is missing, empty, or not rows; a single bad row is a finding.
    """
    asked = question or Question()
    known = set(map(hashed, read_problem_set(asked.problems).problems)) if asked.problems else None
    sources = [open_source(path, index) for index, path in enumerate(files)]
    total = Tally()
    for source in sources:
        for tally in tallies(source, asked.settings, workers, executor):
            total.add(tally)
    return _judged(total, sources, asked, known)


def _judged(total: Tally, sources: Sequence[Source], asked: Question, known: set[int] | None) -> Audit:
    table = total.table()

    def place(row: np.void | tuple[int, int]) -> str:
        return sources[int(row[0])].place(int(row[1]))

    tables, findings = _measured(total, table, asked, place)
    findings += [*_marked(total, sources), *copies(table, place), *conflicts(table, place)]
    findings += _linked(table, known, asked.problems, place)
    findings += _mixed(total)
    files = tuple(str(source.path) for source in sources)
    return Audit(files, total.read, tuple(sorted(findings, key=_order)), tuple(tables))


def _measured(total: Tally, table: Columns, asked: Question, place: Place) -> tuple[list[Table], list[Finding]]:
    unit = "characters" if asked.settings.lengths is characters else "tokens"
    variety, few = templates(total, table, place)
    rules, leaks = predictors(total, place)
    tables = [
        distribution("Actions", "actions", total.actions),
        distribution("Error types", "types", total.types),
        lengths(table, unit),
        variety,
        rules,
    ]
    findings = [*few, *leaks, *unused(total, asked.settings.actions)]
    if unit == "characters":
        findings.append(found("lengths_unknown", total.read, total.read, figures={"fix": asked.no_tokens}))
    elif asked.max_length is not None:
        findings += too_long(table, asked.max_length, place)
    return tables, findings


def _marked(total: Tally, sources: Sequence[Source]) -> Iterator[Finding]:
    for kind, mark in total.marks.items():
        examples = tuple(Example(sources[file].place(number), detail) for file, number, detail in mark.first)
        figures = {"numbered_steps": total.stepping} if kind == "step_without_history" else {}
        yield found(kind, mark.count, total.read, examples, figures=figures)


def _mixed(total: Tally) -> Iterator[Finding]:
    """Rows of other formats than most are."""
    formats = [(name, count) for name, count in total.formats.most_common() if name != UNKNOWN]
    if len(formats) > 1:
        told = ", ".join(f"{name} {count:,}" for name, count in formats)
        yield found("mixed_formats", total.read - formats[0][1], total.read, figures={"formats": told})


def _linked(table: Columns, known: set[int] | None, folder: Path | None, place: Place) -> Iterator[Finding]:
    """Rows whose problem is not in the set."""
    if known is None:
        return
    rows = np.flatnonzero(~np.isin(table["problem"], np.array(sorted(known), "u8")))
    if len(rows):
        examples = tuple(Example(place(table[row])) for row in rows[:3])
        figures = {"problems": str(folder), "linked": len(table) - len(rows)}
        yield found("unknown_problem", len(rows), len(table), examples, figures=figures)


def _order(finding: Finding) -> tuple[int, float, int, str]:
    """The gravest first, then the most frequent."""
    kinds = list(KINDS)
    at = kinds.index(finding.kind) if finding.kind in KINDS else len(kinds)
    return SEVERITIES.index(finding.severity), -finding.share, at, finding.kind
