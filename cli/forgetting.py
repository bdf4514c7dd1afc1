"""``ordebug forgetting``: general benchmarks before and after fine-tuning; ``shell/forgetting.sh`` is the whole job."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="What fine-tuning cost on general benchmarks.", no_args_is_help=True)
PanelOption = Annotated[Path | None, typer.Option(help="What is asked; by default eval/forgetting/panel.yaml.")]


@app.command()
def evaluate(
    base_url: Annotated[str, typer.Option(help="Of the server, such as http://127.0.0.1:8000/v1.")],
    model: Annotated[str, typer.Option(help="The name it is served under.")],
    out: Annotated[Path, typer.Option(help="Folder for this side; finished benchmarks in it are kept.")],
    evalscope: Annotated[Path, typer.Option(help="EvalScope's program.")] = Path(".venv-eval/bin/evalscope"),
    panel: PanelOption = None,
) -> None:
    """Ask a served model everything on the panel, with EvalScope."""
    from ordebug.eval.forgetting.evaluation import evaluate as run
    from ordebug.eval.forgetting.panel import DEFAULT_PANEL, read_panel

    run(read_panel(panel or DEFAULT_PANEL), model, base_url, out, evalscope)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="Folder of the model before fine-tuning.")],
    after: Annotated[Path, typer.Argument(help="Folder of the model after it.")],
    out: Annotated[Path, typer.Option(help="Folder for forgetting.json.")],
    panel: PanelOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show what was lost, with intervals; exit status 1 where more than the panel's threshold is shown to be lost."""
    from ordebug.eval.forgetting.comparison import compare_sides
    from ordebug.eval.forgetting.panel import DEFAULT_PANEL, read_panel
    from ordebug.eval.forgetting.result import RESULT, write_forgetting
    from ordebug.eval.forgetting.terminal import print_forgetting

    found = compare_sides(before, after, read_panel(panel or DEFAULT_PANEL).threshold)
    write_forgetting(out / RESULT, found)
    if json:
        typer.echo(found.model_dump_json())
    else:
        print_forgetting(found)
    if found.forgotten:
        raise typer.Exit(1)
