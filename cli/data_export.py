"""``ordebug data export``: the same rows for another framework."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

FrameworkName = Literal["llamafactory", "axolotl", "trl", "unsloth"]


def export(
    file: Annotated[Path, typer.Argument(help="An SFT file.")],
    to: Annotated[FrameworkName, typer.Option(help="The framework.")],
    out: Annotated[Path, typer.Option(help="Folder for the rows and the settings.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write FILE and the settings that keep its thoughts for another framework; see docs/frameworks.md."""
    from ordebug.converters.export.folder import export_file

    done = export_file(file, out, to)
    if as_json:
        typer.echo(json.dumps({**asdict(done), "out": str(out)}))
        return
    whole = f" ({done.conversations} whole conversations)" if done.conversations else ""
    typer.echo(f"{done.rows} rows{whole} for {to} in {out}: {', '.join(done.files)}")
    typer.echo(f"train with: cd {out} && {done.command}")
