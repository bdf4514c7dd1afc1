"""The nine error types on every family that can hold them, and lies told of each."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ordebug.env.edits import apply_repair
from ordebug.env.generate.attempt import make
from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.faults import FAULTS
from ordebug.env.generate.plan import Order, Plan
from ordebug.env.generate.proof import failed_claims
from ordebug.env.policies import Turn, dice, oracle
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.solvers.gurobi import GurobiModel

MOST_DRAWS = 40
FLAT = ("production", "blending", "staffing", "transport")
STRUCTURED = tuple(name for name in FAMILIES if name not in FLAT)
PAIRS = [(t, f) for t, f in product(FAULTS, FAMILIES) if f in STRUCTURED or t in "ADEI"]
RARE = {("G", "knapsack")}
"""Combinations that so few draws seldom give: disjoint conflicts amid whole numbers."""


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> ProblemSet:
    """One problem of every error type and family."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "models").mkdir()
    made = [_one(folder, error_type, family) for error_type, family in PAIRS if (error_type, family) not in RARE]
    return ProblemSet(folder, {problem.problem_id: problem for problem in made})


def _one(folder: Path, error_type: str, family: str) -> Problem:
    plan = Plan(1, (error_type,), (family,), seed=PAIRS.index((error_type, family)))
    for number in range(MOST_DRAWS):
        made = make(Order(folder, plan, (error_type,), number))
        if made.problems:
            return made.problems[0]
    raise AssertionError(f"no {error_type} of {family}")


def _first(problems: ProblemSet, error_type: str, family: str | None = None) -> Problem:
    found = (p for p in problems if p.error_type == error_type and family in (None, p.family) and p.protected)
    return next(found)


def test_every_type_and_family_generates_and_checks(problems: ProblemSet) -> None:
    assert len(problems) == len(PAIRS) - len(RARE)
    for problem in problems:
        assert failed_claims(problem, problems) == [], problem.problem_id


