"""``ordebug sft-data``: decisions of recovered episodes as SFT rows."""

import json
from pathlib import Path
from typing import Annotated

import typer


def sft_data(
    runs: Annotated[list[Path], typer.Argument(help="Run folders that ordebug rollout wrote.")],
    out: Annotated[Path, typer.Option(help="The SFT file to write.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many episodes to read at most.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Writes every decision of the episodes that recovered, each prompt proved to be the one that was shown."""
    from dataclasses import asdict

    from ordebug.converters.episodes import harvest
    from ordebug.core.parallel import default_workers

    total = harvest(runs, out, workers=workers or default_workers(), limit=limit)
    if as_json:
        typer.echo(json.dumps({**asdict(total), "out": str(out)}))
        return
    typer.echo(f"{total.rows} rows of {total.episodes - total.skipped} episodes written to {out}")
    typer.echo(f"  {total.skipped} episodes skipped: they did not recover")
    if total.without_thought:
        typer.echo(f"  warning no_thought: {total.without_thought} rows answer without a thought")
    for reason, count in sorted(total.left_out.items()):
        typer.echo(f"  {count} steps left out: {reason}")
