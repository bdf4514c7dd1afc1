"""``ordebug report``: runs as tables and as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; the first is the headline.")],
    quality: Annotated[
        bool, typer.Option("--quality", help="First measure each repair: equivalent or not, and what it costs.")
    ] = False,
    problems: Annotated[Path | None, typer.Option(help="Where the problems lie, if no longer where they did.")] = None,
    latex: Annotated[Path | None, typer.Option(help="Also write the runs and their anchors as a LaTeX table.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each run's metrics as JSON instead of tables.")] = False,
) -> None:
    """Write report.html into the first run's folder and print the tables of all."""
    import json as json_module

    from ordebug.core.parallel import default_workers
    from ordebug.eval.assessment import assess
    from ordebug.eval.report.html import write_report
    from ordebug.eval.report.latex import write_latex
    from ordebug.eval.report.terminal import print_report
    from ordebug.eval.run_folder import RunFolder

    folders = [RunFolder(path) for path in runs]
    if quality:
        for run in folders:
            assess(run, workers or default_workers(), problems)
    written = write_report(folders, problems, workers or default_workers())
    if latex is not None:
        write_latex(folders, latex)
    if json:
        typer.echo(json_module.dumps({str(run.path): run.read_metrics() for run in folders}, ensure_ascii=False))
        return
    for run in folders:
        print_report(run.name, run.read_metrics())
    typer.echo(f"report: {written}")
    if latex is not None:
        typer.echo(f"LaTeX table: {latex}")
