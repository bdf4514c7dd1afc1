"""One clean model drawn, broken once for each type, and what came of it proved."""

import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ordebug.core.errors import LicenceError, ModelTooLargeError, SolverError
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.effort import little_work
from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.faults import FAULTS
from ordebug.env.generate.faults.fault import Fault
from ordebug.env.generate.hardness import FEWEST_HARD_ROWS, TOO_FEW_ROWS, hard_failures
from ordebug.env.generate.lab import Lab, build
from ordebug.env.generate.plan import Order
from ordebug.env.generate.proof import core_failures, model_failures, opened
from ordebug.env.generate.search import Settled, settle
from ordebug.env.generate.words import describe
from ordebug.env.problem import Problem, Repairable
from ordebug.env.problem_set import ProblemSet

MOST_TRIES = 40
Rejections = Counter[str]


@dataclass(frozen=True)
class Made:
    """What came of one order: proved problems, and why other attempts were rejected."""

    problems: tuple[Problem, ...]
    rejections: Rejections


def make(order: Order) -> Made:
    """Draws one clean model, breaks it once for each type, and proves what it claims."""
    rng = random.Random(f"{order.plan.seed}/{order.family}/{order.number}")
    draft = FAMILIES[order.family](rng, order.plan.scale)
    rejections: Rejections = Counter()
    with little_work():
        clean_file = f"models/{order.base_id}.mps"
        objective = _written_optimum(draft, order.folder / clean_file, rejections)
        problems = []
        for error_type in order.types if objective else ():
            dice = random.Random(f"{order.base_id}/{error_type}")
            number = f"{dice.randrange(10**6):06d}"
            stem = _stem(order, draft, clean_file, objective, error_type, number)
            problem = _first_proved(order, draft, stem, dice, rejections)
            problems += [problem] if problem else []
    if objective and not problems:
        (order.folder / clean_file).unlink()
    return Made(tuple(problems), rejections)


def _written_optimum(draft: Draft, path: Path, rejections: Rejections) -> float | None:
    """The clean model's optimum, its file written; None where it cannot be used."""
    with closing(build(draft, draft.rows)) as clean:
        try:
            objective = clean.solve().objective
        except (LicenceError, ModelTooLargeError):
            raise
        except SolverError:
            rejections["the clean model takes too much work"] += 1
            return None
        if not objective:
            rejections["the clean model is unbounded or worth nothing"] += 1
            return None
        clean.write(path)
    return objective


def _stem(
    order: Order, draft: Draft, clean_file: str, objective: float | None, error_type: str, number: str
) -> Problem:
    """What is known of a problem before it is broken."""
    return Problem(
        problem_id=f"{order.base_id}-{number}",
        model_file="-",
        clean_model_file=clean_file,
        error_type=error_type,
        family=draft.family,
        repairable=Repairable(extended=True),
        hard=order.plan.hard,
        original_objective=objective,
        protected=draft.protected,
        base_id=order.base_id,
        seed=order.plan.seed,
    )


def _first_proved(
    order: Order, draft: Draft, stem: Problem, rng: random.Random, rejections: Rejections
) -> Problem | None:
    """The first way to break the draft whose every claim is proved; why others failed is counted."""
    tries = 0
    with closing(Lab(draft, stem.original_objective or 0.0, order.plan.most_conflict_rows, stem.hard)) as lab:
        for fault in islice(FAULTS[str(stem.error_type)].inject(rng, draft, lab), MOST_TRIES):
            tries += 1
            outcome = _attempt(order, draft, stem, fault, rng)
            if isinstance(outcome, Problem):
                return outcome
            rejections[f"{stem.error_type}: {outcome}"] += 1
    if not tries:
        rejections[f"{stem.error_type}: nothing to break that way in {draft.family}"] += 1
    return None


def _attempt(order: Order, draft: Draft, stem: Problem, fault: Fault, rng: random.Random) -> Problem | str:
    """A proved problem, or why there is none."""
    path = order.folder / f"models/{stem.problem_id}.mps"
    try:
        unfit = _write_broken(order, draft, fault, rng, path)
        if unfit:
            return unfit
        told = {"root_cause": fault.causes, "repair": fault.repair, "description": describe(draft, fault, rng)}
        outcome = _proved(order, stem.model_copy(update=told | {"model_file": f"models/{path.name}"}))
    except LicenceError:
        raise
    except SolverError as error:
        outcome = f"not proved: {_kind(error.message)}"
    if not isinstance(outcome, Problem):
        path.unlink(missing_ok=True)
    return outcome


def _write_broken(order: Order, draft: Draft, fault: Fault, rng: random.Random, path: Path) -> str | None:
    """Writes the broken model, its rows in random order; or says why it is of no use."""
    rows = rng.sample(fault.rows, len(fault.rows))
    with closing(build(fault.broken(draft), rows)) as model:
        if model.solve().status != "INFEASIBLE":
            return "the broken model is feasible"
        size = len(model.conflict().rows)
        if size > order.plan.most_conflict_rows:
            return "the conflict has too many rows"
        if order.plan.hard and size < FEWEST_HARD_ROWS:
            return TOO_FEW_ROWS
        model.write(path)
    return None


def _proved(order: Order, problem: Problem) -> Problem | str:
    """The problem with what was proved of its repairs, or the first claim that does not hold; all from its files."""
    with opened(problem, ProblemSet(order.folder, {})) as case:
        failure = next(model_failures(case), None)
        if failure is None:
            failure = next(hard_failures(case), None) if problem.hard else None
        if failure is None:
            case.problem = _with_repairs(problem, settle(case))
            failure = next(core_failures(case), None)
    return case.problem if failure is None else _kind(failure)


def _with_repairs(problem: Problem, settled: Settled) -> Problem:
    return problem.model_copy(
        update={
            "repairable": Repairable(core=bool(settled.repair), extended=True),
            "core_repair": settled.repair,
            "fewest_actions": len(settled.repair) or len(problem.repair),
        }
    )


def _kind(failure: str) -> str:
    """A failure without the names in it, so that like ones are counted together."""
    return " ".join(word for word in failure.split() if word.strip(":,").isalpha())
