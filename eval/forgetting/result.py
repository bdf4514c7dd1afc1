"""``forgetting.json``: a row for each benchmark, and what it takes to read it."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_json, write_json

RESULT = "forgetting.json"

Verdict = Literal["kept", "unclear", "forgotten", "floor"]
"""``kept``: a loss above the threshold is excluded. ``forgotten``: the whole interval lies beyond it. ``unclear``:
neither. ``floor``: the model scored no more than the threshold before, so that there was nothing to lose."""


class ForgettingRow(BaseModel):
    """One benchmark, before and after.

    Attributes:
        benchmark: EvalScope's name of it.
        metric: Which of its scores is compared.
        n: Replies graded on both sides.
        before: Mean before fine-tuning, a share.
        after: Mean after it.
        delta: after - before, paired by question; negative where something was lost.
        low: Lower end of its 95 % interval; None for a single question.
        high: Upper end.
        p: Two-sided p-value of the sign-flip test.
        verdict: What the interval says about the threshold.
        cut_off: Replies that were cut before their end, before and after.
        ungraded: Replies left out because one side's was not graded.
    """

    model_config = ConfigDict(frozen=True)

    benchmark: str
    metric: str
    n: int
    before: float
    after: float
    delta: float
    low: float | None
    high: float | None
    p: float | None
    verdict: Verdict
    cut_off: tuple[int, int]
    ungraded: int


class Forgetting(BaseModel):
    """The whole result.

    Attributes:
        version: Of this form.
        threshold: The loss, as a share, that may not be shown to be exceeded.
        before: The model before fine-tuning.
        after: The model after it.
        evalscope: The version that asked and graded.
        asked: The panel's settings by benchmark.
        rows: One a benchmark.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    threshold: float
    before: str
    after: str
    evalscope: str
    asked: dict[str, dict[str, Any]]
    rows: list[ForgettingRow]

    @property
    def forgotten(self) -> list[str]:
        """Benchmarks that were shown to lose more than the threshold."""
        return [row.benchmark for row in self.rows if row.verdict == "forgotten"]


def write_forgetting(path: Path, found: Forgetting) -> None:
    """Writes ``forgetting.json``."""
    write_json(path, found.model_dump(mode="json"))


def read_forgetting(path: Path) -> Forgetting:
    """Reads ``forgetting.json``, or the one in a folder.

    Raises:
        InputError: If it is missing or something else.
    """
    path = path / RESULT if path.is_dir() else path
    found = read_json(path, "a forgetting.json")
    try:
        return Forgetting.model_validate(found)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(
            f"{path}: {place or 'the file'}: {error.errors()[0]['msg']}.", "Make it again: ordebug forgetting compare."
        ) from None
