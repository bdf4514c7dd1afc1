"""What set is to be made, and the orders it is made of."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ordebug.core.errors import UsageError
from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.faults import FAULTS
from ordebug.env.generate.scale import Scale


@dataclass(frozen=True)
class Plan:
    """A set to make.

    Attributes:
        count: How many problems, in equal shares of the types.
        types: Error types.
        families: Families, drawn in turn.
        scale: How large the clean models are.
        most_conflict_rows: Problems whose conflict has more are rejected.
        hard: Whether every problem must be proved hard.
        seed: Sets of different seeds share no clean model.
    """

    count: int
    types: tuple[str, ...]
    families: tuple[str, ...]
    scale: Scale = field(default_factory=Scale)
    most_conflict_rows: int = 12
    hard: bool = False
    seed: int = 0

    def check(self) -> None:
        """Refuses plans that nothing could meet.

        Raises:
            UsageError: If a type or family is unknown or named twice, or a number is out of range.
        """
        for wanted, known, what in ((self.types, FAULTS, "error type"), (self.families, FAMILIES, "family")):
            unknown = ", ".join(name for name in wanted if name not in known)
            if unknown or not wanted:
                raise UsageError(f"unknown {what} {unknown or '(none given)'}.", f"Choose of {', '.join(known)}.")
            if len(set(wanted)) < len(wanted):
                raise UsageError(f"a {what} is named twice.", "Name each once.")
        self.scale.check()
        if self.count < 1:
            raise UsageError(f"--count {self.count} makes no problem.", "Ask for at least 1.")

    def quota(self) -> dict[str, int]:
        """How many problems each type gets."""
        return {name: len(range(i, self.count, len(self.types))) for i, name in enumerate(self.types)}

    def manifest(self) -> dict[str, Any]:
        """The plan for reports."""
        spans = {name: [span.start, span.stop - 1] for name, span in vars(self.scale).items()}
        return {name: value for name, value in asdict(self).items() if name != "scale"} | spans


@dataclass(frozen=True)
class Order:
    """One clean model to draw and break.

    Attributes:
        folder: Where the files go.
        plan: The set it is for.
        types: Error types to make of it, one problem each.
        number: Its place among the clean models of the set.
    """

    folder: Path
    plan: Plan
    types: tuple[str, ...]
    number: int

    @property
    def family(self) -> str:
        """Which family to draw from."""
        return self.plan.families[self.number % len(self.plan.families)]

    @property
    def base_id(self) -> str:
        """The name that problems of this clean model share."""
        return f"{self.family}-{self.plan.seed}-{self.number:06d}"
