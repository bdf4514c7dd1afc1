"""Problems drawn, broken, written and proved.

A clean model is drawn from its own seed, so that the problems do not depend on how many are made, nor on how many
worker processes make them.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from ordebug.core.errors import UsageError
from ordebug.core.jsonl import write_json
from ordebug.core.parallel import parallel_map
from ordebug.env.generate.draft import Draft, DraftRow, draw_row
from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.faults import INJECTIONS
from ordebug.env.generate.faults.fault import Fault
from ordebug.env.generate.proof import failed_claims
from ordebug.env.observation import Sense
from ordebug.env.problem import Problem, Repairable
from ordebug.env.problem_set import ProblemSet, write_problem_set
from ordebug.env.solvers.gurobi import GurobiModel, solver_manifest

DECOY_SHARE = 0.4
MOST_DRAWS_PER_PROBLEM = 50
FEWEST_ROWS, MOST_ROWS = 3, 12
Rejections = Counter[str]


@dataclass(frozen=True)
class Plan:
    """A set to make.

    Attributes:
        count: How many problems, in equal shares of the types.
        types: Error types.
        families: Families, drawn in turn.
        rows: How many rows a clean model may have.
        most_conflict_rows: Problems whose conflict has more are rejected.
        seed: Sets of different seeds share no clean model.
    """

    count: int
    types: tuple[str, ...]
    families: tuple[str, ...]
    rows: range = range(4, 7)
    most_conflict_rows: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Order:
    """One clean model to draw and break.

    Attributes:
        folder: Where the files go.
        plan: The set it is for.
        types: Error types to make of it, one problem each.
        number: Its place among the clean models of the set.
    """

    folder: Path
    plan: Plan
    types: tuple[str, ...]
    number: int

    @property
    def family(self) -> str:
        """Which family to draw from."""
        return self.plan.families[self.number % len(self.plan.families)]

    @property
    def base_id(self) -> str:
        """The name that problems of this clean model share."""
        return f"{self.family}-{self.plan.seed}-{self.number:06d}"


@dataclass(frozen=True)
class Made:
    """What came of one order: proved problems, and why other attempts were rejected."""

    problems: tuple[Problem, ...]
    rejections: Rejections


def generate(folder: Path, plan: Plan, workers: int) -> tuple[list[Problem], Rejections]:
    """Makes a set of problems and writes it; returns the problems and why attempts were rejected.

    Raises:
        UsageError: If the folder holds a set, or the plan cannot be met.
    """
    _check(folder, plan)
    (folder / "models").mkdir(parents=True)
    problems: list[Problem] = []
    rejections: Rejections = Counter()
    quota = Counter({name: len(range(i, plan.count, len(plan.types))) for i, name in enumerate(plan.types)})
    number = 0
    while wanted := tuple(name for name in plan.types if quota[name]):
        if number > MOST_DRAWS_PER_PROBLEM * max(plan.count, 20):
            raise UsageError(f"only {len(problems)} of {plan.count} problems could be proved.", "Ask for other types.")
        batch = max(8, 2 * max(quota.values()))
        orders = [Order(folder, plan, wanted, i) for i in range(number, number + batch)]
        number += batch
        for made in parallel_map(make, orders, workers=workers, label="clean models drawn", chunk=32):
            rejections += made.rejections
            for problem in made.problems:
                _take(problem, quota, problems, folder)
    _tidy(folder, problems)
    random.Random(f"{plan.seed}/order").shuffle(problems)
    write_problem_set(folder, problems)
    write_json(folder / "generation.json", _report(plan, problems, rejections))
    return problems, rejections


def make(order: Order) -> Made:
    """Draws one clean model, breaks it once for each type, and proves what it claims."""
    rng = random.Random(f"{order.plan.seed}/{order.family}/{order.number}")
    draft = FAMILIES[order.family](rng, rng.choice(order.plan.rows))
    clean = build(draft, draft.rows)
    objective = clean.solve().objective
    if not objective:
        clean.close()
        return Made((), Counter({"the clean model is unbounded or worth nothing": 1}))
    clean_file = f"models/{order.base_id}.mps"
    clean.write(order.folder / clean_file)
    clean.close()
    problems, rejections = [], Rejections()
    for error_type in order.types:
        dice = random.Random(f"{order.base_id}/{error_type}")
        stem = Problem(
            problem_id=f"{order.base_id}-{dice.randrange(10**6):06d}",
            model_file="-",
            clean_model_file=clean_file,
            error_type=error_type,
            family=draft.family,
            original_objective=objective,
            base_id=order.base_id,
            seed=order.plan.seed,
            repairable=Repairable(core=True, extended=True),
            fewest_actions=1,
        )
        problem = _first_proved(order, draft, stem, dice, rejections)
        problems += [problem] if problem else []
    if not problems:
        (order.folder / clean_file).unlink()
    return Made(tuple(problems), rejections)


def build(draft: Draft, rows: Sequence[DraftRow]) -> GurobiModel:
    """The model of a draft with these rows."""
    model = GurobiModel.build(draft.family, draft.objective, maximize=draft.maximize)
    for row in rows:
        model.add_row(row.name, row.terms, row.sense, row.rhs)
    return model


def _first_proved(
    order: Order, draft: Draft, stem: Problem, rng: random.Random, rejections: Rejections
) -> Problem | None:
    """The first way to break the draft whose every claim is proved; why others failed is counted."""
    for fault in INJECTIONS[str(stem.error_type)](rng, draft, partial(_reach, draft)):
        rows = rng.sample(fault.rows, len(fault.rows))
        model = build(draft, rows)
        if model.solve().status != "INFEASIBLE":
            model.close()
            rejections[f"{stem.error_type}: the broken model is feasible"] += 1
        elif len(model.conflict().rows) > order.plan.most_conflict_rows:
            model.close()
            rejections[f"{stem.error_type}: the conflict has too many rows"] += 1
        else:
            name = f"models/{stem.problem_id}.mps"
            model.write(order.folder / name)
            model.close()
            problem = _labelled(stem, name, draft, fault, rng)
            failures = failed_claims(problem, ProblemSet(order.folder, {}))
            if not failures:
                return problem
            (order.folder / name).unlink()
            rejections.update(f"{stem.error_type}: {_kind(failure)}" for failure in failures[:1])
    return None


def _reach(draft: Draft, terms: dict[str, float], sense: Sense) -> float | None:
    """How far a sum can go in the clean model: an optimum over its rows."""
    objective = {name: terms.get(name, 0.0) for name in draft.objective}
    model = build(replace(draft, objective=objective, maximize=sense == ">="), draft.rows)
    try:
        return model.solve().objective
    finally:
        model.close()


def _labelled(stem: Problem, model_file: str, draft: Draft, fault: Fault, rng: random.Random) -> Problem:
    return stem.model_copy(
        update={
            "model_file": model_file,
            "description": describe(draft, fault, rng),
            "root_cause": (fault.cause,),
            "repair": fault.repair,
        }
    )


def describe(draft: Draft, fault: Fault, rng: random.Random) -> str:
    """The model in words: what each row is for and its limit as it was meant, in random order.

    Now and then a withdrawn requirement is told of that did leave the model.
    """
    lines = [row.said() for row in draft.rows] + list(fault.said)
    spare = [named for named in draft.spare if named[0] != fault.cause.name]
    if spare and rng.random() < DECOY_SHARE:
        point = {variable: rng.randint(1, 9) for variable in draft.objective}
        decoy = draw_row(rng, *rng.choice(spare), point, (1, 2, 3), rng.choice(("<=", ">=")))
        lines.append(decoy.said(withdrawn=True))
    return "\n".join([draft.opening, *rng.sample(lines, len(lines))])


def _kind(failure: str) -> str:
    """A failure without the names in it, so that like ones are counted together."""
    return " ".join(word for word in failure.split() if word.isalpha())


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


def _check(folder: Path, plan: Plan) -> None:
    for wanted, known, what in ((plan.types, INJECTIONS, "error type"), (plan.families, FAMILIES, "family")):
        unknown = ", ".join(name for name in wanted if name not in known)
        if unknown or not wanted:
            raise UsageError(f"unknown {what} {unknown or '(none given)'}.", f"Choose of {', '.join(known)}.")
        if len(set(wanted)) < len(wanted):
            raise UsageError(f"a {what} is named twice.", "Name each once.")
    if not plan.rows or plan.rows.start < FEWEST_ROWS or plan.rows.stop > MOST_ROWS + 1:
        raise UsageError("no such number of rows.", f"Give --rows as in 4-6, within {FEWEST_ROWS} to {MOST_ROWS}.")
    if plan.count < 1:
        raise UsageError(f"--count {plan.count} makes no problem.", "Ask for at least 1.")
    if (folder / "problems.jsonl").exists() or (folder / "dataset.json").exists():
        raise UsageError(f"{folder} already holds a problem set.", "Give another --out, or delete it first.")
    if (folder / "models").exists():
        raise UsageError(
            f"{folder / 'models'} exists without a problem set.", "Give another --out, or delete it first."
        )


def _report(plan: Plan, problems: Sequence[Problem], rejections: Rejections) -> dict[str, object]:
    return {
        **asdict(plan),
        "rows": [plan.rows.start, plan.rows.stop - 1],
        "clean_models": len({problem.base_id for problem in problems}),
        "rejected": dict(rejections.most_common()),
        "solver": solver_manifest(),
    }


def check(problems: ProblemSet, workers: int) -> Iterator[tuple[Problem, list[str]]]:
    """Proves a set again from its files; yields each problem with the claims that do not hold."""
    jobs = [(problem, replace(problems, problems={})) for problem in problems]
    results = parallel_map(_check_one, jobs, workers=workers, label="problems checked", chunk=32)
    yield from zip(problems, results, strict=True)


def _check_one(job: tuple[Problem, ProblemSet]) -> list[str]:
    return failed_claims(*job)
