"""``ordebug grpo-data``: prompts for ``swift rlhf --rlhf_type grpo``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ordebug.converters.env_config import EnvConfig
    from ordebug.converters.grpo import Prompts
    from ordebug.eval.played import PlayedRun

FEWEST_SAMPLES = 8


def grpo_data(
    problems: Annotated[Path, typer.Option(help="The problem set; with --run, the one that was played.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    run: Annotated[
        Path | None, typer.Option(help="A run with 8 samples: its states are the prompts, its pass rates the filter.")
    ] = None,
    per_problem: Annotated[
        int, typer.Option(min=1, help="States a problem: its beginning and later ones of the run. 1 for multi-turn.")
    ] = 1,
    order: Annotated[
        Literal["mixed", "easy-to-hard"], typer.Option(help="easy-to-hard: from the highest pass rate down.")
    ] = "mixed",
    profile: Annotated[str | None, typer.Option(help="Without --run: seed, names or algebra.")] = None,
    actions: Annotated[str | None, typer.Option(help="Without --run: core, extended or compat.")] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Without --run: decisions of an episode.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows, of all types alike.")] = None,
    seed: Annotated[int, typer.Option(help="What states and rows are drawn from.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write GRPO prompts, each one decision; with a run only of problems it neither always nor never passed."""
    from ordebug.converters.grpo import Wanted, write_prompts
    from ordebug.core.parallel import default_workers
    from ordebug.env.problem_set import read_problem_set
    from ordebug.eval.gate.groups import groups_of, pass_rates

    played = None if run is None else _played(run, problems)
    config = _config(problems, played, profile, actions, max_steps)
    done = write_prompts(
        read_problem_set(problems) if played is None else played.problems,
        config,
        out,
        episodes=None if played is None else played.folder.episodes(),
        pass_rates=None if played is None else pass_rates(groups_of(played.cases()), FEWEST_SAMPLES),
        wanted=Wanted(per_problem, limit, order, seed),
        workers=workers or default_workers(),
    )
    summary = {**done.as_json(), "filtered": played is not None, "out": str(out)}
    typer.echo(json.dumps(summary) if as_json else _told(done, out, filtered=played is not None))


def _played(run: Path, problems: Path) -> "PlayedRun":
    from ordebug.core.errors import UsageError
    from ordebug.eval.played import PlayedRun
    from ordebug.eval.run_folder import RunFolder

    played = PlayedRun(RunFolder(run), problems)
    samples = played.config["samples"]
    if samples < FEWEST_SAMPLES:
        raise UsageError(
            f"{run} has {samples} samples a problem; a pass rate needs {FEWEST_SAMPLES}.",
            f"Play it again with --samples {FEWEST_SAMPLES}, or leave out --run to take every problem.",
        )
    played.require_whole()
    return played


def _config(
    problems: Path, played: "PlayedRun | None", profile: str | None, actions: str | None, max_steps: int | None
) -> "EnvConfig":
    from ordebug.cli.options import checked_actions, checked_profile
    from ordebug.converters.env_config import EnvConfig
    from ordebug.core.errors import UsageError
    from ordebug.env.repair_env import DEFAULT_MAX_STEPS

    folder = problems.resolve()
    if played is None:
        return EnvConfig(
            problems=folder,
            profile=checked_profile(profile or "algebra"),
            actions=checked_actions(actions or "core"),
            max_steps=max_steps or DEFAULT_MAX_STEPS,
        )
    if profile or actions or max_steps:
        raise UsageError(
            "--profile, --actions and --max-steps are those of the run.", "Leave them out, or leave out --run."
        )
    setting = played.setting
    return EnvConfig(
        problems=folder,
        profile=setting.profile,
        actions=setting.actions,
        max_steps=setting.rules.max_steps,
        max_prompt_tokens=setting.max_prompt_tokens,
        auto_submit=setting.rules.auto_submit,
        solver=setting.rules.solver,
    )


def _told(done: "Prompts", out: Path, *, filtered: bool) -> str:
    lines = [f"{done.rows} prompts of {done.problems} problems written to {out}, {done.later} after a first decision"]
    lines += [f"  type {kind}: {count}" for kind, count in sorted(done.by_type.items())]
    lines += [f"  {count} problems left out: {reason}" for reason, count in sorted(done.dropped.items())]
    if not filtered:
        lines.append("  warning unfiltered: no run was given, so problems are among them that teach nothing")
    return "\n".join(lines)
