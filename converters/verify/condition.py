"""Conditions that a row may be held to: a closed set, each with the reason that a row which fails is given."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ordebug.converters.verify.finding import Finding
from ordebug.core.errors import UsageError

DEFAULT = ("restores",)
CONDITIONS = {
    "applies": "the action can be carried out",
    "restores": "the model is feasible and bounded after it, or a cause is edited where more actions are needed",
    "root_cause": "it edits what the injected error touches",
    "iis": "the prompt prints the solver's conflict, rows and bounds",
    "op>=X": "the clean optimum is kept to that share, X within 0 and 1",
    "equivalent": "the clean model's feasible set is given back, proved",
}
"""The conditions, and what each asks."""


@dataclass(frozen=True)
class Condition:
    """What is asked of a row.

    Attributes:
        name: As the user gave it.
        complaint: Why a finding does not meet it, empty where it does.
    """

    name: str
    complaint: Callable[[Finding], str]


def conditions(names: Sequence[str]) -> tuple[Condition, ...]:
    """The conditions of these names.

    Raises:
        UsageError: If there is none of a name.
    """
    return tuple(Condition(name, _complaint(name)) for name in dict.fromkeys(names))


def complaints(finding: Finding, asked: Sequence[Condition]) -> list[str]:
    """Why a row is not kept, empty where it is; a row that was not replayed is vouched for by nobody."""
    if finding.not_replayed is not None:
        return [f"not replayed, {finding.not_replayed}: {finding.detail}"]
    found = ((condition.name, condition.complaint(finding)) for condition in asked)
    return [f"{name}: {complaint}" for name, complaint in found if complaint]


def _complaint(name: str) -> Callable[[Finding], str]:
    known = {
        "applies": _applies,
        "restores": _restores,
        "root_cause": _root_cause,
        "iis": _iis,
        "equivalent": _equivalent,
    }
    if name in known:
        return known[name]
    word, at_least, limit = name.partition(">=")
    if word.strip() == "op" and at_least:
        return partial(_op, _share(limit.strip(), name))
    raise UsageError(f"there is no condition {name!r}.", f"Choose among {', '.join(CONDITIONS)}.")


def _share(text: str, name: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise UsageError(
            f"{name!r} does not read op>=X with X within 0 and 1.", "Give for example --require 'op>=0.95'."
        )
    return share


def _applies(finding: Finding) -> str:
    return "" if finding.applies else f"{finding.outcome}{f', {finding.detail}' if finding.detail else ''}"


def _restores(finding: Finding) -> str:
    if finding.restores or (finding.more_needed and finding.root_cause):
        return ""
    if not finding.applies:
        return _applies(finding)
    if not finding.infeasible:
        return "there is nothing to restore, the model is not infeasible"
    short = ", and more actions are needed, as was proved" if finding.more_needed else ""
    return f"{finding.outcome}, the model is {finding.status.lower()}{short}"


def _root_cause(finding: Finding) -> str:
    if finding.root_cause is None:
        return "no cause is known, or nothing is edited"
    return "" if finding.root_cause else "it edits something else"


def _iis(finding: Finding) -> str:
    told = {None: "the prompt prints no conflict", "rows": "the prompt prints other bounds in the conflict", "same": ""}
    return told.get(finding.iis, "the prompt prints another conflict")


def _op(least: float, finding: Finding) -> str:
    if finding.op is None:
        return "the clean optimum is not known"
    return "" if finding.restores and finding.op >= least else f"it is {finding.op:.6g}"


def _equivalent(finding: Finding) -> str:
    return "" if finding.restores and finding.equivalence == "equivalent" else finding.equivalence or "not proved"