def test_what_cannot_be_combined_is_counted(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    made = make(Order(tmp_path, Plan(1, ("C",), ("blending",)), ("C",), 1))
    assert not made.problems and made.rejections == {"C: nothing to break that way in blending": 1}
    assert not list((tmp_path / "models").iterdir())


def test_the_repair_gives_back_the_matrix_and_nothing_else_was_changed(problems: ProblemSet) -> None:
    for problem in problems:
        broken, clean = (
            GurobiModel.read(problems.folder / str(f)) for f in (problem.model_file, problem.clean_model_file)
        )
        assert broken.matrix() != clean.matrix()
        apply_repair(broken, problem.repair, problem.problem_id)
        assert broken.matrix() == clean.matrix()
        broken.close()
        clean.close()


@pytest.mark.parametrize("actions", ["core", "extended"])
def test_the_oracle_recovers_in_the_fewest_actions(problems: ProblemSet, actions: Any) -> None:
    for problem in problems:
        env = RepairEnv(problem, problems, Rules(actions))
        observation, _ = env.reset()
        taken, info = 0, {"stop": None}
        while info["stop"] is None:
            reply = oracle(Turn(observation, problem, actions, dice(0, problem.problem_id, 0)))
            observation, *_, info = env.step(reply)
            taken += 1
        if actions == "extended":
            assert info["stop"] == "recovered"
            assert taken <= len(problem.repair)
        else:
            assert (info["stop"] == "recovered") == problem.repairable.core, problem.problem_id
            assert not problem.repairable.core or taken == problem.fewest_actions
        env.close()


def test_the_oracle_tells_what_is_wrong_in_numbers(problems: ProblemSet) -> None:
    told = {"B": "written a whole number", "C": " per ", "H": "written any number", "I": "written "}
    for error_type, words in told.items():
        problem = next(p for p in problems if p.error_type == error_type and p.family in ("planning", "network"))
        env = RepairEnv(problem, problems, Rules("extended"))
        reply = oracle(Turn(env.reset()[0], problem, "extended", dice(0, problem.problem_id, 0)))
        assert words in next(line for line in reply.splitlines() if "wrong" in line), reply


def _other_row(problem: Problem, problems: ProblemSet) -> str:
    model = GurobiModel.read(problems.model_path(problem))
    free = [name for name in model.row_names if name not in problem.touched and name not in problem.protected]
    model.close()
    return free[0]


def _lies(problem: Problem, problems: ProblemSet) -> Iterator[dict[str, Any]]:
    cause, other = problem.root_cause[0], _other_row(problem, problems)
    kinds = [name for name in FAULTS if name != problem.error_type]
    # a problem of type A or D may well be one of type I in all but name; its change is another
    yield from ({"error_type": kind} for kind in kinds)
    yield {"root_cause": (cause.model_copy(update={"touches": (other,)}), *problem.root_cause[1:])}
    yield {"root_cause": problem.root_cause[1:]}
    yield {"repair": problem.repair[1:]}
    yield {"repair": (*problem.repair, f"FLIP_SENSE({other})")}
    yield {"repairable": problem.repairable.model_copy(update={"core": not problem.repairable.core})}
    yield {"repairable": problem.repairable.model_copy(update={"extended": False})}
    yield {"fewest_actions": int(problem.fewest_actions or 0) + 1}
    yield {"core_repair": (f"RELAX_CONSTRAINT({other}, 0.000001)",)}
    yield {"original_objective": float(problem.original_objective or 0) + 1}
    yield {"protected": (*problem.protected, *problem.touched)} if problem.error_type in "ADI" else {"model_file": "x"}
    yield {"description": str(problem.description).replace(f"{other}: ", f"{other}: exactly 1 thing, ")}
    yield {"clean_model_file": problem.model_file}


@pytest.mark.parametrize("error_type", list(FAULTS))
def test_a_lie_in_each_claim_is_found(problems: ProblemSet, error_type: str) -> None:
    problem = _first(problems, error_type, "planning")
    for lie in _lies(problem, problems):
        told = problem.model_copy(update=lie)
        assert failed_claims(told, problems), (problem.problem_id, lie)


@pytest.mark.parametrize("error_type", list(FAULTS))
def test_a_model_that_was_changed_elsewhere_is_found(problems: ProblemSet, error_type: str) -> None:
    problem = _first(problems, error_type)
    other = _other_row(problem, problems)
    for number, change in enumerate((f"RELAX_CONSTRAINT({other}, 1)", f"DROP_CONSTRAINT({other})")):
        model = GurobiModel.read(problems.model_path(problem))
        apply_repair(model, (change,), "-")
        name = f"models/changed-{error_type}-{number}.mps"
        model.write(problems.folder / name)
        model.close()
        assert failed_claims(problem.model_copy(update={"model_file": name}), problems)


def test_balance_and_linking_rows_are_protected_and_described(problems: ProblemSet) -> None:
    for problem in problems:
        assert bool(problem.protected) == (problem.family in STRUCTURED)
        lines = {line.partition(":")[0]: line for line in str(problem.description).splitlines()}
        assert all(" per " in lines[name] for name in problem.protected)


def test_the_largest_models_stay_within_the_licence() -> None:
    from ordebug.env.generate.scale import MOST_VARIABLES, Scale
    from ordebug.env.solvers.gurobi_environment import SMALL_LICENCE

    for family, seed in product(STRUCTURED, range(5)):
        draft = FAMILIES[family](Random(seed), Scale(variables=range(MOST_VARIABLES, MOST_VARIABLES + 1)))
        # of three causes up to three may be rows that were added
        assert len(draft.objective) <= SMALL_LICENCE and len(draft.rows) + 3 <= SMALL_LICENCE, family


def test_sizes_scale(tmp_path: Path) -> None:
    from ordebug.env.generate.lab import build
    from ordebug.env.generate.scale import Scale

    for family, size in product(STRUCTURED, (5, 40, 300)):
        draft = FAMILIES[family](Random(1), Scale(variables=range(size, size + 1)))
        assert size / 2 <= len(draft.objective) <= 1.5 * size + 8, family
        model = build(draft, draft.rows)
        assert size > 40 or model.solve().status == "OPTIMAL"
        model.close()


def test_causes_spread_over_names_and_places(problems: ProblemSet) -> None:
    """Codes for names: no prefix, number or place in the file belongs to causes more than to others."""
    places: Counter[str] = Counter()
    for problem in problems:
        for cause in problem.root_cause:
            if cause.name.startswith("R") and problem.family in STRUCTURED:
                model = GurobiModel.read(problems.model_path(problem))
                rank = model.row_names.index(cause.name) / len(model.row_names)
                places["first half" if rank < 0.5 else "second half"] += 1
                number = int(cause.name[1:]) / (len(model.row_names) + 3)
                places["low number" if number <= 0.5 else "high number"] += 1
                model.close()
    assert min(places.values()) > 0.3 * max(places.values()), places
