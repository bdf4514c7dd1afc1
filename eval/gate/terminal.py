"""The gate as a table in a terminal, and what to do about what fails."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ordebug.eval.gate.gate import Check, Gate

STYLES = {"holds": "", "fails": "bold red", "not measured": "yellow"}


def print_gate(gate: Gate, console: Console | None = None) -> None:
    """Prints each check, then what to do."""
    console = console or Console()
    console.print(gate_table(gate))
    for check in gate.checks:
        if check.note:
            console.print(f"{check.name}: not measured: {check.note}", markup=False, highlight=False)
    for check in (check for check in gate.checks if not check.passes):
        console.print(f"{check.name}: {check.threshold.why}", markup=False, highlight=False)
        console.print(f"  fix: {check.advice}", markup=False, highlight=False)
    shut = sum(not check.passes for check in gate.checks)
    verdict = "open: ready for GRPO" if gate.open else f"shut: {shut} of {len(gate.checks)} checks"
    console.print(f"gate {verdict}", markup=False, highlight=False)


def gate_table(gate: Gate) -> Table:
    """Every check with its value, interval, threshold and verdict."""
    table = Table(
        title=f"{escape(gate.run)}: groups of {gate.group_size}, 95 % intervals",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for title in ("check", "value", "interval", "n", "threshold", "verdict"):
        table.add_column(title, justify="left" if title in ("check", "verdict") else "right", no_wrap=True)
    for check in gate.checks:
        table.add_row(check.name, *_cells(check), style=STYLES[check.outcome])
    return table


def _cells(check: Check) -> tuple[str, ...]:
    found = check.estimate
    if check.outcome == "not measured":
        return "-", "-", str(found.n), check.threshold.text, check.outcome
    known = found.low is not None and found.high is not None
    interval = f"{found.low:.2g} to {found.high:.2g}" if known else "-"
    verdict = f"{check.outcome}{', unsure' if check.unsure else ''}"
    return f"{found.value:.3g}", interval, str(found.n), check.threshold.text, verdict
