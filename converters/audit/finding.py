"""What an audit says: findings with their count, share, examples and the way out, and the tables beside them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ordebug.converters.audit.catalogue import Severity, known

VERSION = 1
EXAMPLES_EACH = 3
Cells = tuple[str | int | float | None, ...]


@dataclass(frozen=True)
class Example:
    """Where something stands, and what stands there."""

    place: str
    detail: str = ""


@dataclass(frozen=True)
class Finding:
    """One kind of fault.

    Attributes:
        kind: Its name, see ``catalogue.py``.
        severity: Errors make the command exit with status 1.
        title: What it is, in a sentence.
        count: How many there are.
        of: Of how many.
        unit: Of what: rows, inputs or problems.
        examples: The first three.
        advice: What to do.
        figures: What else was measured.
    """

    kind: str
    severity: Severity
    title: str
    count: int
    of: int
    unit: str
    examples: tuple[Example, ...]
    advice: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Part of the whole, from 0 to 1."""
        return self.count / self.of if self.of else 0.0

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {**asdict(self), "figures": dict(self.figures), "share": round(self.share, 6)}


@dataclass(frozen=True)
class Table:
    """Figures that are no fault: cells by row, under headings."""

    key: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[Cells, ...]
    note: str = ""

    def as_json(self) -> list[dict[str, Any]]:
        """One object a row."""
        return [dict(zip(self.headings, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Audit:
    """All that was found."""

    files: tuple[str, ...]
    rows: int
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]

    def count(self, severity: Severity) -> int:
        """How many findings are of that severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For a program to read: the findings in order, the tables by their keys."""
        return {
            "version": VERSION,
            "files": list(self.files),
            "rows": self.rows,
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            "notes": self.count("note"),
            "findings": [finding.as_json() for finding in self.findings],
            **{table.key: table.as_json() for table in self.tables},
        }


def found(
    kind: str,
    count: int,
    of: int,
    examples: tuple[Example, ...] = (),
    *,
    unit: str = "rows",
    figures: Mapping[str, Any] | None = None,
    severity: Severity | None = None,
) -> Finding:
    """A finding in the catalogue's words.

    Args:
        kind: Its name.
        count: How many.
        of: Of how many.
        examples: Where.
        unit: Of what.
        figures: What else was measured; the catalogue's words may name them in braces.
        severity: Another than the catalogue's, where it depends on the figures.
    """
    words, values = known(kind), figures or {}
    title, advice = (text.format_map(values) for text in (words.title, words.advice))
    return Finding(kind, severity or words.severity, title, count, of, unit, examples, advice, values)
