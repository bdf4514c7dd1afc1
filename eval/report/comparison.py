"""A comparison of two runs as a table in a terminal."""

from rich.console import Console
from rich.markup import escape

from ordebug.eval.comparison import Compared, Comparison
from ordebug.eval.intervals import Difference
from ordebug.eval.report.rows import HEADLINE, QUALITY, SIGNIFICANT, number_text
from ordebug.eval.report.terminal import plain_table

MOST_TOLD = 1_000_000
TITLES = {**HEADLINE, "target_exists": "target exists", "tokens": "tokens"} | {
    name: title for name, title in QUALITY.items() if not name.startswith("da_")
}


def print_comparison(found: Comparison, console: Console | None = None) -> None:
    """Prints what differs between the runs, each metric with its difference, and what may be concluded."""
    console = console or Console()
    table = plain_table(
        f"{escape(found.names[0])} less {escape(found.names[1])}: {found.common} problems, paired, 95 % intervals"
    )
    for title in ("metric", "n", *map(escape, found.names), "difference", "p", "needed"):
        table.add_column(
            title, justify="left" if title == "metric" else "right", no_wrap=title in ("difference", "needed")
        )
    for name, metric in found.metrics.items():
        if name in TITLES:
            table.add_row(TITLES[name], *_cells(metric), style="bold" if _shown(metric.difference) else "")
    console.print(table)
    for line in notes(found):
        console.print(line, markup=False, highlight=False)


def notes(found: Comparison) -> list[str]:
    """What a reader must know before a conclusion."""
    told = [
        "bold: the interval excludes 0 and p < .05. needed: problems that would show this difference, 80 % power.",
        "Several metrics are tested at once: settle before the run which one decides.",
    ]
    for name, (first, second) in found.settings.items():
        told.append(f"note: the runs differ in {name}: {first} and {second}")
    for name, count in zip(found.names, found.only, strict=True):
        told += [f"note: {count} problems that only {name} played are left out"] if count else []
    return told


def _cells(metric: Compared) -> list[str]:
    difference = metric.difference
    means = [number_text(mean.value) if mean.value is not None else "-" for mean in (metric.a, metric.b)]
    return [str(difference.n), *means, _difference(difference), f"{difference.p:.2g}", _needed(metric.needed)]


def _difference(found: Difference) -> str:
    interval = "" if found.low is None or found.high is None else f" [{found.low:+.2f}, {found.high:+.2f}]"
    return f"{found.difference:+.3f}{interval}"


def _needed(count: int | None) -> str:
    if count is None:
        return "-"
    return f"{count:,}" if count <= MOST_TOLD else "> 1 M"


def _shown(found: Difference) -> bool:
    """Whether chance does not explain the difference: the interval alone says too much of few clusters."""
    if found.low is None or found.high is None or found.p is None:
        return False
    return found.p < SIGNIFICANT and not found.low <= 0 <= found.high
