"""``ordebug data export``: the same rows for other frameworks."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

PeerName = Literal["llamafactory", "axolotl", "trl", "unsloth"]


def export(
    file: Annotated[Path, typer.Argument(help="An SFT file.")],
    to: Annotated[PeerName, typer.Option(help="The framework.")],
    out: Annotated[Path, typer.Option(help="Folder for the rows and what the framework needs to read them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Writes FILE for another framework, with the template settings that keep <think>."""
    from ordebug.converters.export.files import export as exported

    found = exported(file, to, out)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    typer.echo(f"{found.rows} rows for {to} {found.version} in {out}: {', '.join(found.files)}")
    typer.echo(f"train with: cd {out} && {found.run}")
