"""What reports show: which metrics, in which order, as which text, and the verdict in one line."""

from collections.abc import Mapping
from typing import Any

HEADLINE = {
    "rr_at_1": "RR@1",
    "rr_at_5": "RR@5",
    "root_cause_at_1": "root-cause@1",
    "op": "OP",
    "action_valid": "action valid",
    "think_valid": "think valid",
    "steps": "steps",
}
QUALITY = {
    "equivalent": "equivalent",
    "edit_cost": "rows touched, L0 = 1",
    "edit_violation": "violation, L1 = 1",
    "da_published": "published DA",
    "da_published_ceiling": "its ceiling, one action",
}
"""Shown apart, once ``ordebug report --quality`` has measured it."""

BY_TYPE = ("rr_at_1", "root_cause_at_1", "op")
CEILING = "oracle"
NOTHING = "-"
THOUGHTS = ("think_valid", "think_empty", "think_missing", "think_truncated", "think_malformed")

Metrics = Mapping[str, Any]
Cell = Mapping[str, Any]
Row = tuple[str, Mapping[str, Cell]]


def policy_rows(name: str, metrics: Metrics) -> list[Row]:
    """The run, then the anchors; what an anchor does not do, thinking, is left out of its row."""
    anchors = [
        (policy, {key: cell for key, cell in cells.items() if key not in THOUGHTS})
        for policy, cells in metrics["anchors"].items()
    ]
    return [(name, metrics["overall"]), *anchors]


def type_rows(metrics: Metrics) -> list[tuple[str, Mapping[str, Cell], Mapping[str, Cell]]]:
    """Each error type with the run's cells and the oracle's."""
    ceilings = metrics["anchors_by_type"].get(CEILING, {})
    return [(kind, cells, ceilings.get(kind, {})) for kind, cells in metrics["by_type"].items()]


def measured_quality(metrics: Metrics) -> bool:
    """Whether the repairs were measured."""
    return any(cells["edit_cost"]["n"] for cells in (metrics["overall"], *metrics["anchors"].values()))


def count_text(cells: Mapping[str, Cell]) -> str:
    """How many episodes a row speaks of."""
    return str(cells["steps"]["n"])


def value_text(cell: Cell | None) -> str:
    """A metric's value: ``.912``, or a dash where it was not measured."""
    return NOTHING if cell is None or cell["value"] is None else number_text(cell["value"])


def interval_text(cell: Cell | None, digits: int = 3) -> str:
    """A metric's interval: ``.871-.944``, nothing where there is none."""
    if cell is None or cell["low"] is None:
        return ""
    return f"{number_text(cell['low'], digits)}-{number_text(cell['high'], digits)}"


def number_text(value: float, digits: int = 3) -> str:
    """A share without its leading zero; from 1 on with a digit less, so that columns stay narrow."""
    rounded = round(value, digits)
    return f"{rounded:.{digits - 1}f}" if abs(rounded) >= 1 else f"{rounded:.{digits}f}".replace("0.", ".", 1)


SIGNIFICANT = 0.05
"""With few clusters the interval alone says too much; the sign-flip's p must agree."""


def verdict(metrics: Metrics) -> str:
    """Whether root-cause@1 beats every anchor but the oracle, with the paired interval above zero."""
    rivals = [policy for policy in metrics["paired"] if policy not in (CEILING, metrics["policy"])]
    if not rivals:
        return "Played without the anchors: nothing here can be compared."
    found = {policy: metrics["paired"][policy]["root_cause_at_1"] for policy in rivals}
    if any(cell["difference"] is None for cell in found.values()):
        return "Root-cause@1 is not measured: the problems do not say what was broken, or nothing was scored."
    beaten = [
        policy
        for policy, cell in found.items()
        if cell["low"] is not None and cell["low"] > 0 and cell["p"] < SIGNIFICANT
    ]
    nearest = min(rivals, key=lambda policy: found[policy]["difference"])
    told = f"Paired difference to the nearest, {nearest}: {_difference(found[nearest])}."
    if len(beaten) == len(rivals):
        return f"Root-cause@1 beats every anchor but the oracle. {told}"
    rest = ", ".join(policy for policy in rivals if policy not in beaten)
    return f"Root-cause@1 is not shown to beat {rest}. {told}"


def warnings(metrics: Metrics) -> list[str]:
    """What a reader must know before comparing the numbers."""
    told = []
    if metrics["errors"]:
        told.append(
            f"{metrics['errors']} of {metrics['episodes']} episodes are unscored: the solver or a server failed, or a "
            "problem could not be used. 'error' in episodes.jsonl says why; the same command plays them again."
        )
    if metrics.get("prompts_differ"):
        told.append(
            f"{metrics['prompts_differ']} of {metrics['episodes']} prompts are not the ones this version renders with "
            "these settings: the numbers do not compare with rollouts."
        )
    if metrics.get("unproved"):
        told.append(
            f"{sum(metrics['unproved'].values())} repairs could neither be proved equivalent nor different, and enter "
            "no mean: 'reason' in quality.jsonl says why."
        )
    return told


def _difference(cell: Cell) -> str:
    interval = "" if cell["low"] is None else f" [{cell['low']:+.3f}, {cell['high']:+.3f}]"
    return f"{cell['difference']:+.3f}{interval}, p = {cell['p']:.2g}"
