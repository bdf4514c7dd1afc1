"""What was lost on general benchmarks, from a ``forgetting.json``: only what the gate needs of it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_json
from ordebug.env.problem import explain
from ordebug.eval.intervals import Estimate

FLOOR = "floor"
"""The verdict on a benchmark that the model could not answer before either: there was nothing to lose."""


class Row(BaseModel):
    """One benchmark.

    Attributes:
        benchmark: Its name.
        n: Questions graded before and after.
        delta: after - before, as a share; negative where something was lost.
        low: Lower end of its interval.
        high: Upper end.
        verdict: What was said of it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    benchmark: str
    n: int
    delta: float
    low: float | None = None
    high: float | None = None
    verdict: str = ""


class Document(BaseModel):
    """A ``forgetting.json``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    rows: list[Row]


def largest_loss(path: Path) -> Estimate:
    """The loss on the benchmark that lost most, a share; all None where none could lose anything.

    Raises:
        InputError: If the file is missing or something else.
    """
    found = read_json(path, "a forgetting.json")
    try:
        rows = [row for row in Document.model_validate(found).rows if row.verdict != FLOOR and row.n]
    except ValidationError as error:
        raise InputError(f"{path}: {explain(error)}.", "Give the forgetting.json of this model.") from None
    if not rows:
        return Estimate()
    worst = min(rows, key=lambda row: row.delta)
    low = None if worst.high is None else -worst.high
    return Estimate(-worst.delta, low, None if worst.low is None else -worst.low, worst.n)
