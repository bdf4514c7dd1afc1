"""``ordebug recipes``: the YAML files for ms-swift, checked and planned before a GPU is busy with them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ordebug.swift_recipes.plan import Plan

app = typer.Typer(help="Recipes for ms-swift: list, show, check and plan them.", no_args_is_help=True)

KindName = Literal["sft", "infer", "deploy", "rollout", "rlhf", "export"]
KindOption = Annotated[
    KindName | None, typer.Option(help="The swift command a file of one's own is for; by default its folder's name.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_recipes(as_json: JsonOption = False) -> None:
    """Show the recipes and what each is for."""
    from ordebug.swift_recipes.catalogue import WITH, overlays, recipes

    found = recipes()
    if as_json:
        typer.echo(json.dumps([{"name": r.name, "command": r.kind, "purpose": r.purpose} for r in found]))
        return
    laid_on = {f"{WITH}{name}": purpose for name, purpose in overlays().items()}
    width = max(len(recipe.name) for recipe in found)
    for recipe in found:
        typer.echo(f"{recipe.name:<{width}}  {recipe.purpose}")
    typer.echo("\nVariants of the GRPO recipes, rlhf/qwen3_8b_grpo+dapo and so on:")
    for name, purpose in laid_on.items():
        typer.echo(f"{name:<{width}}  {purpose}")
    typer.echo('\nThe repository "Qwen/Qwen3-8B-Instruct" does not exist: Qwen/Qwen3-8B is the post-trained model.')


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A recipe's name, or a file; with +dapo and the like behind it, or not. With --latex a run's folder."
        ),
    ],
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the table of hyper-parameters for a paper, of a recipe or of a run.")
    ] = False,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print the whole file, for swift to read.")] = False,
    kind: KindOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a recipe: every value and its reason."""
    from ordebug.swift_recipes.catalogue import as_words, find_recipe
    from ordebug.swift_recipes.latex import hyperparameters, is_run, recipe_settings, run_settings

    if latex and is_run(name):
        typer.echo(hyperparameters(run_settings(name)))
        return
    recipe = find_recipe(name, kind)
    if as_json:
        typer.echo(json.dumps({"name": recipe.name, "ENV": recipe.env, **recipe.values}, default=str))
    elif as_yaml:
        typer.echo(recipe.text, nl=False)
    elif latex:
        typer.echo(hyperparameters(recipe_settings(recipe)))
    else:
        typer.echo(f"{recipe.name} (swift {recipe.kind})\n{recipe.about}\n")
        for key, value in recipe.values.items():
            typer.echo(f"{key} = {' '.join(as_words(value))}\n    {recipe.reasons.get(key) or '-'}")


@app.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names or files; by default every recipe and variant.")
    ] = None,
    kind: KindOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check recipes by ms-swift's own arguments and by our rules; exit status 1 when one is wrong."""
    from ordebug.swift_recipes.catalogue import find_recipe, recipes, variants
    from ordebug.swift_recipes.check import problems

    chosen = [find_recipe(name, kind) for name in names] if names else [*recipes(), *variants()]
    found = {recipe.name: problems(recipe) for recipe in chosen}
    if as_json:
        typer.echo(json.dumps(found))
    for name, wrong in found.items() if not as_json else ():
        typer.echo(f"{'wrong' if wrong else 'ok   '} {name}")
        for each in wrong:
            typer.echo(f"      {each}")
    if any(found.values()):
        raise typer.Exit(1)


