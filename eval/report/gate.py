"""What the page shows of the gate: its checks as rows and as a picture, from what ``ordebug gate`` left."""

from dataclasses import dataclass

from ordebug.core.errors import InputError
from ordebug.eval.gate.record import CheckRecord, GateRecord, judged_episodes, read_gate
from ordebug.eval.gate.thresholds import CHECKS
from ordebug.eval.report import chart
from ordebug.eval.report.chart import Margin
from ordebug.eval.report.figures import Figure
from ordebug.eval.report.rows import NOTHING, number_text
from ordebug.eval.run_folder import RunFolder

TITLES = {
    "action_valid": ("action valid", "replies that are one well-formed action"),
    "think_valid": ("think valid", "replies with one thought, with text in it"),
    "think_empty": ("think empty", "replies whose thought is empty"),
    "think_missing": ("think missing", "replies without a thought"),
    "think_truncated": ("think cut off", "replies whose thought never ends"),
    "rr_at_5": ("RR@5", "recovered within 5 steps"),
    "headroom": ("headroom", "pass@G less pass@1"),
    "zero_variance_groups": ("flat groups", "all pass or all fail, of all problems"),
    "zero_variance_filtered": ("flat when kept", "the same of a fresh group, on the prompts that are kept"),
    "prompts_left": ("prompts kept", "problems that neither always pass nor never"),
    "reward_spread": ("reward spread", "mean standard deviation within a group"),
    "entropy": ("entropy", "nats a token"),
    "forgetting": ("forgetting", "largest loss on a general benchmark"),
}
"""Of each check, its name on the page and what it is."""

UNBOUNDED = ("prompts_left", "reward_spread", "entropy")
"""Checks that are no share."""

HOW_TO_READ = (
    "The line is the threshold; right of it a check holds. Each row ends at the worst and at the best value there can "
    "be, or at twice the threshold. Bars are 95 % intervals; one across the line leaves the verdict unsure."
)


@dataclass(frozen=True)
class GateLine:
    """One row of the table, all as text.

    Attributes:
        title: The check's name.
        what: What it is.
        value: What was found.
        interval: Its 95 % interval, empty where there is none.
        n: How many values it is the mean of.
        threshold: What was asked.
        verdict: What was found of it.
        role: ``yes``, ``no`` or ``soft``; the style sheet colours by it.
    """

    title: str
    what: str
    value: str
    interval: str
    n: str
    threshold: str
    verdict: str
    role: str


@dataclass(frozen=True)
class GateView:
    """The gate of a run, or why it cannot be shown.

    Attributes:
        trouble: Why there is no more than this; empty where there is.
        open: Whether the model is ready.
        verdict: The same in one sentence.
        warnings: What a reader must know before believing it.
        lines: The checks.
        unmeasured: Of each check without a value: its title and why.
        figure: Their picture, where anything was measured.
        advice: Of each check that keeps the gate shut: its title, why, what to do.
    """

    trouble: str = ""
    open: bool = False
    verdict: str = ""
    warnings: tuple[str, ...] = ()
    lines: tuple[GateLine, ...] = ()
    unmeasured: tuple[tuple[str, str], ...] = ()
    figure: Figure | None = None
    advice: tuple[tuple[str, str, str], ...] = ()


def gate_view(run: RunFolder) -> GateView | None:
    """What is shown of a run's gate; None where none was run."""
    try:
        found = read_gate(run)
    except InputError as error:
        return GateView(trouble=f"{error.message} {error.fix}")
    if found is None:
        return None
    return GateView(
        open=found.open,
        verdict=_verdict(found),
        warnings=tuple(_warnings(found, run)),
        lines=tuple(map(_line, found.checks)),
        unmeasured=tuple((TITLES[check.check][0], check.note) for check in found.checks if check.note),
        figure=_figure(found),
        advice=tuple((TITLES[check.check][0], check.why, check.fix) for check in found.shut_by),
    )


def _verdict(found: GateRecord) -> str:
    size = f"groups of {found.group_size}"
    if found.open:
        return f"The gate is open: this model is ready for GRPO with {size}."
    return (
        f"The gate is shut: {len(found.shut_by)} of {len(found.checks)} checks keep this model from GRPO with {size}."
    )


def _warnings(found: GateRecord, run: RunFolder) -> list[str]:
    told = [f"Of this gate: {warning}" for warning in found.warnings]
    if found.episodes_sha256 != judged_episodes(run):
        told.append(f"The episodes have changed since the gate was run. Run it again: ordebug gate {run.path}")
    made = {check.check for check in found.checks}
    left_out = [TITLES[name][0] for name in CHECKS if name not in made]
    if left_out:
        told.append(f"Its thresholds leave out: {', '.join(left_out)}.")
    return told


def _line(check: CheckRecord) -> GateLine:
    title, what = TITLES[check.check]
    verdict = f"{check.outcome}{', unsure' if check.unsure else ''}"
    role = "soft" if check.outcome == "not measured" and check.passes else "yes" if check.passes else "no"
    ends = [_number(check, end) for end in (check.low, check.high) if end is not None]
    interval = "-".join(ends) if len(ends) == 2 else ""
    return GateLine(
        title, what, _number(check, check.value), interval, f"{check.n:,}", _threshold(check), verdict, role
    )


def _threshold(check: CheckRecord) -> str:
    return f"≥ {_number(check, check.min)}" if check.min is not None else f"≤ {_number(check, check.max)}"


def _number(check: CheckRecord, value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if check.check == "prompts_left" else number_text(value)


def _figure(found: GateRecord) -> Figure | None:
    rows = [
        Margin(
            TITLES[check.check][0],
            "good" if check.passes else "bad",
            _margin(check, check.value),
            None if check.low is None else _margin(check, check.low),
            None if check.high is None else _margin(check, check.high),
            _number(check, check.value),
        )
        for check in found.checks
        if check.value is not None
    ]
    return Figure(chart.margins("Margins", rows), HOW_TO_READ) if rows else None


def _margin(check: CheckRecord, value: float) -> float:
    """Where a value lies between the worst, -1, the threshold, 0, and the best, 1."""
    least = check.min is not None
    threshold = (check.min if least else check.max) or 0.0
    most = 2 * threshold if check.check in UNBOUNDED else 1.0
    worst, best = (0.0, most) if least else (most, 0.0)
    holds = value >= threshold if least else value <= threshold
    span = abs((best if holds else worst) - threshold)
    share = min(1.0, abs(value - threshold) / span) if span else float(value != threshold)
    return share if holds else -share
