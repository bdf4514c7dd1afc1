"""Reads the files of one finished EvalScope benchmark: a score for each question that was asked."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError
from ordebug.core.jsonl import Row, read_rows
from ordebug.core.manifest import sha256_text
from ordebug.eval.forgetting.evaluation import LABEL, report_file

CUT_OFF = ("max_tokens", "model_length")
"""EvalScope's words for a reply that its limit or the context's end cut."""
AGAIN = "Remove the benchmark's folder and evaluate again; EvalScope 1.14.1 is what is read."


@dataclass(frozen=True)
class Answer:
    """One reply to one question.

    Attributes:
        group: What its question is called; replies to one question share it.
        question: Digest of the prompt and of the accepted answers.
        score: In [0, 1]; None where EvalScope could not grade it.
        cut_off: Whether it was cut before its end.
    """

    group: str
    question: str
    score: float | None
    cut_off: bool


def read_answers(folder: Path, name: str, metric: str) -> dict[str, Answer]:
    """Every reply of a benchmark, by subset and number.

    Args:
        folder: Where EvalScope left the benchmark.
        name: EvalScope's name of it.
        metric: Which of its scores to read.

    Raises:
        InputError: If it was not finished, holds no reply, or has no such metric.
    """
    if not report_file(folder, name).is_file():
        raise InputError(f"{folder} holds no finished {name}.", "Evaluate this side first; the same command goes on.")
    found = {}
    for path in sorted((folder / "reviews" / LABEL).glob(f"{name}_*.jsonl")):
        subset, reasons = path.stem.removeprefix(f"{name}_"), _stop_reasons(folder / "predictions" / LABEL / path.name)
        for index, answer in _answers(path, subset, metric, reasons):
            found[f"{subset} {index}"] = answer
    if not found:
        raise InputError(f"{folder} holds no reply: {name} was asked nothing.", f"Check its data. {AGAIN}")
    return found


def _answers(path: Path, subset: str, metric: str, reasons: Mapping[Any, str]) -> Iterator[tuple[Any, Answer]]:
    for number, row in read_rows(path, "a review of EvalScope"):
        try:
            place = row["index"]
            group = f"{subset} {row['sample_score'].get('group_id', place)}"
            score = _score(row["sample_score"]["score"], metric)
            asked = [(turn["role"], turn["content"]) for turn in row["messages"] if turn["role"] != "assistant"]
            question = sha256_text(repr((asked, row["target"])))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            reason = str(error) if isinstance(error, ValueError) else f"no review of EvalScope ({error!r})"
            raise InputError(f"{path}:{number}: {reason}.", AGAIN) from None
        yield place, Answer(group, question, score, reasons.get(place) in CUT_OFF)


def _score(score: Row, metric: str) -> float | None:
    """The metric's value; None where grading failed, which EvalScope may write as 0 with the error beside it.

    Raises:
        ValueError: If there is no such metric, or its value is no share.
    """
    values, failed = score["value"], (score.get("metadata") or {}).get("metric_errors") or {}
    if not values or any(metric.casefold().startswith(name.casefold()) for name in failed):
        return None
    if metric not in values:
        raise ValueError(f"there is no metric {metric!r}, but {', '.join(values)}")
    value = float(values[metric])
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"{metric} is {value}, not a share between 0 and 1")
    return value


def _stop_reasons(path: Path) -> dict[Any, str]:
    """Why each reply ended, by its number; none where EvalScope kept no predictions."""
    if not path.is_file():
        return {}
    reasons = {}
    for number, row in read_rows(path, "predictions of EvalScope"):
        try:
            reasons[row["index"]] = row["model_output"]["choices"][0]["stop_reason"]
        except (KeyError, TypeError, IndexError):
            raise InputError(f"{path}:{number}: no prediction of EvalScope.", AGAIN) from None
    return reasons