@app.command()
def plan(
    name: Annotated[str, typer.Argument(help="An SFT recipe's name, or a file.")],
    data: Annotated[Path, typer.Option(help="The SFT rows to train on.")],
    gpus: Annotated[int | None, typer.Option(min=1, help="GPUs; by default the recipe's NPROC_PER_NODE.")] = None,
    gpu_memory: Annotated[float, typer.Option(min=1, help="Memory of a GPU in GiB, as nvidia-smi says.")] = 80.0,
    model: Annotated[str | None, typer.Option(help="Another model than the recipe's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate steps, memory a GPU and time on A800s; exit status 1 when the memory does not suffice.

    What `check` says of the recipe by our rules goes to stderr; `check` itself asks ms-swift too.
    """
    from ordebug.swift_recipes.catalogue import find_recipe
    from ordebug.swift_recipes.plan import make_plan
    from ordebug.swift_recipes.rules import rule_problems

    recipe = find_recipe(name, "sft" if Path(name).is_file() else None)
    made = make_plan(recipe, data, gpus, model, gpu_memory)
    for problem in rule_problems(recipe, thinks=False):
        typer.echo(f"warning: {problem}", err=True)
    typer.echo(json.dumps(made.as_json()) if as_json else _told(made))
    if not made.fits:
        raise typer.Exit(1)


def _told(made: "Plan") -> str:
    return "\n".join(made.lines())


@app.command()
def handoff(
    checkpoint: Annotated[Path, typer.Argument(help="What SFT made: a model's folder or an adapter's.")],
    problems: Annotated[Path, typer.Argument(help="The problem set of the prompts.")],
    unseen: Annotated[Path, typer.Argument(help="The problem set that GRPO is measured on.")],
    words: Annotated[list[str], typer.Argument(help="What follows swift rlhf: a recipe, and arguments, behind `--`.")],
) -> None:
    """Prove that what GRPO begins with fits together, before anything is sampled.

    shell/grpo.sh calls this. It prints a line each: the limit of a reply in training, the model below the adapter
    (empty where there is none), and whether a reference is used, yes or no.
    """
    from ordebug.swift_recipes.handoff import base_model, reply_limit, require_disjoint, uses_reference
    from ordebug.swift_recipes.training_run import training_run

    run = training_run("rlhf", words)
    require_disjoint(problems, unseen)
    typer.echo(reply_limit(run))
    typer.echo(base_model(checkpoint, run))
    typer.echo("yes" if uses_reference(run) else "no")


@app.command()
def manifest(
    trainer: Annotated[Literal["sft", "rlhf"], typer.Argument(help="The swift command.")],
    words: Annotated[list[str], typer.Argument(help="What follows it: a recipe, and arguments, behind `--`.")],
) -> None:
    """Write what exactly produces a training run into its folder, before it runs, and print the folder.

    The shell scripts call this. The folder is the one that ms-swift would choose. Nothing is written when a file or a
    model's folder is missing, or ms-swift would refuse an argument. A model that is not on this machine yet is fetched
    first, so that its weights have digests.
    """
    import os
    from datetime import datetime

    from ordebug.swift_recipes.preconditions import require
    from ordebug.swift_recipes.training_run import begin, training_run

    run = training_run(trainer, words)
    require(run)
    unfetched = run.fetch_models(os.environ)
    for model, why in unfetched.items():
        typer.echo(f"warning: the manifest holds no digest of {model}'s weights: {why}", err=True)
    typer.echo(begin(run, os.environ, datetime.now(), unfetched))


@app.command()
def serving(
    checkpoint: Annotated[str, typer.Argument(help="A model's folder, a LoRA adapter's, or a model's id.")],
    recipe: Annotated[str, typer.Argument(help="The recipe it is to be served with.")],
    given: Annotated[list[str] | None, typer.Argument(help="Further arguments of the server, behind `--`.")] = None,
    engine: Annotated[Literal["swift", "vllm"], typer.Option(help="The server.")] = "swift",
) -> None:
    """Print what a server must be told of a checkpoint that was trained otherwise than the recipe says.

    shell/deploy.sh calls this, and stops where the prompts of training cannot be had.
    """
    import shlex

    from ordebug.swift_recipes.catalogue import find_recipe
    from ordebug.swift_recipes.serving import serving_words

    typer.echo(shlex.join(serving_words(checkpoint, engine, find_recipe(recipe, "deploy"), given or [])))


@app.command()
def base(
    adapter: Annotated[Path, typer.Argument(help="The folder of a LoRA or QLoRA checkpoint.")],
    words: Annotated[list[str] | None, typer.Argument(help="What goes to swift export, behind `--`.")] = None,
) -> None:
    """Print, a word a line, the model, type and template an adapter was trained with; others are refused.

    shell/merge.sh calls this.
    """
    from ordebug.swift_recipes.merge import base_words

    typer.echo("\n".join(base_words(adapter, words or ())))
