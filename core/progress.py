"""Progress of long work: a bar on a terminal, a plain line every few seconds elsewhere, both on standard error."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
LINE_EVERY_SECONDS = 10.0


def track(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    """Yields the items while showing how many of ``total`` are done, or how many are where the total is unknown."""
    return _bar(items, total, label) if sys.stderr.isatty() else _lines(items, total, label)


def _bar(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description=label, total=total, console=Console(stderr=True), transient=True)


def _lines(items: Iterable[Item], total: int | None, label: str) -> Iterator[Item]:
    start = last = time.monotonic()
    of_all = "" if total is None else f"/{total}"
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= LINE_EVERY_SECONDS:
            last = now
            print(f"{label}: {done}{of_all}, {done / (now - start):.1f} a second", file=sys.stderr, flush=True)
