"""The entropy of sampled replies, where ``swift infer`` was run with ``logprobs``."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ordebug.core.jsonl import read_rows

RESULTS = "infer/**/*.result.jsonl"


def sampled_entropies(run: Path) -> list[float]:
    """Of each reply of a run, the mean of -log p of its tokens, in nats: an estimate of the entropy a token.

    Exact in expectation where replies are sampled at temperature 1 from the whole vocabulary; what backends report at
    other temperatures is the model's own log p, so that a lower temperature makes it lower than the entropy.
    """
    return [mean for file in sorted(run.glob(RESULTS)) for _, row in read_rows(file) for mean in _mean(row)]


def _mean(row: dict[str, Any]) -> Iterator[float]:
    logprobs = row.get("logprobs")
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return
    found = [token.get("logprob") for token in content if isinstance(token, dict)]
    values = [-float(value) for value in found if isinstance(value, int | float) and math.isfinite(value)]
    if values and len(values) == len(content):
        yield sum(values) / len(values)
