"""``ordebug fix``: a person's own infeasible model."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ordebug.env.episode import Step
    from ordebug.eval.attempt import Setting
    from ordebug.eval.fix.player import Player

ENDPOINT = "endpoint"


def fix(
    model_file: Annotated[Path, typer.Argument(help="An MPS or LP file, or one compressed with gzip.")],
    policy: Annotated[
        str, typer.Option(help="Who proposes: endpoint, or an anchor such as feasrelax-l0, which needs no model.")
    ] = ENDPOINT,
    base_url: Annotated[str | None, typer.Option(help="As http://127.0.0.1:8000/v1; the key: OPENAI_API_KEY.")] = None,
    model: Annotated[str | None, typer.Option(help="The name the model is served under.")] = None,
    out: Annotated[Path | None, typer.Option(help="The repaired file; by default NAME-repaired beside you.")] = None,
    protect: Annotated[
        list[str] | None,
        typer.Option(help="A row that is right and must stay, or a pattern such as 'balance*'; repeatable."),
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="What names mean: CSV lines 'name,meaning' or a JSON object.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Attempts; the one that changes least is taken.")] = 1,
    actions: Annotated[str, typer.Option(help="Action set: core or extended; the one the model was trained on.")] = (
        "extended"
    ),
    profile: Annotated[str, typer.Option(help="What prompts show: names or algebra.")] = "algebra",
    max_steps: Annotated[int, typer.Option(min=1, help="Decisions an attempt may take.")] = 20,
    max_prompt_tokens: Annotated[int, typer.Option(min=1, help="Budget of a prompt.")] = 2048,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 0.6,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Limit of a reply.")] = 4096,
    seed: Annotated[int, typer.Option(help="What replies are drawn from.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Repair a model: a served model proposes, the solver judges; exit status 1 where it is not repaired."""
    import json as json_module

    from rich.console import Console

    from ordebug.cli.options import checked_actions, checked_profile
    from ordebug.core.errors import existing_file
    from ordebug.env.repair_env import Rules
    from ordebug.eval.attempt import Setting
    from ordebug.eval.fix.own_model import output_file, own_problem, read_meanings
    from ordebug.eval.fix.repair import fix as repaired
    from ordebug.eval.report.fix import print_fixed, print_step

    existing_file(model_file, "a model file")
    written = output_file(model_file, out)
    meanings = read_meanings(existing_file(names, "names with their meanings")) if names else {}
    problem = own_problem(model_file, protect or [], meanings)
    setting = Setting(checked_profile(profile), Rules(checked_actions(actions), max_steps), max_prompt_tokens)
    console = Console(stderr=json)
    counts: dict[int, int] = {}

    def watch(sample: int, step: "Step") -> None:
        if sample not in counts and samples > 1:
            console.print(f"attempt {sample + 1} of {samples}")
        counts[sample] = counts.get(sample, 0) + 1
        print_step(counts[sample], step, console)

    with _player(policy, base_url, model, setting, seed, temperature, max_new_tokens) as player:
        env = setting.environment(problem, model_file.resolve().parent)
        try:
            found = repaired(env, model_file.resolve().parent, setting, player, written, samples=samples, watch=watch)
        finally:
            env.close()
    if json:
        typer.echo(json_module.dumps(found.as_json(), ensure_ascii=False))
    else:
        print_fixed(str(model_file), found, meanings, console)
    if found.outcome == "not_repaired":
        raise typer.Exit(1)


def _player(
    policy: str,
    base_url: str | None,
    model: str | None,
    setting: "Setting",
    seed: int,
    temperature: float,
    max_new_tokens: int,
) -> "AbstractContextManager[Player]":
    from contextlib import nullcontext

    from ordebug.core.errors import UsageError
    from ordebug.eval.endpoint.settings import Endpoint, Sampling
    from ordebug.eval.fix.player import anchored, served

    if policy != ENDPOINT:
        return nullcontext(anchored(policy, setting, seed))
    if base_url is None or model is None:
        raise UsageError(
            "no served model is given.",
            "Give --base-url URL and --model NAME (bash shell/deploy.sh serves one), or --policy feasrelax-l0.",
        )
    return served(Endpoint(base_url, model, Sampling(temperature, max_new_tokens=max_new_tokens)), seed)
