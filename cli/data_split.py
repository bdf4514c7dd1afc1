"""``ordebug data split``: parts for training, validation and testing, or folds, that share nothing."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ordebug.cli.executor import ExecutorOption

if TYPE_CHECKING:
    from ordebug.converters.split import Split

DEFAULT_SHARE = 0.05


def split(
    file: Annotated[Path, typer.Argument(help="An SFT file.")],
    out: Annotated[Path, typer.Option(help="Folder for train.jsonl, val.jsonl, test.jsonl and manifest.json.")],
    val: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the rows for validation.", show_default="0.05")
    ] = None,
    test: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the rows for testing.", show_default="0.05")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Instead: fold-1/train.jsonl, fold-1/val.jsonl and so on.")
    ] = None,
    by: Annotated[
        Literal["text", "problem"],
        typer.Option(help="What stays together beside problems and bases: masked texts, or only equal prompts."),
    ] = "text",
    seed: Annotated[int, typer.Option(help="Another seed draws another split.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    executor: ExecutorOption = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Split FILE, stratified by error type; no problem, base or masked text is in two parts, and that is proved."""
    from ordebug.converters.split import Plan, split_file
    from ordebug.core.errors import UsageError
    from ordebug.core.parallel import default_workers

    if folds is not None and (val is not None or test is not None):
        raise UsageError("--folds makes its own validation parts.", "Leave out --val and --test, or --folds.")
    shares = {name: DEFAULT_SHARE if share is None else share for name, share in (("val", val), ("test", test))}
    plan = Plan(shares, folds, by, seed, workers or default_workers(), executor)
    done = split_file(file, out, plan)
    typer.echo(json.dumps(done.as_json()) if as_json else _told(done, out, by))


def _told(done: "Split", out: Path, by: str) -> str:
    groups = done.groups
    lines = [
        f"{name}: {part.rows} rows ({part.share:.1%}, {done.asked[name]:.1%} asked), {groups['parts'][name]} groups"
        for name, part in done.parts.items()
    ]
    largest = ", ".join(map(str, groups["largest"]))
    lines.append(f"{groups['count']} groups that stay together; the largest hold {largest} rows")
    lines.append(
        f"{done.alike['text']} rows read like one of another problem once names and numbers are masked, "
        f"{done.alike['unnamed']} once the id alone is"
    )
    what = "masked text" if by == "text" else "prompt"
    lines.append(f"no id, base or {what} is in two parts, every row is in exactly one: see {out / 'manifest.json'}")
    if done.shared["text"]:
        lines.append(f"warning: {done.shared['text']} masked texts are in two parts; --by text keeps them apart")
    return "\n".join(lines)
