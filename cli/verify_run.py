"""``ordebug verify-run``: whether a published run holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ordebug.eval.verification import Verification


def verify_run(
    run: Annotated[Path, typer.Argument(help="A run's folder, as published.")],
    problems: Annotated[
        Path | None, typer.Option(help="Where the problems lie, if no longer where they were played.")
    ] = None,
    quality: Annotated[bool, typer.Option("--quality", help="Measure the repairs again too.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Play every reply of RUN and its anchors again, compute its numbers anew; exit status 1 where they do not hold."""
    import json as json_module

    from ordebug.core.parallel import default_workers
    from ordebug.eval.played import PlayedRun
    from ordebug.eval.run_folder import RunFolder
    from ordebug.eval.verification import verify

    found = verify(PlayedRun(RunFolder(run), problems), workers=workers or default_workers(), quality=quality)
    typer.echo(json_module.dumps(found.as_json(), ensure_ascii=False) if json else _told(run, found, quality))
    if not found.holds:
        raise typer.Exit(1)


def _told(run: Path, found: "Verification", quality: bool) -> str:
    checked = f"{found.episodes} episodes played again, {found.numbers} numbers computed again"
    checked += f", {found.repairs} repairs measured again" if quality else ""
    lines = [f"{run}: {'holds' if found.holds else 'does not hold'} ({checked})"]
    if quality and not found.repairs:
        lines.append(f"  no repair was measured when the run was published: ordebug report --quality {run}")
    lines += [f"  {found.unscored} episodes ended in an error and were not played again"] if found.unscored else []
    lines += [f"  not compared: {name}, for {why}" for name, why in found.unchecked.items()]
    lines += [f"  {told}" for told in found.told]
    untold = found.differences - len(found.told)
    return "\n".join([*lines, *([f"  and {untold} differences more"] if untold else [])])
