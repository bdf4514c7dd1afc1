"""What was forgotten, as a table in a terminal."""

from rich.console import Console
from rich.markup import escape

from ordebug.eval.forgetting.result import Forgetting, ForgettingRow
from ordebug.eval.report.rows import number_text
from ordebug.eval.report.terminal import plain_table

MUCH_CUT = 0.05
"""From this share of cut replies on, a score says as much about the limit as about the model."""
VERDICTS = {"floor": "nothing to lose"}
COLUMNS = ("benchmark", "n", "before", "after", "after - before", "verdict")


def print_forgetting(found: Forgetting, console: Console | None = None) -> None:
    """Prints each benchmark before and after, and what may be concluded."""
    console = console or Console()
    table = plain_table("before and after fine-tuning, 95 % intervals")
    for title in COLUMNS:
        table.add_column(
            title, justify="left" if title in ("benchmark", "verdict") else "right", no_wrap=title != "benchmark"
        )
    for row in found.rows:
        table.add_row(*_cells(row), style="bold" if row.verdict == "forgotten" else "")
    console.print(f"before: {escape(found.before)}\nafter:  {escape(found.after)}", highlight=False)
    console.print(table)
    for line in [conclusion(found), *notes(found)]:
        console.print(line, markup=False, highlight=False)


def conclusion(found: Forgetting) -> str:
    """The answer in one line."""
    points = f"{found.threshold * 100:g} points"
    if found.forgotten:
        return f"Forgotten: {', '.join(found.forgotten)} lost more than {points}."
    if any(row.verdict == "unclear" for row in found.rows):
        return f"No loss above {points} is shown, nor excluded of every benchmark: more questions would tell."
    if any(row.verdict == "floor" for row in found.rows):
        return f"No loss above {points} is shown; where the model scored nothing before, nothing could be lost."
    return f"A loss above {points} is excluded of every benchmark."


def notes(found: Forgetting) -> list[str]:
    """What a reader must know before a conclusion."""
    told = []
    for row in found.rows:
        if row.verdict == "floor":
            told.append(f"note: {row.benchmark} was at {number_text(row.before)} before: it says nothing of forgetting")
        if row.ungraded:
            told.append(
                f"note: {row.ungraded} replies to {row.benchmark} were not graded on both sides and are left out"
            )
        if max(row.cut_off) > MUCH_CUT * row.n:
            cut = f"{row.cut_off[0]} replies before and {row.cut_off[1]} after"
            told.append(f"note: {cut} were cut off in {row.benchmark}: raise max_tokens of the panel")
    return told


def _cells(row: ForgettingRow) -> list[str]:
    interval = "" if row.low is None or row.high is None else f" [{row.low:+.3f}, {row.high:+.3f}]"
    values = [number_text(value) for value in (row.before, row.after)]
    return [
        escape(row.benchmark),
        str(row.n),
        *values,
        f"{row.delta:+.3f}{interval}",
        VERDICTS.get(row.verdict, row.verdict),
    ]
