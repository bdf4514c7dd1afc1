"""SVG by hand: the few elements that the pictures are made of. Every argument is escaped."""

from collections.abc import Iterable

from markupsafe import Markup

WIDTH = 400


def picture(title: str, summary: str, height: float, parts: Iterable[Markup]) -> Markup:
    """A whole picture; the title is drawn, and the summary is what one hears who does not see it."""
    head = text(0, 14, title, role="title")
    shape = '<svg viewBox="0 0 {} {}" role="img" aria-label="{}: {}"><desc>{}</desc>{}</svg>'
    return Markup(shape).format(WIDTH, round(height, 1), title, summary, summary, Markup("").join([head, *parts]))


def group(role: str, parts: Iterable[Markup]) -> Markup:
    """Parts of one meaning; the style sheet colours by it."""
    return Markup('<g class="{}">{}</g>').format(role, Markup("").join(parts))


def text(x: float, y: float, words: str, *, anchor: str = "start", role: str = "") -> Markup:
    """Words at a place; ``anchor`` says which of their ends is there."""
    return Markup('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>').format(_n(x), _n(y), anchor, role, words)


def line(x1: float, y1: float, x2: float, y2: float, role: str) -> Markup:
    """A straight line."""
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(_n(x1), _n(y1), _n(x2), _n(y2), role)


def box(x: float, y: float, width: float, height: float, role: str) -> Markup:
    """A filled rectangle."""
    shape = '<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>'
    return Markup(shape).format(_n(x), _n(y), _n(width), _n(height), role)


def dot(x: float, y: float, radius: float = 5) -> Markup:
    """A filled circle."""
    return Markup('<circle class="dot" cx="{}" cy="{}" r="{}"/>').format(_n(x), _n(y), _n(radius))


def path(points: Iterable[tuple[float, float]], role: str, *, closed: bool = False) -> Markup:
    """A line through points, or the area within them."""
    places = " L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return Markup('<path d="M{}{}" class="{}"/>').format(places, " Z" if closed else "", role)


def _n(value: float) -> str:
    return f"{round(value, 1):g}"
