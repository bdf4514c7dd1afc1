"""What was lost on general benchmarks, as the gate needs it."""

from pathlib import Path

from ordebug.eval.forgetting.result import read_forgetting
from ordebug.eval.intervals import Estimate

FLOOR = "floor"
"""The verdict on a benchmark that the model could not answer before either: there was nothing to lose."""


def largest_loss(path: Path) -> Estimate:
    """The loss on the benchmark that lost most, a share; all None where none could lose anything.

    Raises:
        InputError: If the file is missing or something else.
    """
    rows = [row for row in read_forgetting(path).rows if row.verdict != FLOOR and row.n]
    if not rows:
        return Estimate()
    worst = min(rows, key=lambda row: row.delta)
    low = None if worst.high is None else -worst.high
    return Estimate(-worst.delta, low, None if worst.low is None else -worst.low, worst.n)
