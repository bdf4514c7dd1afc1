"""``gate.json``: what ``ordebug gate`` found of a run, kept in the run's folder for the report."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_json, write_json
from ordebug.core.manifest import sha256_file
from ordebug.env.problem import explain
from ordebug.eval.gate.thresholds import CheckName
from ordebug.eval.run_folder import RunFolder

RESULT = "gate.json"

Outcome = Literal["holds", "fails", "not measured"]


class CheckRecord(BaseModel):
    """One check.

    Attributes:
        check: What was checked.
        value: What was found; None where nothing was measured.
        low: Lower end of its 95 % interval, where it has one.
        high: Upper end.
        n: How many values it is the mean of.
        min: The least that holds; exactly one of the two is given.
        max: The greatest that holds.
        threshold: The same as text.
        outcome: What was found of it.
        passes: Whether the gate may open as far as this check goes.
        unsure: Whether the threshold lies within the interval.
        note: Why nothing was measured, empty where something was.
        why: Why the threshold stands where it does.
        fix: What to do, empty where it passes.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    check: CheckName
    value: float | None
    low: float | None
    high: float | None
    n: int
    min: float | None
    max: float | None
    threshold: str
    outcome: Outcome
    passes: bool
    unsure: bool
    note: str
    why: str
    fix: str


class GateRecord(BaseModel):
    """All checks of a run.

    Attributes:
        version: Of this form.
        run: The run's name.
        episodes_sha256: Digest of the episodes that were judged.
        open: Whether the run's model is ready.
        group_size: ``num_generations`` that is planned.
        checks: One a check, in the order of the thresholds.
        warnings: What a reader must know before believing it.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    run: str
    episodes_sha256: str
    open: bool
    group_size: int
    checks: tuple[CheckRecord, ...]
    warnings: tuple[str, ...] = ()

    @property
    def shut_by(self) -> list[CheckRecord]:
        """The checks that keep it shut."""
        return [check for check in self.checks if not check.passes]


def judged_episodes(run: RunFolder) -> str:
    """Digest of a run's episodes, empty where there are none."""
    file = run.episodes_file()
    return sha256_file(file) if file.is_file() else ""


def write_gate(run: RunFolder, found: GateRecord) -> None:
    """Writes ``gate.json`` into a run's folder."""
    write_json(run.path / RESULT, found.model_dump(mode="json"))


def read_gate(run: RunFolder) -> GateRecord | None:
    """Reads ``gate.json`` of a run's folder; None where no gate was run.

    Raises:
        InputError: If it is something else.
    """
    path = run.path / RESULT
    if not path.exists():
        return None
    found = read_json(path, "a gate.json")
    try:
        return GateRecord.model_validate(found)
    except ValidationError as error:
        raise InputError(f"{path}: {explain(error)}.", f"Make it again: ordebug gate {run.path}") from None
