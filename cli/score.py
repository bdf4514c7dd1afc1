"""``ordebug score``: a result file of ``swift infer``, replayed on the solver; or a run's stored episodes again."""

from pathlib import Path
from typing import Annotated, Any

import typer


def score(
    result: Annotated[
        Path, typer.Argument(help="What swift infer wrote with --result_path, or a run's folder to count again.")
    ],
    problems: Annotated[Path | None, typer.Option(help="The problem set whose ids the rows carry.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder.")] = None,
    profile: Annotated[str, typer.Option(help="What the prompts show: seed, names or algebra.")] = "algebra",
    actions: Annotated[str, typer.Option(help="Action set: core, extended or compat.")] = "core",
    max_steps: Annotated[int, typer.Option(min=1, help="Decisions an episode may take, as the prompts tell it.")] = 20,
    max_prompt_tokens: Annotated[int, typer.Option(min=1, help="Budget of a prompt.")] = 2048,
    max_new_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="The limit the replies had; with logprobs in the rows, tells which were cut off."),
    ] = None,
    solver: Annotated[str, typer.Option(help="auto, gurobi or highs; auto: Gurobi where licensed.")] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many problems, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="What random anchors draw from.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print metrics.json instead of tables.")] = False,
) -> None:
    """Score replies of swift infer, one decision each, against the solver and beside the anchors.

    Given a run's folder instead, count its stored episodes again, as after a metric changed; its settings are its own.
    """
    from ordebug.cli.options import checked_actions, checked_profile, checked_solver
    from ordebug.core.errors import UsageError
    from ordebug.core.parallel import default_workers
    from ordebug.env.repair_env import Rules
    from ordebug.eval.attempt import Setting
    from ordebug.eval.report.terminal import show
    from ordebug.eval.scoring import Scoring
    from ordebug.eval.scoring import score as run

    if result.is_dir():
        show(result, _counted_again(result, problems, out), json=json)
        return
    if problems is None or out is None:
        raise UsageError("a result file needs its problems and a folder.", "Give --problems DIR and --out RUN.")
    rules = Rules(checked_actions(actions), max_steps, solver=checked_solver(solver))
    setting = Setting(checked_profile(profile), rules, max_prompt_tokens, decisions=1)
    request = Scoring(result, problems, out, setting, seed, limit, workers or default_workers(), max_new_tokens)
    show(out, run(request), json=json)


def _counted_again(folder: Path, problems: Path | None, out: Path | None) -> dict[str, Any]:
    from ordebug.core.errors import UsageError
    from ordebug.eval.assessment import rescore
    from ordebug.eval.played import PlayedRun
    from ordebug.eval.run_folder import RunFolder, locked

    if out is not None:
        raise UsageError("a run is counted again in its own folder.", "Leave out --out.")
    run = PlayedRun(RunFolder(folder), problems)
    run.folder.read_manifest()  # a folder that is no run is told before a lock is left in it
    with locked(folder):
        return rescore(run)
