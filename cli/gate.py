"""``ordebug gate``: whether a run's model is ready for GRPO."""

from pathlib import Path
from typing import Annotated

import typer


def gate(
    run: Annotated[Path, typer.Argument(help="A run's folder, played with as many samples as a group will have.")],
    config: Annotated[Path | None, typer.Option(help="Thresholds; by default the packaged ones.")] = None,
    forgetting: Annotated[Path | None, typer.Option(help="forgetting.json, of general benchmarks.")] = None,
    problems: Annotated[
        Path | None, typer.Option(help="Where the problems lie, if no longer where they were played.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the gate as JSON.")] = False,
) -> None:
    """Hold RUN against the thresholds for GRPO; exit status 1 where it is not ready, with what to do."""
    import json

    from ordebug.eval.gate.forgotten import largest_loss
    from ordebug.eval.gate.gate import gate as held
    from ordebug.eval.gate.record import RESULT, write_gate
    from ordebug.eval.gate.terminal import print_gate
    from ordebug.eval.gate.thresholds import DEFAULT_THRESHOLDS, read_thresholds
    from ordebug.eval.played import PlayedRun
    from ordebug.eval.run_folder import RunFolder

    thresholds = read_thresholds(config or DEFAULT_THRESHOLDS)
    lost = None if forgetting is None else largest_loss(forgetting)
    folder = RunFolder(run)
    found = held(PlayedRun(folder, problems), thresholds, lost)
    write_gate(folder, found.record())
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        typer.echo(json.dumps(found.record().model_dump(mode="json")))
    else:
        print_gate(found)
        typer.echo(f"{run / RESULT} keeps this for the report: ordebug report {run}")
    if not found.open:
        raise typer.Exit(1)
