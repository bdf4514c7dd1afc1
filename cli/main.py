"""Entry point: the command tree, and errors as messages with exit status 2."""

import sys
from io import TextIOWrapper

import typer

from ordebug.cli import (
    compare,
    data,
    doctor,
    fix,
    forgetting,
    gate,
    grpo_data,
    problems,
    recipes,
    report,
    rollout,
    score,
    serve_env,
    sft_data,
    tiny,
    verify_run,
)
from ordebug.core.errors import OrdebugError

app = typer.Typer(
    name="ordebug",
    help="Teach a language model to repair infeasible optimization models, and prove it with the solver.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(problems.app, name="problems")
app.add_typer(data.app, name="data")
app.add_typer(recipes.app, name="recipes")
app.add_typer(tiny.app, name="tiny")
app.add_typer(forgetting.app, name="forgetting")
app.command("sft-data")(sft_data.sft_data)
app.command("grpo-data")(grpo_data.grpo_data)
app.command("gate")(gate.gate)
app.command("rollout")(rollout.rollout)
app.command("score")(score.score)
app.command("report")(report.report)
app.command("fix")(fix.fix)
app.command("compare")(compare.compare)
app.command("verify-run")(verify_run.verify_run)
app.command("serve-env")(serve_env.serve_env)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Runs the command; an ``OrdebugError`` becomes a message and exit status 2, never a traceback."""
    _show_any_text()
    try:
        app()
    except OrdebugError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.fix:
            print(f"  fix: {error.fix}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        print("  fix: Check the path, its rights and the free space.", file=sys.stderr)
        sys.exit(2)


def _show_any_text() -> None:
    """Escapes what the terminal's encoding lacks, such as a name in a description, rather than fail on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
