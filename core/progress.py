"""Progress of long work: a bar on a terminal, plain lines elsewhere, both on standard error.

The first plain line comes after ten seconds, a further one whenever a tenth of the time has gone by since: a log of a
whole night holds about a hundred.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

Item = TypeVar("Item")
LINE_EVERY_SECONDS = 10.0
LINE_EVERY_SHARE = 0.1
UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))


def track(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    """Yields the items while showing how many of ``total`` are done, or how many are where the total is unknown."""
    with Progress(total, label) as progress:
        for done, item in enumerate(items, start=1):
            yield item
            progress.update(done)


class Progress(AbstractContextManager["Progress"]):
    """How far work has come.

    Args:
        total: How much there is, None where that is unknown.
        label: What the work is called.
    """

    def __init__(self, total: int | None, label: str) -> None:
        self.total, self.label = total, label
        self._start = self._last = time.monotonic()
        self._bar = _bar(label, total) if sys.stderr.isatty() else None

    def __enter__(self) -> "Progress":
        """Shows the bar, where there is one."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, note: str = "") -> None:
        """Says how much is done, at any time; a plain line is printed only where one is due.

        Args:
            done: How much, since the start of this process.
            note: What else there is to say.
        """
        now = time.monotonic()
        said = ", ".join(part for part in (pace(done, self.total, now - self._start), note) if part)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, said=said)
        elif now - self._last >= max(LINE_EVERY_SECONDS, LINE_EVERY_SHARE * (self._last - self._start)):
            self._last = now
            of_all = "" if self.total is None else f"/{self.total}"
            print(f"{self.label}: {done}{of_all}, {said}", file=sys.stderr, flush=True)


def pace(done: int, total: int | None, seconds: float) -> str:
    """How fast it goes and how long it will take: ``3.2 a second, 4 min left``."""
    if not done or seconds <= 0:
        return "none done yet"
    rate = done / seconds
    fast = f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"
    return fast if total is None else f"{fast}, {duration((total - done) / rate)} left"


def duration(seconds: float) -> str:
    """A time in its largest unit that fits: ``40 s``, ``12 min``, ``3.5 h``."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:.0f} {unit}"


def _bar(label: str, total: int | None) -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TextColumn("{task.fields[said]}"))
    bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task(label, total=total, said="")
    return bar
