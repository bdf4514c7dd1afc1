"""``ordebug data audit``: what is wrong with training rows, before they are trained on."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ordebug.cli.executor import ExecutorOption

if TYPE_CHECKING:
    from ordebug.converters.audit.inspection import Lengths

ActionSetName = Literal["core", "extended", "compat"]


def audit(
    files: Annotated[list[Path], typer.Argument(help="Rows of any format; several files are audited as one set.")],
    problems: Annotated[Path | None, typer.Option(help="The problem set the rows were made from.")] = None,
    max_length: Annotated[
        int | None, typer.Option(min=1, help="Tell what ms-swift's --max_length of so many tokens would cut.")
    ] = None,
    actions: Annotated[ActionSetName, typer.Option(help="The action set of the answers.")] = "compat",
    html: Annotated[Path | None, typer.Option(help="Write the audit as one HTML file too.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    executor: ExecutorOption = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print the audit as JSON.")] = False,
) -> None:
    """Tell what is wrong with the rows of FILES; exit status 1 when there are errors."""
    from ordebug.converters.audit.audit import Question
    from ordebug.converters.audit.audit import audit as run
    from ordebug.converters.audit.html import write_html
    from ordebug.converters.audit.inspection import Settings
    from ordebug.converters.audit.terminal import print_audit
    from ordebug.core.parallel import default_workers

    _not_an_input(html, files)
    lengths, missing = _lengths()
    question = Question(Settings(actions, lengths), problems, max_length, missing)
    done = run(files, question, workers=workers or default_workers(), executor=executor)
    if html is not None:
        write_html(done, html)
    if as_json:
        typer.echo(json.dumps(done.as_json(), ensure_ascii=False))
    else:
        print_audit(done)
    if done.count("error"):
        raise typer.Exit(1)


def _lengths() -> "tuple[Lengths, str]":
    """Lengths in Qwen's tokens, or in characters and what to install."""
    from ordebug.converters.audit.inspection import characters
    from ordebug.core.errors import ToolError
    from ordebug.swift_recipes.qwen_lengths import conversation_lengths

    try:
        conversation_lengths([("", "", "")])
    except ToolError as error:
        return characters, error.fix
    return conversation_lengths, ""


def _not_an_input(html: Path | None, files: list[Path]) -> None:
    from ordebug.core.errors import UsageError

    if html is not None and html.exists() and any(path.exists() and html.samefile(path) for path in files):
        raise UsageError(f"{html} is an input.", "Give --html another path.")
