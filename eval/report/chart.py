"""The kinds of pictures: dots with intervals, curves with bands, bars, columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from markupsafe import Markup

from ordebug.eval.report.rows import number_text
from ordebug.eval.report.svg import WIDTH, box, dot, group, line, path, picture, text

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
LABELS, VALUES, TOP, ROW = 110, 46, 26, 30
LEFT, ENDS, PLOT, AXIS, BETWEEN = 30, 116, 170, 20, 14
LONGEST_LABEL = 16
MOST_TICKS = 10
LEGEND_LINE = 18


@dataclass(frozen=True)
class Point:
    """A value with its interval, which may be missing; all None where nothing was measured."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """Values in the order of the ticks.

    Attributes:
        label: What they belong to.
        role: ``run``, ``anchor`` or ``ceiling``; the style sheet colours by it.
        points: One a tick.
    """

    label: str
    role: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Margin:
    """How far a value is from its threshold, which is 0: from -1, the worst that fails, to 1, the best that holds.

    Attributes:
        label: What was measured.
        role: The style sheet colours by it.
        place: Where the value is.
        low: Where one end of its interval is, which may be missing.
        high: Where the other is.
        words: The value itself.
    """

    label: str
    role: str
    place: float
    low: float | None
    high: float | None
    words: str


@dataclass(frozen=True)
class Part:
    """One of the parts that bars or columns are made of: what it is, its colour, its count in each of them."""

    label: str
    role: str
    counts: Sequence[int]


def dots(title: str, series: Sequence[Series]) -> Markup:
    """The first point of each series on a scale from 0 to 1, one below the other."""
    height = TOP + ROW * len(series) + 8
    parts = [line(_across(share), TOP - 2, _across(share), height, "grid") for share in SHARES]
    parts += [text(_across(share), 14, f"{share:g}", anchor="middle", role="tick") for share in SHARES]
    for place, one in enumerate(series):
        parts.append(group(one.role, _dot_row(one, TOP + ROW * place + ROW // 2)))
    summary = ", ".join(f"{one.label} {_value(one.points[0])}" for one in series)
    return picture(title, summary, height, parts)


def margins(title: str, rows: Sequence[Margin]) -> Markup:
    """Each value with its interval, one below the other, around the line that is every row's threshold."""
    height = TOP + ROW * len(rows) + 8
    parts = [line(_from_threshold(end), TOP - 2, _from_threshold(end), height, "grid") for end in (-1, 1)]
    parts.append(line(_from_threshold(0), TOP - 2, _from_threshold(0), height, "threshold"))
    told = (("fails", -0.5), ("threshold", 0), ("holds", 0.5))
    parts += [text(_from_threshold(place), 14, word, anchor="middle", role="tick") for word, place in told]
    for place, row in enumerate(rows):
        parts.append(group(row.role, _margin_row(row, TOP + ROW * place + ROW // 2)))
    summary = ", ".join(f"{row.label} {row.words} {'holds' if row.place >= 0 else 'fails'}" for row in rows)
    return picture(title, summary, height, parts)


def curves(title: str, ticks: Sequence[str], series: Sequence[Series]) -> Markup:
    """Shares from 0 to 1 over ticks, each curve named at its end, the first with its band; gaps stay gaps."""
    parts = [part for share in SHARES for part in _level(share)]
    wide = (WIDTH - LEFT - ENDS) / max(1, len(ticks) - 1)
    places = [LEFT + wide * number for number in range(len(ticks))]
    parts += _ticks(places, ticks)
    drawn = [one for one in reversed(series) if any(point.value is not None for point in one.points)]
    for one in drawn:
        parts.append(group(one.role, _curve(one, places)))
    parts += _end_labels(drawn, places)
    return picture(title, _told(ticks, series), TOP + PLOT + AXIS, parts)


def bars(title: str, parts: Sequence[Part]) -> Markup:
    """One horizontal bar a part: its share of all, and its count."""
    total = sum(sum(part.counts) for part in parts)
    found = []
    for place, part in enumerate(parts):
        count, y = sum(part.counts), TOP + ROW * place
        wide = (WIDTH - 110 - 100) * count / total if total else 0.0
        words = f"{_percent(count, total)}  ({count:,})"
        inside = [text(0, y + 15, part.label), box(110, y + 3, max(wide, 1 if count else 0), 16, "fill")]
        found.append(group(part.role, [*inside, text(WIDTH, y + 15, words, anchor="end")]))
    summary = ", ".join(f"{part.label} {sum(part.counts)}" for part in parts)
    return picture(title, summary, TOP + ROW * len(parts), found)


def columns(title: str, ticks: Sequence[str], parts: Sequence[Part], *, every: bool = True) -> Markup:
    """Upright columns of counts, one a tick, each made of the parts from the bottom up; a legend where several.

    ``every`` as False puts the ticks between the columns: one more of them than there are columns.
    """
    counts = [sum(found) for found in zip(*(part.counts for part in parts), strict=True)]
    top = TOP + BETWEEN + (LEGEND_LINE * len(parts) if len(parts) > 1 else 0)
    most, wide = max([1, *counts]), (WIDTH - LEFT) / max(1, len(counts))
    drawn = [*_legend(parts), *_counts_axis(most, top)]
    for number, count in enumerate(counts):
        drawn += _column(parts, number, (LEFT + wide * number, wide), (top, most))
        if count and len(counts) <= MOST_TICKS:
            middle, y = LEFT + wide * (number + 0.5), top + PLOT * (1 - count / most)
            drawn.append(text(middle, y - 3, f"{count:,}", anchor="middle", role="tick"))
    places = [LEFT + wide * (number + (0.5 if every else 0)) for number in range(len(ticks))]
    drawn += _ticks(places, ticks, top)
    return picture(title, _told_columns(ticks, parts, counts, every=every), top + PLOT + AXIS, drawn)


# --- parts ----------------------------------------------------------------------------------------------------------


def _dot_row(one: Series, y: float) -> Iterator[Markup]:
    point = one.points[0]
    yield text(0, y + 4, _short(one.label))
    if point.low is not None and point.high is not None:
        yield line(_across(point.low), y, _across(point.high), y, "bar")
    if point.value is not None:
        yield dot(_across(point.value), y)
    yield text(WIDTH, y + 4, _value(point), anchor="end")


def _margin_row(row: Margin, y: float) -> Iterator[Markup]:
    yield text(0, y + 4, _short(row.label))
    if row.low is not None and row.high is not None:
        yield line(_from_threshold(row.low), y, _from_threshold(row.high), y, "bar")
    yield dot(_from_threshold(row.place), y)
    yield text(WIDTH, y + 4, row.words, anchor="end")


def _curve(one: Series, places: Sequence[float]) -> Iterator[Markup]:
    """The band, the line and its dots, in pieces where values are missing."""
    pairs = list(zip(places, one.points, strict=True))
    for measured, found in groupby(pairs, key=lambda pair: pair[1].value is not None):
        piece = list(found)
        if measured:
            upper = [(x, _up(point.high)) for x, point in piece if point.high is not None]
            lower = [(x, _up(point.low)) for x, point in piece if point.low is not None]
            if len(upper) > 1:
                yield path([*upper, *reversed(lower)], "band", closed=True)
            line_points = [(x, _up(point.value)) for x, point in piece if point.value is not None]
            yield path(line_points, "curve")
            yield from (dot(x, y, 2.5) for x, y in line_points)


def _end_labels(drawn: Sequence[Series], places: Sequence[float]) -> list[Markup]:
    """Each curve's name and last value right of its end, pushed apart where ends lie close."""
    ends = []
    for one in drawn:
        last = next(point.value for point in reversed(one.points) if point.value is not None)
        ends.append((_up(last), one, last))
    ends.sort(key=lambda end: end[0])
    found, y = [], 0.0
    for place, (wanted, one, last) in enumerate(ends):
        y = max(wanted + 4, y + BETWEEN) if place else wanted + 4
        y = min(y, TOP + PLOT + 4 - BETWEEN * (len(ends) - 1 - place))
        label = text(places[-1] + 8, y, f"{_short(one.label, 12)} {number_text(last, 2)}")
        found.append(group(one.role, [label]))
    return found


def _level(share: float) -> Iterator[Markup]:
    y = _up(share)
    yield line(LEFT, y, WIDTH - ENDS, y, "grid")
    yield text(LEFT - 6, y + 4, f"{share:g}", anchor="end", role="tick")


def _ticks(places: Sequence[float], ticks: Sequence[str], top: float = TOP) -> Iterator[Markup]:
    least = -(-len(ticks) // MOST_TICKS)
    step = next(
        (step for step in range(least, 2 * least) if (len(ticks) - 1) % step == 0), least
    )  # so the last is told
    for number, (x, tick) in enumerate(zip(places, ticks, strict=True)):
        if number % step == 0:
            yield text(x, top + PLOT + 16, tick, anchor="middle", role="tick")


def _legend(parts: Sequence[Part]) -> Iterator[Markup]:
    for place, part in enumerate(parts if len(parts) > 1 else ()):
        y = TOP + LEGEND_LINE * place - 4
        words = f"{part.label}: {sum(part.counts):,}"
        yield group(part.role, [box(LEFT, y, 10, 10, "fill"), text(LEFT + 16, y + 9, words)])


def _counts_axis(most: int, top: float) -> Iterator[Markup]:
    for count in (0, most):
        y = top + PLOT * (1 - count / most)
        yield line(LEFT, y, WIDTH, y, "grid")
        yield text(LEFT - 4, y + 4, f"{count:,}", anchor="end", role="tick")


def _column(
    parts: Sequence[Part], number: int, across: tuple[float, float], scale: tuple[float, int]
) -> Iterator[Markup]:
    (x, wide), (top, most) = across, scale
    y = top + PLOT
    for part in parts:
        height = PLOT * part.counts[number] / most
        y -= height
        if height:
            yield group(part.role, [box(x + wide * 0.06, y, wide * 0.88, height, "fill")])


# --- words ----------------------------------------------------------------------------------------------------------


def _told(ticks: Sequence[str], series: Sequence[Series]) -> str:
    lines = []
    for one in series:
        values = [f"{tick}: {_value(point)}" for tick, point in zip(ticks, one.points, strict=True)]
        lines.append(f"{one.label} at {', '.join(values)}")
    return "; ".join(lines)


def _told_columns(ticks: Sequence[str], parts: Sequence[Part], counts: Sequence[int], *, every: bool) -> str:
    names = ticks if every else [f"{low} to {high}" for low, high in pairwise(ticks)]
    told = []
    for number, (name, count) in enumerate(zip(names, counts, strict=True)):
        made_of = ", ".join(f"{part.counts[number]} {part.label}" for part in parts) if len(parts) > 1 else str(count)
        told += [f"{name}: {made_of}"] if count else []
    return "; ".join(told)


def _percent(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else "-"


def _value(point: Point) -> str:
    return "-" if point.value is None else number_text(point.value)


def _across(share: float) -> float:
    return LABELS + share * (WIDTH - LABELS - VALUES)


def _from_threshold(place: float) -> float:
    return _across((place + 1) / 2)


def _up(share: float | None) -> float:
    return TOP + PLOT * (1 - (share or 0.0))


def _short(label: str, most: int = LONGEST_LABEL) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
