"""Counts over a file's findings, overall and by error type."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ordebug.converters.verify.finding import Finding

NO_TYPE = "unknown"


@dataclass
class Counts:
    """Counts over some rows.

    Attributes:
        rows: Rows.
        not_replayed: Those of which nothing else is known, by reason; every count below is of the others.
        infeasible: Whose problem is infeasible as it begins.
        iis_printed: Whose prompt prints a conflict.
        iis_matches: Whose prompt prints the rows of the solver's.
        iis_same: Whose prompt prints its bounds as well.
        outcomes: By what became of the action.
        restores: Whose action leaves the model feasible and bounded.
        more_needed: Whose action does not, where so few actions provably cannot.
        root_cause_known: Which edit something, on a problem with a known cause.
        root_cause_hits: Which edit a cause.
        op_known: Whose clean optimum is known.
        op_sum: The sum of their OP.
        equivalence: By verdict; empty where it was not asked.
    """

    rows: int = 0
    not_replayed: Counter[str] = field(default_factory=Counter)
    infeasible: int = 0
    iis_printed: int = 0
    iis_matches: int = 0
    iis_same: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    restores: int = 0
    more_needed: int = 0
    root_cause_known: int = 0
    root_cause_hits: int = 0
    op_known: int = 0
    op_sum: float = 0.0
    equivalence: Counter[str] = field(default_factory=Counter)

    @property
    def replayed(self) -> int:
        """Rows that were replayed."""
        return self.rows - self.not_replayed.total()

    @property
    def op_mean(self) -> float | None:
        """Mean OP, failures 0, over the rows whose clean optimum is known; None where there are none."""
        return self.op_sum / self.op_known if self.op_known else None

    def add(self, finding: Finding) -> None:
        """Counts a row."""
        self.rows += 1
        if finding.not_replayed is not None:
            self.not_replayed[finding.not_replayed] += 1
            return
        self.infeasible += finding.infeasible
        self.iis_printed += finding.iis is not None
        self.iis_matches += finding.iis in ("same", "rows")
        self.iis_same += finding.iis == "same"
        self.outcomes[finding.outcome] += 1
        self.restores += finding.restores
        self.more_needed += finding.more_needed and not finding.restores
        self.root_cause_known += finding.root_cause is not None
        self.root_cause_hits += finding.root_cause is True
        self.op_known += finding.op is not None
        self.op_sum += finding.op or 0.0
        if finding.equivalence is not None:
            self.equivalence[finding.equivalence] += 1

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return {
            "rows": self.rows,
            "replayed": self.replayed,
            "not_replayed": dict(sorted(self.not_replayed.items())),
            "infeasible": self.infeasible,
            "iis_printed": self.iis_printed,
            "iis_matches": self.iis_matches,
            "iis_same": self.iis_same,
            "outcomes": dict(sorted(self.outcomes.items())),
            "restores": self.restores,
            "more_needed": self.more_needed,
            "root_cause_known": self.root_cause_known,
            "root_cause_hits": self.root_cause_hits,
            "op_known": self.op_known,
            "op_mean": self.op_mean,
            "equivalence": dict(sorted(self.equivalence.items())),
        }


@dataclass
class Tally:
    """Counts of a file.

    Attributes:
        overall: Of all rows.
        by_type: By error type.
        kept: Rows that meet the conditions.
    """

    overall: Counts = field(default_factory=Counts)
    by_type: dict[str, Counts] = field(default_factory=dict)
    kept: int = 0

    def add(self, finding: Finding, *, kept: bool) -> None:
        """Counts a row."""
        self.overall.add(finding)
        self.by_type.setdefault(finding.error_type or NO_TYPE, Counts()).add(finding)
        self.kept += kept

    @property
    def failed(self) -> int:
        """Rows that were replayed and do not meet the conditions."""
        return self.overall.replayed - self.kept

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        types = {name: counts.as_json() for name, counts in sorted(self.by_type.items())}
        return {**self.overall.as_json(), "kept": self.kept, "failed": self.failed, "by_type": types}
