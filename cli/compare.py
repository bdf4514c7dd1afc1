"""``ordebug compare``: two runs, paired by problem."""

from pathlib import Path
from typing import Annotated

import typer


def compare(
    a: Annotated[Path, typer.Argument(help="A run's folder.")],
    b: Annotated[Path, typer.Argument(help="The run to compare it with.")],
    problems: Annotated[
        Path | None, typer.Option(help="Where the problems lie, if no longer where they were played.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Show the paired difference of every metric, with its interval, p-value and the problems it would have needed."""
    import json as json_module

    from ordebug.eval.comparison import compare as compared
    from ordebug.eval.played import PlayedRun
    from ordebug.eval.report.comparison import print_comparison
    from ordebug.eval.run_folder import RunFolder

    found = compared(PlayedRun(RunFolder(a), problems), PlayedRun(RunFolder(b), problems))
    if json:
        typer.echo(json_module.dumps(found.as_json(), ensure_ascii=False))
    else:
        print_comparison(found)
