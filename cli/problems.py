"""``ordebug problems``: make, prove and show problem sets."""

from pathlib import Path
from typing import Annotated

import typer

from ordebug.cli.executor import ExecutorOption

app = typer.Typer(help="Make, prove and show sets of broken models.", no_args_is_help=True)

Workers = Annotated[int | None, typer.Option(help="Processes; by default every core.", min=1)]


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="Folder for the new set.")],
    count: Annotated[int, typer.Option(help="How many problems.")] = 100,
    types: Annotated[str, typer.Option(help="Error types, as in A,D or A-D.")] = "A-I",
    families: Annotated[str, typer.Option(help="Families, as in production,blending; or all.")] = "all",
    rows: Annotated[str, typer.Option(help="Rows of a flat family's clean model, from-to.")] = "4-6",
    variables: Annotated[str, typer.Option(help="Variables of any other clean model, nearly, from-to.")] = "12-24",
    most_conflict_rows: Annotated[int, typer.Option(help="Reject larger conflicts.", min=2)] = 12,
    hard: Annotated[bool, typer.Option("--hard", help="Only problems that no rule without reading solves.")] = False,
    seed: Annotated[int, typer.Option(help="Sets of different seeds share no clean model.")] = 0,
    workers: Workers = None,
    executor: ExecutorOption = "local",
    json: Annotated[bool, typer.Option("--json", help="Print a report that a program may read.")] = False,
) -> None:
    """Make problems whose every claim the solver proved."""
    from ordebug.core.jsonl import read_json
    from ordebug.core.parallel import default_workers
    from ordebug.env.generate.families import FAMILIES
    from ordebug.env.generate.generator import generate as run
    from ordebug.env.generate.plan import Plan
    from ordebug.env.generate.scale import Scale

    chosen = list(FAMILIES) if families == "all" else _names(families)
    scale = Scale(_span(rows), _span(variables))
    plan = Plan(count, _types(types), tuple(chosen), scale, most_conflict_rows, hard, seed)
    problems, rejections = run(out, plan, workers or default_workers(), executor)
    if json:
        typer.echo((out / "generation.json").read_text(encoding="utf-8"))
        return
    report = read_json(out / "generation.json", "a generation report")
    typer.echo(f"{len(problems)} problems of {report['clean_models']} clean models in {out}, every claim proved.")
    for reason, times in rejections.most_common():
        typer.echo(f"  rejected {times} times: {reason}")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A problem set.")],
    workers: Workers = None,
    json: Annotated[bool, typer.Option("--json", help="Print a report that a program may read.")] = False,
) -> None:
    """Prove a set again from its files; exit status 1 when a claim does not hold."""
    import json as json_module

    from ordebug.core.parallel import default_workers
    from ordebug.env.generate.generator import check as run
    from ordebug.env.problem_set import read_problem_set

    results = list(run(read_problem_set(folder), workers or default_workers()))
    failed = {problem.problem_id: claims for problem, claims in results if claims}
    if json:
        typer.echo(json_module.dumps({"problems": len(results), "failed": failed}))
    else:
        for problem_id, claims in failed.items():
            typer.echo(f"{problem_id}: {'; '.join(claims)}")
        typer.echo(f"{len(results) - len(failed)} of {len(results)} problems proved.")
    if failed:
        raise typer.Exit(1)


@app.command()
def select(
    folder: Annotated[Path, typer.Argument(help="A problem set, ours or in the published layout.")],
    ids: Annotated[Path, typer.Option(help="JSONL whose rows name problems by problem_id.")],
    out: Annotated[Path, typer.Option(help="Folder for the new set.")],
    limit: Annotated[int | None, typer.Option(help="At most so many, drawn at random.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
) -> None:
    """Copy the problems that a file of rows names into a set of their own."""
    import random

    from ordebug.core.jsonl import read_rows
    from ordebug.env.problem_set import read_problem_set
    from ordebug.env.problem_set import select as run

    problems = read_problem_set(folder)
    named = list(dict.fromkeys(str(row.get("problem_id")) for _, row in read_rows(ids, "rows with a problem_id")))
    known = [problem_id for problem_id in named if problem_id in problems.problems]
    # at random: the head of a file sorted by type would be all of one type
    chosen = random.Random(seed).sample(known, min(limit or len(known), len(known)))
    count = run(problems, chosen or named, out)
    typer.echo(f"{count} problems in {out}; {len(named)} ids named, {len(named) - len(known)} of them not in {folder}.")


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="A problem set.")],
    problem_id: Annotated[str | None, typer.Argument(help="Which problem; the first by default.")] = None,
    profile: Annotated[str, typer.Option(help="seed, names or algebra.")] = "algebra",
    actions: Annotated[str, typer.Option(help="core, extended or compat.")] = "core",
) -> None:
    """Show one problem as a policy sees it, then the oracle's answer and what was broken."""
    from ordebug.cli.options import checked_actions, checked_profile
    from ordebug.env.policies import Turn, dice, oracle
    from ordebug.env.problem_set import read_problem_set
    from ordebug.env.renderer import render
    from ordebug.env.repair_env import RepairEnv, Rules

    problems = read_problem_set(folder)
    problem = problems.get(problem_id) if problem_id else next(iter(problems))
    rules = Rules(checked_actions(actions))
    env = RepairEnv(problem, problems, rules)
    observation, _ = env.reset()
    for message in render(observation, checked_profile(profile), rules.actions):
        typer.echo(f"[{message['role']}]\n{message['content']}\n")
    turn = Turn(observation, problem, rules.actions, dice(0, problem.problem_id, 0))
    typer.echo(f"[oracle]\n{oracle(turn)}\n")
    causes = ", ".join(f"{cause.kind} of {cause.name}" for cause in problem.root_cause) or "unknown"
    typer.echo(f"[truth]\n{problem.problem_id}, type {problem.error_type}: {causes}")
    env.close()


def _span(text: str) -> range:
    """``4-6`` as 4, 5, 6; ``4`` as 4 alone; empty where it is neither."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1) if first.isdecimal() and (last or first).isdecimal() else range(0)


def _types(text: str) -> tuple[str, ...]:
    """``A,D`` as A and D; ``A-C`` as A, B and C."""
    names: list[str] = []
    for part in _names(text):
        first, dash, last = part.partition("-")
        span = dash and len(first) == len(last) == 1
        names += [chr(code) for code in range(ord(first), ord(last) + 1)] if span else [part]
    return tuple(names)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
