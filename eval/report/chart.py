"""One picture: a dot and an interval for the run and each anchor, as geometry that the template draws in SVG."""

from dataclasses import dataclass

from ordebug.eval.report.rows import CEILING, HEADLINE, Metrics, policy_rows, value_text

CHARTED = ("root_cause_at_1", "op")
WIDTH, LABELS, RIGHT, TOP, ROW = 400, 110, 46, 26, 30
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
LONGEST_LABEL = 16


@dataclass(frozen=True)
class Mark:
    """A policy's dot.

    Attributes:
        label: The policy.
        role: ``run``, ``anchor`` or ``ceiling``; the template colours by it.
        y: Its line.
        x: Where the dot lies.
        low: Where the interval begins, None where there is none.
        high: Where it ends.
        text: The value.
    """

    label: str
    role: str
    y: int
    x: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class Chart:
    """One metric's picture."""

    title: str
    width: int
    height: int
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    summary: str


def charts(name: str, metrics: Metrics) -> list[Chart]:
    """A picture for each charted metric that was measured."""
    drawn = [_chart(name, metrics, key) for key in CHARTED]
    return [chart for chart in drawn if chart.marks]


def _chart(name: str, metrics: Metrics, key: str) -> Chart:
    marks: list[Mark] = []
    for place, (label, cells) in enumerate(policy_rows(name, metrics)):
        cell = cells.get(key)
        if cell is None or cell["value"] is None:
            continue
        role = "run" if place == 0 else "ceiling" if label == CEILING else "anchor"
        low, high = (None if cell[end] is None else _x(cell[end]) for end in ("low", "high"))
        y = TOP + ROW * len(marks) + ROW // 2
        marks.append(Mark(_short(label), role, y, _x(cell["value"]), low, high, value_text(cell)))
    ticks = tuple((_x(tick), f"{tick:g}") for tick in TICKS)
    summary = ", ".join(f"{mark.label} {mark.text}" for mark in marks)
    return Chart(HEADLINE[key], WIDTH, TOP + ROW * len(marks) + 8, ticks, tuple(marks), summary)


def _x(share: float) -> float:
    return round(LABELS + share * (WIDTH - LABELS - RIGHT), 1)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
