"""What is kept of the rows: hashes and lengths in columns, counts, and the first examples. Tallies of parts add up."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ordebug.converters.audit.choices import SAMPLED, Choice, sampled
from ordebug.converters.audit.finding import EXAMPLES_EACH

COLUMNS = np.dtype(
    [
        ("file", "u2"),
        ("number", "u4"),
        ("pair", "u8"),
        ("prompt", "u8"),
        ("bare", "u8"),
        ("masked", "u8"),
        ("thought", "u8"),
        ("action", "u8"),
        ("problem", "u8"),
        ("verb", "u1"),
        ("asked", "u4"),
        ("answered", "u4"),
    ]
)
"""72 bytes a row: place; hashes of prompt and output, prompt, prompt without its id, prompt masked, thought masked,
action and problem; the action's name; tokens (or characters) of the prompt and of the answer."""

Columns = NDArray[np.void]
TEXTS_KEPT = 500
"""Distinct masked thoughts whose text is kept, for examples; all are counted."""


@dataclass
class Mark:
    """How many rows show a fault, and the first of them: file, row and detail."""

    count: int = 0
    first: list[tuple[int, int, str]] = field(default_factory=list)

    def add(self, other: "Mark") -> None:
        """Adds what came later."""
        self.count += other.count
        self.first += other.first[: EXAMPLES_EACH - len(self.first)]


@dataclass
class Tally:
    """What is known of some rows.

    Attributes:
        lines: Lines (or elements) passed, by which later places are moved on.
        read: Rows among them: decisions, where a row of the file holds several.
        formats: Rows by format.
        marks: Faults of single rows, by kind.
        columns: A record for each row that could be read.
        types: Rows by error type.
        actions: Rows by action, or by why there is none.
        stepping: Thoughts that number their step.
        thoughts: Texts of the first distinct masked thoughts, by hash.
        choices: A sample of the targets with what they were chosen from.
    """

    lines: int = 0
    read: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    marks: dict[str, Mark] = field(default_factory=dict)
    columns: list[Columns] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    stepping: int = 0
    thoughts: dict[int, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)

    def mark(self, kind: str, file: int, number: int, detail: str = "") -> None:
        """Counts a fault of a row."""
        self.marks.setdefault(kind, Mark()).add(Mark(1, [(file, number, detail)]))

    def add(self, other: "Tally") -> None:
        """Adds the tally of the rows that follow."""
        self.lines += other.lines
        self.read += other.read
        self.formats += other.formats
        for kind, mark in other.marks.items():
            self.marks.setdefault(kind, Mark()).add(mark)
        self.columns += other.columns
        self.types += other.types
        self.actions += other.actions
        self.stepping += other.stepping
        for key, text in other.thoughts.items():
            if len(self.thoughts) < TEXTS_KEPT:
                self.thoughts.setdefault(key, text)
        self.choices += other.choices
        if len(self.choices) > 2 * SAMPLED:
            self.choices = sampled(self.choices)

    def moved(self, lines: int) -> "Tally":
        """The same with every place moved on by so many lines."""
        for mark in self.marks.values():
            mark.first = [(file, number + lines, detail) for file, number, detail in mark.first]
        self.columns = [columns.copy() for columns in self.columns]  # what another process sends may be read-only
        for columns in self.columns:
            columns["number"] += lines
        self.choices = [choice.moved(lines) for choice in self.choices]
        return self

    def table(self) -> Columns:
        """All columns as one."""
        return np.concatenate([np.empty(0, COLUMNS), *self.columns])
