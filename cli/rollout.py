"""``ordebug rollout``: a policy plays a problem set, the anchors beside it."""

from pathlib import Path
from typing import Annotated

import typer

from ordebug.cli.executor import ExecutorOption

SERVED = "Policy endpoint: a served model"


def rollout(
    policy: Annotated[str, typer.Option(help="endpoint, swift-infer, or an anchor such as drop-first or oracle.")],
    problems: Annotated[Path, typer.Option(help="A problem set.")],
    out: Annotated[Path, typer.Option(help="The run's folder; a run that was stopped goes on.")],
    model: Annotated[
        str | None,
        typer.Option(help="swift-infer: a checkpoint, an adapter or a model id. endpoint: the name it goes by there."),
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="swift-infer: YAML for swift infer.")] = None,
    profile: Annotated[str, typer.Option(help="What prompts show: seed, names or algebra.")] = "algebra",
    actions: Annotated[str, typer.Option(help="Action set: core, extended or compat.")] = "core",
    max_steps: Annotated[int, typer.Option(min=1, help="Decisions an episode may take.")] = 20,
    max_prompt_tokens: Annotated[int, typer.Option(min=1, help="Budget of a prompt.")] = 2048,
    no_auto_submit: Annotated[bool, typer.Option("--no-auto-submit", help="Only SUBMIT() ends an episode.")] = False,
    solver: Annotated[str, typer.Option(help="auto, gurobi or highs; auto: Gurobi where licensed.")] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many problems, drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="What random anchors and an endpoint's replies are drawn from.")] = 0,
    samples: Annotated[int, typer.Option(min=1, help="Attempts at each problem.")] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default every core.")] = None,
    executor: ExecutorOption = "local",
    infer_arg: Annotated[list[str] | None, typer.Option(help="swift-infer: as '--temperature 1'; repeatable.")] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="An anchor without the others, to make training data.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print metrics.json instead of tables.")] = False,
    base_url: Annotated[
        str | None, typer.Option(help="As http://127.0.0.1:8000/v1; the key: OPENAI_API_KEY.", rich_help_panel=SERVED)
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes in flight.", rich_help_panel=SERVED)] = 32,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.", rich_help_panel=SERVED)] = 0.6,
    top_p: Annotated[
        float, typer.Option(min=0, max=1, help="Likeliest tokens of so much probability.", rich_help_panel=SERVED)
    ] = 0.95,
    top_k: Annotated[
        int, typer.Option(min=0, help="Tokens to choose from; 0 is not sent.", rich_help_panel=SERVED)
    ] = 20,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Limit of a reply.", rich_help_panel=SERVED)] = 4096,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds a request may take.", rich_help_panel=SERVED)] = 600,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds until a failing request is given up.", rich_help_panel=SERVED)
    ] = 120,
    max_requests_per_minute: Annotated[
        float | None, typer.Option(min=0.01, help="Requests a minute, retries among them.", rich_help_panel=SERVED)
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="What the run may cost; needs prices.", rich_help_panel=SERVED)
    ] = None,
    input_price: Annotated[
        float, typer.Option(min=0, help="Price of a million prompt tokens.", rich_help_panel=SERVED)
    ] = 0,
    output_price: Annotated[
        float, typer.Option(min=0, help="Price of a million tokens of replies.", rich_help_panel=SERVED)
    ] = 0,
) -> None:
    """Play a policy and the anchors on a problem set; leaves a whole run folder."""
    from ordebug.cli.options import checked_actions, checked_profile, checked_solver
    from ordebug.core.parallel import default_workers
    from ordebug.env.repair_env import Rules
    from ordebug.eval.attempt import Setting
    from ordebug.eval.endpoint.settings import Limits, Sampling
    from ordebug.eval.report.terminal import show
    from ordebug.eval.rollout import Rollout, endpoint_for, swift_for
    from ordebug.eval.rollout import rollout as run

    rules = Rules(checked_actions(actions), max_steps, not no_auto_submit, checked_solver(solver))
    endpoint = endpoint_for(
        policy,
        base_url,
        model,
        sampling=Sampling(temperature, top_p, top_k, max_new_tokens),
        limits=Limits(max_requests_per_minute, max_cost, input_price, output_price),
        concurrency=concurrency,
        timeout=timeout,
        patience=patience,
    )
    request = Rollout(
        policy=policy,
        problems=problems,
        out=out,
        setting=Setting(checked_profile(profile), rules, max_prompt_tokens),
        swift=swift_for(policy, model, recipe, infer_arg or []),
        endpoint=endpoint,
        seed=seed,
        samples=samples,
        limit=limit,
        workers=workers or default_workers(),
        executor=executor,
        alone=alone,
    )
    show(out, run(request), json=json)
