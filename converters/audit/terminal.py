"""An audit in a terminal."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from ordebug.converters.audit.finding import Audit, Finding, Table
from ordebug.converters.audit.wording import amount, cell, heading, verdict

COLORS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def print_audit(audit: Audit, console: Console | None = None) -> None:
    """Prints the findings, the gravest first, then the tables."""
    console = console or Console()
    for finding in audit.findings:
        _finding(finding, console)
    for table in audit.tables:
        if table.rows:
            console.print(_table(table))
            console.print(escape(table.note) + "\n" if table.note else "", style="dim", highlight=False)
    console.print(verdict(audit), style="bold", highlight=False)


def _finding(finding: Finding, console: Console) -> None:
    color = COLORS[finding.severity]
    head = f"[{color}]{finding.severity}[/] [bold]{escape(finding.kind)}[/]: {amount(finding)}"
    console.print(head, highlight=False)
    _indented(finding.title, console)
    for example in finding.examples:
        _indented(f"{example.place}{': ' if example.detail else ''}{' '.join(example.detail.split())}", console, "dim")
    _indented(f"fix: {finding.advice}", console)
    console.print()


def _indented(text: str, console: Console, style: str = "") -> None:
    console.print(Padding(Text(text, style), (0, 0, 0, 2), expand=False))


def _table(table: Table) -> RichTable:
    shown = RichTable(
        title=escape(table.title), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    for index, name in enumerate(table.headings):
        shown.add_column(
            escape(heading(name)), justify="right" if index else "left", overflow="fold", no_wrap=not index
        )
    for row in table.rows:
        shown.add_row(*(escape(cell(name, value)) for name, value in zip(table.headings, row, strict=True)))
    return shown
