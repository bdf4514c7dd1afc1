"""Hard problems: rules that know the conflict but not what is meant are near chance."""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from scipy.stats import chisquare

from ordebug.env.action import ActionSet
from ordebug.env.generate.attempt import make
from ordebug.env.generate.generator import generate
from ordebug.env.generate.hardness import FEWEST_HARD_ROWS
from ordebug.env.generate.plan import Order, Plan
from ordebug.env.generate.proof import failed_claims
from ordebug.env.observation import Observation
from ordebug.env.policies import ANCHORS, Turn, dice
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reward import OBJECTIVE_KEPT, optimality_preserved

COUNT = 48
SETS = {"I": ("transportation",), "A": ("planning", "rostering", "facility"), "D": ("rostering", "transportation")}
"""Types whose cause is one row, most often one that may be dropped, and families that give hard ones at a good rate."""
QUARTERS = 4
Choose = Callable[[Observation, Random], str]


@pytest.fixture(scope="module", params=list(SETS))
def hard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ProblemSet:
    """Hard problems of one type, whose cause is a row of the conflict."""
    folder = tmp_path_factory.mktemp("hard") / "set"
    generate(folder, Plan(COUNT, (request.param,), SETS[request.param], hard=True, seed=1), workers=1)
    return read_problem_set(folder)


@pytest.fixture(scope="module")
def starts(hard: ProblemSet) -> list[tuple[Problem, Observation]]:
    return [(problem, RepairEnv(problem, hard).reset()[0]) for problem in hard]


def _kept(problem: Problem, problems: ProblemSet, name: str, *, amount: float | None = None) -> bool:
    env = RepairEnv(problem, problems)
    env.reset()
    *_, info = env.step(
        f"Action: DROP_CONSTRAINT({name})" if amount is None else f"Action: RELAX_CONSTRAINT({name}, {amount})"
    )
    env.close()
    return (optimality_preserved(info.get("objective"), problem.original_objective) or 0) >= OBJECTIVE_KEPT


def test_one_row_of_at_least_four_keeps_the_optimum(
    hard: ProblemSet, starts: list[tuple[Problem, Observation]]
) -> None:
    for problem, observation in starts[:15]:
        rows = observation.conflict.rows
        assert len(rows) >= FEWEST_HARD_ROWS
        assert sum(_kept(problem, hard, name) for name in rows) == 1
        assert sum(_kept(problem, hard, name, amount=1e6) for name in rows) == 1


def test_the_place_of_the_cause_among_the_rows_of_the_conflict_is_uniform(
    starts: list[tuple[Problem, Observation]],
) -> None:
    rng, places = Random(0), Counter(dict.fromkeys(range(QUARTERS), 0))
    for problem, observation in starts:
        rows = observation.conflict.rows
        # a place among any number of rows, spread over its share of the quarters
        place = (rows.index(problem.root_cause[0].name) + rng.random()) / len(rows)
        places[int(QUARTERS * place)] += 1
    assert chisquare(list(places.values())).pvalue > 0.001, places


@pytest.mark.parametrize(
    "choose",
    [
        *(lambda state, rng, k=k: state.conflict.rows[k % len(state.conflict.rows)] for k in range(6)),
        lambda state, rng: state.conflict.rows[-1],
        lambda state, rng: rng.choice(state.conflict.rows),
        lambda state, rng: min(state.conflict.rows),
        lambda state, rng: max(state.conflict.rows, key=len),
    ],
)
def test_rules_that_know_the_conflict_alone_are_near_chance(
    starts: list[tuple[Problem, Observation]], choose: Choose
) -> None:
    hits = sum(choose(state, Random(problem.problem_id)) == problem.root_cause[0].name for problem, state in starts)
    chances = [1 / len(state.conflict.rows) for _, state in starts]
    spread = math.sqrt(sum(p * (1 - p) for p in chances))
    assert abs(hits - sum(chances)) < 3.5 * spread, (hits, sum(chances))


@pytest.mark.parametrize(
    ("error_type", "family"),
    [
        ("B", "planning"),
        ("C", "rostering"),
        ("E", "recipe"),
        ("F", "knapsack"),
        ("G", "planning"),
        ("H", "planning"),
    ],
)
def test_hard_problems_of_other_types_are_proved(tmp_path: Path, error_type: str, family: str) -> None:
    (tmp_path / "models").mkdir()
    plan = Plan(1, (error_type,), (family,), hard=True, seed=2)
    made = (make(Order(tmp_path, plan, (error_type,), number)).problems for number in range(90))
    problem = next(problems[0] for problems in made if problems)
    problems = ProblemSet(tmp_path, {problem.problem_id: problem})
    assert problem.hard and failed_claims(problem, problems) == []


def test_an_easy_problem_told_to_be_hard_is_found(tmp_path: Path) -> None:
    generate(tmp_path / "easy", Plan(6, ("A", "H"), ("recipe",), seed=1), workers=1)
    problems = read_problem_set(tmp_path / "easy")
    lies = [failed_claims(problem.model_copy(update={"hard": True}), problems) for problem in problems]
    assert any(claim.startswith("not hard") for claims in lies for claim in claims)


def test_with_two_causes_only_the_oracle_is_always_right(tmp_path: Path) -> None:
    """Of two or more sets of rows that make it feasible one keeps the optimum: no anchor knows which."""
    generate(tmp_path / "two", Plan(5, ("E",), ("planning",), hard=True, seed=4), workers=1)
    problems = read_problem_set(tmp_path / "two")
    hits = Counter(name for name in ANCHORS for problem in problems if _anchor_keeps(problem, problems, name))
    assert hits["oracle"] == len(problems)
    assert all(hits[name] < len(problems) for name in ANCHORS if name != "oracle"), hits
    assert sum(hits.values()) - hits["oracle"] < len(problems) * (len(ANCHORS) - 1) / 3, hits


def _anchor_keeps(problem: Problem, problems: ProblemSet, name: str) -> bool:
    """Whether an anchor keeps the optimum within as many actions as there are causes; the oracle may correct rows."""
    actions: ActionSet = "extended" if name == "oracle" else "core"
    env = RepairEnv(problem, problems, Rules(actions, max_steps=len(problem.root_cause)))
    observation, _ = env.reset()
    info: dict[str, object] = {"stop": None}
    while info["stop"] is None:
        observation, *_, info = env.step(
            ANCHORS[name](Turn(observation, problem, actions, dice(0, problem.problem_id, 0), env.model))
        )
    value = info.get("objective")
    kept = optimality_preserved(value if isinstance(value, float) else None, problem.original_objective)
    return (kept or 0) >= OBJECTIVE_KEPT
