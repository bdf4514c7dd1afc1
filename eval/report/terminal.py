"""Runs as tables in a terminal: the run first, then the anchors on the same problems."""

import json as json_module
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ordebug.eval.report.rows import (
    BY_TYPE,
    CEILING,
    HEADLINE,
    QUALITY,
    Cell,
    Metrics,
    count_text,
    interval_text,
    measured_quality,
    policy_rows,
    type_rows,
    value_text,
    verdict,
    warnings,
)
from ordebug.eval.run_folder import RunFolder

DIGITS_OF_INTERVALS = 2
POLICY_WIDTH = 10


def show(folder: Path, metrics: Metrics, *, json: bool) -> None:
    """Prints a run that has just been played: its tables and where it lies, or its metrics as JSON."""
    if json:
        print(json_module.dumps(metrics, ensure_ascii=False))
        return
    print_report(RunFolder(folder).name, metrics)
    print(f"run: {folder}")


def print_report(name: str, metrics: Metrics, console: Console | None = None) -> None:
    """Prints a run's tables and its verdict."""
    console = console or Console()
    console.print(headline_table(name, metrics))
    for line in (verdict(metrics), *(f"warning: {text}" for text in warnings(metrics))):
        console.print(line, markup=False, highlight=False)
    console.print(type_table(metrics))
    if measured_quality(metrics):
        console.print(quality_table(name, metrics))


def headline_table(name: str, metrics: Metrics) -> Table:
    """The run and the anchors, each metric with its 95 % interval below."""
    table = plain_table(f"{escape(name)}: {metrics['problems']} problems, 95 % intervals below each value")
    table.add_column("policy", overflow="fold", min_width=POLICY_WIDTH)
    table.add_column("n", justify="right", no_wrap=True)
    for title in HEADLINE.values():
        table.add_column(title.replace(" ", "\n").replace("-", "-\n"), justify="right", no_wrap=True)
    for place, (label, cells) in enumerate(policy_rows(name, metrics)):
        texts = [_cell(cells.get(key)) for key in HEADLINE]
        table.add_row(escape(label), count_text(cells), *texts, style="" if place else "bold")
    return table


def type_table(metrics: Metrics) -> Table:
    """The run by error type, the oracle's ceiling beside."""
    table = plain_table(f"by error type, with what the {CEILING} reaches")
    table.add_column("type")
    table.add_column("n", justify="right")
    for key in BY_TYPE:
        table.add_column(HEADLINE[key], justify="right")
        table.add_column(CEILING, justify="right")
    for kind, cells, ceiling in type_rows(metrics):
        texts = [text for key in BY_TYPE for text in (_cell(cells.get(key)), value_text(ceiling.get(key)))]
        table.add_row(escape(kind), count_text(cells), *texts)
    return table


def quality_table(name: str, metrics: Metrics) -> Table:
    """What the repairs of the run and of the anchors did to the models."""
    table = plain_table("what the repairs did: reported, never rewarded")
    table.add_column("policy", overflow="fold", min_width=POLICY_WIDTH)
    for title in QUALITY.values():
        table.add_column(title, justify="right")
    for label, cells in policy_rows(name, metrics):
        table.add_row(escape(label), *(_cell(cells.get(key)) for key in QUALITY))
    return table


def plain_table(title: str) -> Table:
    """A table whose headline fits 80 columns."""
    return Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _cell(cell: Cell | None) -> str:
    interval = interval_text(cell, DIGITS_OF_INTERVALS)
    return f"{value_text(cell)}\n{interval}" if interval else value_text(cell)
