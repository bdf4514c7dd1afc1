"""``ordebug data``: from a user's files to rows that ms-swift trains on."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ordebug.cli import data_audit, data_export, data_mix, data_split, data_verify
from ordebug.cli.executor import ExecutorOption

if TYPE_CHECKING:
    from ordebug.converters.conversion import Converter, Summary

app = typer.Typer(help="Convert, audit, verify, split, mix and export training data.", no_args_is_help=True)
app.command("audit")(data_audit.audit)
app.command("verify")(data_verify.verify)
app.command("split")(data_split.split)
app.command("mix")(data_mix.mix)
app.command("export")(data_export.export)

FormatName = Literal["alpaca", "sharegpt", "messages"]
Source = Literal["auto", "alpaca", "sharegpt", "messages"]
Turns = Literal["split", "chat"]
ProfileName = Literal["seed", "names", "algebra"]
ActionSetName = Literal["core", "extended", "compat"]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="JSON lines, a list, or a document with a list under 'data'.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    source: Annotated[Source, typer.Option("--from", help="The file's format; auto: by each row's keys.")] = "auto",
    to: Annotated[FormatName, typer.Option(help="The output's format; messages is ms-swift's.")] = "messages",
    turns: Annotated[
        Turns, typer.Option(help="split: a row for each answer, with its own user turn. chat: conversations whole.")
    ] = "split",
    profile: Annotated[
        ProfileName, typer.Option(help="seed keeps the file's own text; the others render it from --problems.")
    ] = "seed",
    problems: Annotated[Path | None, typer.Option(help="The problem set the rows were made from.")] = None,
    actions: Annotated[ActionSetName, typer.Option(help="The action set of the answers.")] = "compat",
    strict: Annotated[bool, typer.Option(help="Stop at the first row that cannot be read and write nothing.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    executor: ExecutorOption = "local",
    as_json: AsJson = False,
) -> None:
    """Write FILE as messages for ms-swift, or in another format; exit status 1 when rows could not be read."""
    from ordebug.converters.conversion import convert_file
    from ordebug.core.parallel import default_workers

    form = None if source == "auto" else source
    converter, processes = _converter(profile, problems, actions, turns), workers or default_workers()
    summary = convert_file(file, out, converter, form=form, to=to, strict=strict, workers=processes, executor=executor)
    typer.echo(json.dumps({**summary.as_json(), "out": str(out)}) if as_json else _told(summary, out))
    if turns == "chat" and not as_json:
        from ordebug.converters.chat import TRAIN_WITH

        typer.echo(f"conversations are whole, earlier thoughts too: swift sft {TRAIN_WITH}; see docs/frameworks.md")
    if summary.rejected:
        raise typer.Exit(1)


def _converter(profile: ProfileName, problems: Path | None, actions: ActionSetName, turns: Turns) -> "Converter":
    from ordebug.converters.alpaca import AlpacaConverter
    from ordebug.converters.chat import ChatConverter
    from ordebug.converters.prompts import Prompts
    from ordebug.core.errors import UsageError

    if profile == "seed":
        if problems is not None:
            raise UsageError(
                "--problems was given, but profile seed keeps the file's own text.",
                "Add --profile names or --profile algebra, or leave --problems out.",
            )
        return AlpacaConverter(actions) if turns == "split" else ChatConverter(actions)
    if turns == "chat":
        raise UsageError("a conversation's prompts cannot be made anew.", "Leave out --profile, or --turns chat.")
    if problems is None:
        raise UsageError(
            f"profile {profile} renders each prompt from its problem, and no problems were given.",
            "Add --problems DIR, the set the rows were made from.",
        )
    return AlpacaConverter(actions, Prompts(problems, profile, actions))


def _told(summary: "Summary", out: Path) -> str:
    lines = [f"{summary.read} rows read, {summary.written} written to {out}, {summary.rejected} rejected"]
    lines += [f"  rejected {place}: {reason}" for place, reason in summary.reasons]
    untold = summary.rejected - len(summary.reasons)
    lines += [f"  rejected {untold} more"] if untold else []
    for kind, seen in sorted(summary.warnings.items()):
        detail = f" ({seen.detail})" if seen.detail else ""
        lines.append(f"  warning {kind}: {seen.count}, first at {seen.place}{detail}")
    return "\n".join(lines)
