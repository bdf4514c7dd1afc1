"""``ordebug data mix``: general instruction data among the rows to train on."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ordebug.converters.mix import Mix

MAX_LENGTH = 4096
"""``max_length`` of the 8B recipes. They are strict: one longer row stops the training."""


def mix(
    file: Annotated[Path, typer.Argument(help="The rows to train on; every one is kept.")],
    general: Annotated[list[str], typer.Option(help="SOURCE or SOURCE#N: a swift dataset id or a file; repeatable.")],
    out: Annotated[Path, typer.Option(help="The file to write; its manifest goes beside it.")],
    share: Annotated[float, typer.Option(help="Share of general rows among all.")] = 0.1,
    max_length: Annotated[int, typer.Option(min=1, help="General rows of more tokens are passed over.")] = MAX_LENGTH,
    seed: Annotated[int, typer.Option(help="Of the draw and the order.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Add a share of general instruction data to FILE, shuffled, counted in rows and tokens, against forgetting."""
    from ordebug.converters.mix import general as parsed
    from ordebug.converters.mix import mix_file
    from ordebug.swift_recipes.general import SwiftRows, count_tokens

    sources = [parsed(text) for text in general]
    done = mix_file(
        file,
        sources,
        out,
        share=share,
        seed=seed,
        load=SwiftRows(),
        count_tokens=count_tokens,
        max_length=max_length,
    )
    typer.echo(json.dumps({**done.as_json(), "out": str(out)}) if as_json else _told(done, out))


def _told(done: "Mix", out: Path) -> str:
    lines = [f"{done.rows} rows, {done.tokens} tokens"]
    for name, drawn in done.general.items():
        lines.append(f"{name}: {drawn.rows} rows, {drawn.tokens} tokens")
        lines += [f"  {count} rows passed over: {reason}" for reason, count in drawn.passed_over.items()]
    lines.append(f"general: {done.share_of_rows:.1%} of the rows, {done.share_of_tokens:.1%} of the tokens; see {out}")
    if bare := sum(drawn.without_thought for drawn in done.general.values()):
        lines.append(
            f"{bare} general rows answer without a thought: ms-swift shows an empty one there and does not train it"
        )
    return "\n".join(lines)
