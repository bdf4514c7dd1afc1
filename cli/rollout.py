"""``ordebug rollout``: a policy plays a problem set, the anchors beside it."""

from pathlib import Path
from typing import Annotated

import typer

from ordebug.cli.executor import ExecutorOption


def rollout(
    policy: Annotated[str, typer.Option(help="swift-infer, or an anchor such as drop-first or oracle.")],
    problems: Annotated[Path, typer.Option(help="A problem set.")],
    out: Annotated[Path, typer.Option(help="The run's folder; a run that was stopped goes on.")],
    model: Annotated[str | None, typer.Option(help="swift-infer: a checkpoint, an adapter or a model id.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="swift-infer: YAML for swift infer.")] = None,
    profile: Annotated[str, typer.Option(help="What prompts show: seed, names or algebra.")] = "algebra",
    actions: Annotated[str, typer.Option(help="Action set: core, extended or compat.")] = "core",
    max_steps: Annotated[int, typer.Option(min=1, help="Decisions an episode may take.")] = 20,
    max_prompt_tokens: Annotated[int, typer.Option(min=1, help="Budget of a prompt.")] = 2048,
    no_auto_submit: Annotated[bool, typer.Option("--no-auto-submit", help="Only SUBMIT() ends an episode.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many problems, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="What random anchors draw from.")] = 0,
    samples: Annotated[int, typer.Option(min=1, help="Attempts at each problem.")] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    executor: ExecutorOption = "local",
    infer_arg: Annotated[list[str] | None, typer.Option(help="swift-infer: as '--temperature 1'; repeatable.")] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="An anchor without the others, to make training data.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print metrics.json instead of tables.")] = False,
) -> None:
    """Play a policy and the anchors on a problem set; leaves a whole run folder."""
    from ordebug.cli.options import checked_actions, checked_profile
    from ordebug.core.parallel import default_workers
    from ordebug.env.repair_env import Rules
    from ordebug.eval.attempt import Setting
    from ordebug.eval.report.terminal import show
    from ordebug.eval.rollout import Rollout, swift_for
    from ordebug.eval.rollout import rollout as run

    rules = Rules(checked_actions(actions), max_steps, auto_submit=not no_auto_submit)
    request = Rollout(
        policy=policy,
        problems=problems,
        out=out,
        setting=Setting(checked_profile(profile), rules, max_prompt_tokens),
        swift=swift_for(policy, model, recipe, infer_arg or []),
        seed=seed,
        samples=samples,
        limit=limit,
        workers=workers or default_workers(),
        executor=executor,
        alone=alone,
    )
    show(out, run(request), json=json)
