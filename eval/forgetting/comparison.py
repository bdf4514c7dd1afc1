"""Before and after fine-tuning, paired by question: what was lost, and whether chance explains it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from statsmodels.stats.proportion import proportion_confint

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_json
from ordebug.eval.forgetting.answers import Answer, read_answers
from ordebug.eval.forgetting.evaluation import SIDE
from ordebug.eval.forgetting.result import Forgetting, ForgettingRow, Verdict
from ordebug.eval.intervals import CONFIDENCE, Difference, mean_interval, paired_difference

Answers = Mapping[str, Answer]


def compare_sides(before: Path, after: Path, threshold: float) -> Forgetting:
    """What two evaluated sides differ in, benchmark by benchmark.

    Args:
        before: Folder of the model before fine-tuning, as ``evaluate`` leaves it.
        after: Folder of the model after it.
        threshold: The loss, as a share, that may not be shown to be exceeded.

    Raises:
        InputError: If a result is missing, or the two were not asked the same.
    """
    first, second = _side(before), _side(after)
    _same_panel(before, after, first, second)
    rows = []
    for name, asked in first["asked"].items():
        pair = [read_answers(folder / name, name, asked["metric"]) for folder in (before, after)]
        rows.append(forgetting_row(name, asked["metric"], pair[0], pair[1], threshold))
    return Forgetting(
        threshold=threshold,
        before=first["model"],
        after=second["model"],
        evalscope=first["evalscope"],
        asked=first["asked"],
        rows=rows,
    )


def forgetting_row(name: str, metric: str, before: Answers, after: Answers, threshold: float) -> ForgettingRow:
    """One benchmark's row.

    Raises:
        InputError: If the two were asked different questions, or no question was graded on both sides.
    """
    _same_questions(name, before, after)
    both = [key for key in before if before[key].score is not None and after[key].score is not None]
    if not both:
        raise InputError(
            f"{name}: no question was graded on both sides.",
            "Look for the reason in EvalScope's log; IFEval and BLEU need NLTK's 'punkt_tab' data, for one.",
        )
    old, new = ([side[key].score or 0.0 for key in both] for side in (before, after))
    groups = [before[key].group for key in both]
    means = [mean_interval(scores, groups, share=True).value or 0.0 for scores in (old, new)]
    found = widened(paired_difference(new, old, groups), len(set(groups)))
    return ForgettingRow(
        benchmark=name,
        metric=metric,
        n=len(both),
        before=means[0],
        after=means[1],
        delta=means[1] - means[0],
        low=found.low,
        high=found.high,
        p=found.p,
        verdict=_verdict(found, means[0], threshold),
        cut_off=(sum(before[key].cut_off for key in both), sum(after[key].cut_off for key in both)),
        ungraded=len(before) - len(both),
    )


def widened(found: Difference, questions: int) -> Difference:
    """Opens an interval of no width: where all questions differ by the same, resampling shows no spread.

    To either side lies what Wilson's interval leaves open of a share that was never seen.

    Args:
        found: A paired difference of shares.
        questions: How many questions it is of.
    """
    if found.difference is None or found.low is None or found.low != found.high:
        return found
    open_share = float(proportion_confint(0, questions, alpha=1 - CONFIDENCE, method="wilson")[1])
    return replace(found, low=max(-1.0, found.difference - open_share), high=min(1.0, found.difference + open_share))


def _verdict(found: Difference, before: float, threshold: float) -> Verdict:
    if before <= threshold:
        return "floor"
    if found.low is None or found.high is None:
        return "unclear"
    if found.high < -threshold:
        return "forgotten"
    return "kept" if found.low >= -threshold else "unclear"


def _side(folder: Path) -> dict[str, Any]:
    found = read_json(folder / SIDE, "the record of an evaluated side")
    if not isinstance(found, dict) or not {"model", "evalscope", "asked"} <= set(found):
        raise InputError(f"{folder / SIDE} is no record of an evaluated side.", "Evaluate this side again.")
    return found


def _same_panel(before: Path, after: Path, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    if first["evalscope"] != second["evalscope"]:
        versions = f"{first['evalscope']} and {second['evalscope']}"
        raise InputError(f"{before} and {after} are of EvalScope {versions}.", "Evaluate both with one version.")
    names = [*first["asked"], *(name for name in second["asked"] if name not in first["asked"])]
    differing = [name for name in names if first["asked"].get(name) != second["asked"].get(name)]
    if differing:
        raise InputError(
            f"{before} and {after} were not asked the same: {', '.join(differing)} differ in what the panel says.",
            "Evaluate both with one panel; side.json in each folder holds what was asked.",
        )


def _same_questions(name: str, before: Answers, after: Answers) -> None:
    changed = [key for key in before if key in after and before[key].question != after[key].question]
    alone = set(before) ^ set(after)
    if changed or alone:
        told = f"{len(changed)} questions differ" if changed else f"{len(alone)} questions were asked on one side only"
        first = changed[0] if changed else min(alone)
        raise InputError(
            f"{name}: {told} (the first: {first}).", "Evaluate both sides again on the same data, with one panel."
        )
