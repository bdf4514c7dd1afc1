"""A set of problems made and written, or proved again.

A clean model is drawn from its own seed, so that the problems do not depend on how many are made, nor on how many
worker processes make them.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ordebug.core.errors import UsageError
from ordebug.core.jsonl import write_json
from ordebug.core.parallel import Executor, parallel_map
from ordebug.env.generate.attempt import Rejections, make
from ordebug.env.generate.harvest import Harvest
from ordebug.env.generate.plan import Order, Plan
from ordebug.env.generate.proof import failed_claims
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, write_problem_set
from ordebug.env.solvers.gurobi import solver_manifest

MOST_DRAWS_PER_PROBLEM = 200
LABEL = "clean models drawn"
MOST_ORDERED = 480
"""Clean models ordered at a time."""


def generate(folder: Path, plan: Plan, workers: int, executor: Executor = "local") -> tuple[list[Problem], Rejections]:
    """Makes a set of problems and writes it; returns the problems and why attempts were rejected.

    Raises:
        UsageError: If the folder holds a set, or the plan cannot be met.
    """
    plan.check()
    _check_folder(folder)
    (folder / "models").mkdir(parents=True)
    problems: list[Problem] = []
    rejections: Rejections = Counter()
    quota = Counter(plan.quota())
    harvest, number = Harvest(plan.families), 0
    while wanted := tuple(name for name in plan.types if quota[name]):
        if harvest.barren(wanted) or number > MOST_DRAWS_PER_PROBLEM * max(plan.count, 20):
            raise _cannot(plan, harvest.barren(wanted) or wanted, problems, rejections)
        batch = min(MOST_ORDERED, number or max(8, 2 * max(quota.values())))
        ordered = (Order(folder, plan, wanted, i) for i in range(number, number + batch))
        orders = [order for order in map(harvest.worth_trying, ordered) if order.types]
        number += batch
        with closing(parallel_map(make, orders, workers=workers, label=LABEL, executor=executor)) as results:
            for order, made in zip(orders, results, strict=False):
                rejections += made.rejections
                harvest.count(order, made)
                for problem in made.problems:
                    _take(problem, quota, problems, folder)
                if not any(quota.values()):
                    break  # what later clean models give is not wanted, and no worker may write after this
    _tidy(folder, problems)
    random.Random(f"{plan.seed}/order").shuffle(problems)
    write_problem_set(folder, problems)
    write_json(folder / "generation.json", _report(plan, problems, rejections))
    return problems, rejections


def _cannot(plan: Plan, wanted: Sequence[str], problems: Sequence[Problem], rejections: Rejections) -> UsageError:
    """The error for a plan that was not met, with the most frequent reasons for each type that is missing."""
    common = [(reason, times) for reason, times in rejections.most_common() if reason.split(":")[0] in wanted]
    reasons = common or rejections.most_common()
    return UsageError(
        f"only {len(problems)} of {plan.count} problems could be proved, none more of {', '.join(wanted)}: "
        f"{'; '.join(f'{reason} ({times} times)' for reason, times in reasons[:3])}.",
        "Ask for other types or families, or other sizes with --rows or --variables. docs/environment.md, "
        '"What each family gives", says what goes together.',
    )


def check(problems: ProblemSet, workers: int) -> Iterator[tuple[Problem, list[str]]]:
    """Proves a set again from its files; yields each problem with the claims that do not hold."""
    jobs = [(problem, replace(problems, problems={})) for problem in problems]
    results = parallel_map(_check_one, jobs, workers=workers, label="problems checked", chunk=32)
    yield from zip(problems, results, strict=True)


def _check_one(job: tuple[Problem, ProblemSet]) -> list[str]:
    return failed_claims(*job)


def _take(problem: Problem, quota: Counter[str], problems: list[Problem], folder: Path) -> None:
    """Keeps a problem while its type is wanted; of one too many, the file is removed."""
    error_type = str(problem.error_type)
    if quota[error_type]:
        quota[error_type] -= 1
        problems.append(problem)
    else:
        (folder / problem.model_file).unlink()


def _tidy(folder: Path, problems: Sequence[Problem]) -> None:
    """Removes clean models that no problem kept."""
    kept = {problem.clean_model_file for problem in problems} | {problem.model_file for problem in problems}
    for path in (folder / "models").iterdir():
        if f"models/{path.name}" not in kept:
            path.unlink()


def _check_folder(folder: Path) -> None:
    for found, what in (
        (
            (folder / "problems.jsonl").exists() or (folder / "dataset.json").exists(),
            f"{folder} already holds a problem set.",
        ),
        ((folder / "models").exists(), f"{folder / 'models'} exists without a problem set."),
    ):
        if found:
            raise UsageError(what, "Give another --out, or delete it first.")


def _report(plan: Plan, problems: Sequence[Problem], rejections: Rejections) -> dict[str, object]:
    made: dict[str, Counter[str]] = {name: Counter() for name in plan.types}
    for problem in problems:
        made[str(problem.error_type)][str(problem.family)] += 1
    return {
        **plan.manifest(),
        "clean_models": len({problem.base_id for problem in problems}),
        "made": {name: dict(sorted(counts.items())) for name, counts in made.items()},
        "rejected": dict(rejections.most_common()),
        "solver": solver_manifest(),
    }
