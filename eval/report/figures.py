"""A run's pictures: what is drawn of its metrics and of its episodes, each with a line that says how to read it."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ordebug.env.episode import Episode
from ordebug.env.reply import split_think
from ordebug.env.reward import OBJECTIVE_KEPT
from ordebug.eval.intervals import mean_interval
from ordebug.eval.metrics import Case, equivalent, objective_preserved, pass_sizes, recovered_within
from ordebug.eval.report import chart
from ordebug.eval.report.chart import Part, Point, Series
from ordebug.eval.report.rows import CEILING, HEADLINE, Cell, Metrics, policy_rows

CHARTED = ("root_cause_at_1", "op")
CURVES = (CEILING, "feasrelax-l0", "drop-first", "random")
VALID = {"applied": "edit made", "shown": "looked", "submitted": "submitted"}
THOUGHTS = ("valid", "empty", "missing", "truncated", "malformed")
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
SAME = 1e-9
RETURN_BINS = 20
TOKEN_BINS = 16


@dataclass(frozen=True)
class Figure:
    """A picture and how to read it."""

    picture: Markup
    note: str = ""


@dataclass(frozen=True)
class Ending:
    """What an episode left, for the columns of quality against steps."""

    steps: int
    left: str


def headline(name: str, metrics: Metrics) -> list[Figure]:
    """A dot and an interval for the run and each anchor, a picture for each charted metric that was measured."""
    found = []
    for key in CHARTED:
        rows = [(label, cells.get(key)) for label, cells in policy_rows(name, metrics)]
        series = [
            Series(label, _role(place, label), [_point(cell)])
            for place, (label, cell) in enumerate(rows)
            if cell is not None and cell["value"] is not None
        ]
        found += [Figure(chart.dots(HEADLINE[key], series))] if series else []
    return found


def by_steps(name: str, own: Sequence[Case], anchors: Mapping[str, Sequence[Case]]) -> list[Figure]:
    """RR@k over k, and what episodes left by the steps that they took."""
    if not own:
        return []
    found = []
    horizon = max(case.horizon for case in own)
    if horizon > 1:
        steps = range(1, horizon + 1)
        series = [Series(name, "run", [_recovered(own, k, interval=True) for k in steps])]
        for label in CURVES:
            if anchors.get(label):
                points = [_recovered(anchors[label], k, interval=False) for k in steps]
                series.append(Series(label, _role(1, label), points))
        note = (
            "Steps across, with the 95 % band of the run. At each k only the problems that can be repaired in k steps "
            "count, so a curve may fall; none at all is a gap."
        )
        found.append(Figure(chart.curves("RR@k: recovered within k steps", [str(k) for k in steps], series), note))
    return [*found, _left_by_steps(own)]


def health(episodes: Iterable[Episode]) -> list[Figure]:
    """The state of the thoughts, and what became of the actions."""
    steps = [step for episode in episodes if episode.stop != "error" for step in episode.steps]
    if not steps:
        return []
    thoughts: Counter[str] = Counter(split_think(step.reply)[1] for step in steps)
    outcomes = Counter(step.outcome for step in steps)
    rest = [outcome for outcome, _ in outcomes.most_common() if outcome not in VALID]
    thought_parts = [Part(state, "good" if state == "valid" else "bad", [thoughts[state]]) for state in THOUGHTS]
    action_parts = [Part(title, "good", [outcomes[outcome]]) for outcome, title in VALID.items()]
    action_parts += [Part(outcome.replace("_", " "), "bad", [outcomes[outcome]]) for outcome in rest]
    return [
        Figure(chart.bars("Thoughts", thought_parts), f"Of {len(steps):,} replies."),
        Figure(chart.bars("Actions", action_parts), "Below: what carried out nothing, by reason."),
    ]


def returns(episodes: Sequence[Episode]) -> list[Figure]:
    """The returns of episodes, and how many groups of samples differ in none."""
    groups: dict[str, list[float]] = {}
    for episode in episodes:
        if episode.reward is not None:
            groups.setdefault(episode.problem_id, []).append(min(1.0, max(-1.0, episode.reward)))
    values = [value for group in groups.values() for value in group]
    if not values:
        return []
    edges = [float(edge) for edge in np.linspace(-1, 1, RETURN_BINS + 1)]
    counts = [int(count) for count in np.histogram(values, edges)[0]]
    picture = chart.columns("Return", [f"{edge:.1f}" for edge in edges], [Part("returns", "run", counts)], every=False)
    note = f"Mean {np.mean(values):.3f}, standard deviation {np.std(values):.3f}."
    several = [group for group in groups.values() if len(group) > 1]
    if several:
        flat = sum(max(group) - min(group) < SAME for group in several)
        note += (
            f" {flat} of {len(several)} groups of samples ({flat / len(several):.0%}) have no variance: "
            "nothing is learned from them with a relative advantage."
        )
    return [Figure(picture, note)]


def cost(episodes: Iterable[Episode]) -> list[Figure]:
    """Tokens of the replies, and seconds of the environment."""
    steps = [step for episode in episodes for step in episode.steps]
    found = []
    tokens = [step.tokens for step in steps if step.tokens is not None]
    if tokens:
        wide = _round_up(max(tokens) / TOKEN_BINS)
        edges = [wide * number for number in range(max(1, math.ceil((max(tokens) + 1) / wide)) + 1)]
        counts = [int(count) for count in np.histogram(tokens, edges)[0]]
        ticks = [_short(edge) for edge in edges]
        picture = chart.columns("Tokens of a reply", ticks, [Part("replies", "run", counts)], every=False)
        found.append(Figure(picture, f"{_spread(tokens)} {sum(tokens):,} in all."))
    replies = [step.reply_seconds for step in steps if step.reply_seconds is not None]
    found += _seconds("Seconds until a reply had come", "replies", replies)
    solving = [step.seconds for step in steps if step.seconds is not None]
    return found + _seconds("Seconds of the environment's part of a step", "steps", solving)


def passes(name: str, metrics: Metrics) -> list[Figure]:
    """pass@k over k, where problems were tried several times."""
    cells = metrics["overall"]
    known = sorted(int(key.removeprefix("pass_at_")) for key in cells if key.startswith("pass_at_"))
    sizes = [k for k in known if k in pass_sizes(max(known))]
    if not sizes:
        return []
    series = Series(name, "run", [_point(cells[f"pass_at_{k}"]) for k in sizes])
    note = "At least one of k samples recovers with OP of .95 or more, by the unbiased estimate; k across."
    return [Figure(chart.curves("pass@k", [str(k) for k in sizes], [series]), note)]


# --- parts ----------------------------------------------------------------------------------------------------------


def _seconds(title: str, what: str, seconds: Sequence[float]) -> list[Figure]:
    if not seconds:
        return []
    counts = [int(count) for count in np.histogram(seconds, [0.0, *SECONDS, math.inf])[0]]
    ticks = ["0", *(f"{edge:g}" for edge in SECONDS), "more"]
    picture = chart.columns(title, ticks, [Part(what, "run", counts)], every=False)
    return [Figure(picture, f"{_spread(seconds)} {sum(seconds):,.1f} in all.")]


def _left_by_steps(own: Sequence[Case]) -> Figure:
    endings = [Ending(len(case.episode.steps), _left(case)) for case in own]
    last = max(ending.steps for ending in endings)
    counted = Counter((ending.steps, ending.left) for ending in endings)
    steps = range(min(ending.steps for ending in endings), last + 1)
    assessed = any(case.assessed for case in own)
    known = {case.problem.original_objective is not None for case in own}
    names = {
        "equivalent": ("equivalent to the clean model", assessed),
        "kept": (f"OP of {OBJECTIVE_KEPT:g} or more", True in known),
        "changed": ("feasible, OP below", True in known),
        "feasible": ("feasible, OP not known", False in known),
        "broken": ("not recovered", True),
    }
    parts = [
        Part(title, f"left-{left}", [counted[k, left] for k in steps])
        for left, (title, shown) in names.items()
        if shown
    ]
    note = "Steps across, episodes upward."
    if not assessed:
        note += " ordebug report --quality also proves which repairs are equivalent."
    return Figure(chart.columns("What was left, by steps taken", [str(k) for k in steps], parts), note)


def _left(case: Case) -> str:
    if not case.episode.recovered:
        return "broken"
    if equivalent(case) == 1.0:
        return "equivalent"
    preserved = objective_preserved(case)
    if preserved is None:
        return "feasible"
    return "kept" if preserved >= OBJECTIVE_KEPT else "changed"


def _recovered(cases: Sequence[Case], k: int, *, interval: bool) -> Point:
    found = [(value, case.problem.cluster) for case in cases if (value := recovered_within(k, case)) is not None]
    values = [value for value, _ in found]
    if not values:
        return Point(None)
    if not interval:
        return Point(sum(values) / len(values))
    estimate = mean_interval(values, [cluster for _, cluster in found], share=True)
    return Point(estimate.value, estimate.low, estimate.high)


def _point(cell: Cell) -> Point:
    return Point(cell["value"], cell["low"], cell["high"])


def _role(place: int, label: str) -> str:
    return "run" if place == 0 else "ceiling" if label == CEILING else "anchor"


def _spread(values: Sequence[float]) -> str:
    middle, high, most = (float(number) for number in (*np.percentile(values, (50, 95)), max(values)))
    return f"Median {middle:.3g}, 95th percentile {high:.3g}, most {most:.3g}."


def _short(count: int) -> str:
    """A count that fits below a column."""
    thousands = 2 if count >= 10_000_000 else 1 if count >= 10_000 else 0
    return f"{count / 1000**thousands:,g}{('', 'k', 'M')[thousands]}"


def _round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, ..."""
    power = 10 ** max(0, math.floor(math.log10(max(1.0, value))))
    return next(int(step * power) for step in (1, 2, 5, 10) if step * power >= value)
