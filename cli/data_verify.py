"""``ordebug data verify``: every row replayed on its problem."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ordebug.converters.verify.tally import Counts, Tally

ActionSetName = Literal["core", "extended", "compat"]
DONE = ("applied", "shown", "submitted")
COLUMNS = ("type", "rows", "replayed", "infeasible", "IIS rows", "and bounds", "restores", "root cause", "OP")


def verify(
    file: Annotated[Path, typer.Argument(help="Rows of any format: Alpaca, ShareGPT or messages.")],
    problems: Annotated[Path, typer.Option(help="The problem set the rows were made from.")],
    actions: Annotated[
        ActionSetName | None,
        typer.Option(help="The action set of the answers; by default each system turn's, or compat."),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="applies, restores (default), root_cause, iis, op>=X or equivalent; repeatable, all must hold."
        ),
    ] = None,
    equivalence: Annotated[
        bool, typer.Option("--equivalence", help="Prove equivalence with the clean models too; several solves a row.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="Write the rows that hold, each as it stands.")] = None,
    reject: Annotated[Path | None, typer.Option(help="Write the other rows, with the reasons.")] = None,
    solver: Annotated[str, typer.Option(help="auto, gurobi or highs; the one whose conflicts are printed.")] = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Replay every row of FILE: infeasible? conflict as printed? action restores? root cause? OP?

    Exit status 1 when no row could be replayed, or one fails a condition and neither --keep nor --reject sorts them.
    """
    from ordebug.cli.options import checked_solver
    from ordebug.converters.verify.condition import DEFAULT
    from ordebug.converters.verify.verification import Verification
    from ordebug.converters.verify.verification import verify as run
    from ordebug.core.parallel import default_workers

    required, processes = require or list(DEFAULT), workers or default_workers()
    judge = checked_solver(solver)
    tally = run(Verification(file, problems, actions, required, equivalence, keep, reject, processes, judge))
    typer.echo(json.dumps(tally.as_json()) if as_json else _told(tally, required, keep, reject))
    sorted_out = keep is not None or reject is not None
    if not tally.overall.replayed or (tally.failed and not sorted_out):
        raise typer.Exit(1)


def _told(tally: "Tally", required: list[str], keep: Path | None, reject: Path | None) -> str:
    overall = tally.overall
    others = overall.rows - overall.replayed
    lines = [f"{overall.rows} rows, {overall.replayed} replayed, {others} not"]
    lines += [f"  not replayed, {reason}: {count}" for reason, count in sorted(overall.not_replayed.items())]
    lines += [f"  refused, {name}: {count}" for name, count in sorted(overall.outcomes.items()) if name not in DONE]
    lines += _table([*sorted(tally.by_type.items()), ("all", overall)])
    if overall.equivalence:
        found = ", ".join(f"{count} {name}" for name, count in sorted(overall.equivalence.items()))
        lines.append(f"to the clean model, of those that keep OP of .95: {found}")
    if overall.more_needed:
        lines.append(
            f"{overall.more_needed} rows restore nothing yet: their problems need more actions, as was proved; "
            "those that edit a cause hold"
        )
    lines.append(f"{tally.kept} rows hold ({', '.join(required)}), {tally.failed} fail, {others} were not replayed")
    lines += [f"kept: {keep}"] if keep else []
    lines += [f"rejected, with reasons: {reject}"] if reject else []
    return "\n".join(lines)


def _table(rows: list[tuple[str, "Counts"]]) -> list[str]:
    cells = [COLUMNS, *(_cells(name, counts) for name, counts in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(COLUMNS))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]


def _cells(name: str, counts: "Counts") -> tuple[str, ...]:
    op = "-" if counts.op_mean is None else f"{counts.op_mean:.3f}"
    shares = (
        (counts.iis_matches, counts.iis_printed),
        (counts.iis_same, counts.iis_printed),
        (counts.restores, counts.replayed),
        (counts.root_cause_hits, counts.root_cause_known),
    )
    texts = (f"{part / whole:.1%}" if whole else "-" for part, whole in shares)
    return (name, str(counts.rows), str(counts.replayed), str(counts.infeasible), *texts, op)
