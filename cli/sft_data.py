"""``ordebug sft-data``: decisions of recovered episodes as SFT rows."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ordebug.converters.episodes import Harvest


def sft_data(
    runs: Annotated[list[Path], typer.Argument(help="Run folders that ordebug rollout wrote.")],
    out: Annotated[Path, typer.Option(help="The SFT file to write.")],
    min_op: Annotated[float, typer.Option(min=0, max=1, help="The least OP that an episode must have kept.")] = 0.0,
    equivalent: Annotated[
        bool, typer.Option("--equivalent", help="Only episodes that gave back the clean model's feasible set, proved.")
    ] = False,
    per_problem: Annotated[
        int | None, typer.Option(min=1, help="At most so many episodes a problem: distinct ones, the shortest first.")
    ] = None,
    wording: Annotated[
        Literal["plain", "varied"], typer.Option(help="The oracle's thoughts as played, or in words that vary.")
    ] = "plain",
    without_thought: Annotated[
        bool, typer.Option("--without-thought", help="Also write rows that answer without a thought.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many episodes to read at most.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write the decisions of the episodes that recovered, each prompt proved to be the one that was shown."""
    from ordebug.converters.episodes import harvest
    from ordebug.converters.replayed import Choice
    from ordebug.core.parallel import default_workers

    choice = Choice(min_op, equivalent, per_problem, without_thought, wording)
    total = harvest(runs, out, choice=choice, workers=workers or default_workers(), limit=limit)
    typer.echo(json.dumps({**total.as_json(), "out": str(out)}) if as_json else _told(total, out))


def _told(total: "Harvest", out: Path) -> str:
    lines = [f"{total.rows} rows of {total.problems} problems written to {out}, from {total.episodes} episodes"]
    lines += [f"  {total.skipped} episodes skipped: they did not recover"]
    lines += [f"  {count} episodes passed over: {reason}" for reason, count in sorted(total.passed_over.items())]
    lines += [f"  {count} steps left out: {reason}" for reason, count in sorted(total.left_out.items())]
    if total.without_thought and not total.left_out["no thought"]:
        lines.append(f"  warning no_thought: {total.without_thought} rows answer without a thought")
    return "\n".join(lines)
