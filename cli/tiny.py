"""``ordebug tiny``: a small Qwen3 for machines without a GPU."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="A small Qwen3, made on the spot.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A small Qwen3, made on the spot."""


@app.command()
def build(
    data: Annotated[Path, typer.Option(help="SFT rows that the vocabulary is trained on.")],
    out: Annotated[Path, typer.Option(help="Folder for the model.")],
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
) -> None:
    """Write a small Qwen3 with random weights and a tokenizer."""
    from ordebug.swift_recipes.tiny import build as run

    parameters = run(data, out, seed)
    typer.echo(f"{out}: Qwen3 with {parameters:,} parameters")
