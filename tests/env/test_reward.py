from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from ordebug.env import judge
from ordebug.env.episode import Episode
from ordebug.env.judge import INTEGRALITY, progress, shortfall
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.reward import TIERS, Ending, reward_terms
from ordebug.env.solvers.arrays import Arrays
from ordebug.env.solvers.gurobi import GurobiModel

MakeProblem = Callable[..., tuple[Problem, ProblemSet]]
GET, WOOD = "Action: GET_IIS()", "Action: RELAX_CONSTRAINT(wood, {})"


def ending(tier: str, steps: int, progress: float) -> Ending:
    """An ending of that tier; what is repaired has come all the way."""
    last = {"malformed": "no_action", "bad_target": "protected", "submitted_infeasible": "submitted"}
    outcomes = ["applied"] * (steps - 1) + [last.get(tier, "applied")]
    worth = {"recovered": 5.0, "objective_kept": 9.9, "equivalent": 10.0}.get(tier)
    verdict = "equivalent" if tier == "equivalent" else None
    return Ending(outcomes, worth, 10.0, verdict, progress if worth is None else 1.0, True)


def test_no_steps_and_no_progress_bridge_two_tiers() -> None:
    reached = {
        tier: [reward_terms(ending(tier, steps, p))["total"] for steps in (*range(1, 21), 500) for p in (-9, -1, 0, 1)]
        for tier in TIERS
    }
    for worse, better in pairwise(TIERS):
        assert max(reached[worse]) < min(reached[better])
    assert min(map(min, reached.values())) >= -1 and max(map(max, reached.values())) <= 1


@pytest.mark.parametrize("tier", TIERS)
def test_the_terms_add_up_and_name_the_tier(tier: str) -> None:
    terms = reward_terms(ending(tier, 3, 0.5))
    assert terms["tier"] == tier
    assert terms["total"] == terms["tier_value"] + terms["progress"] + terms["steps"]


def played(env: RepairEnv, *replies: str) -> tuple[float, dict[str, object]]:
    env.reset()
    total, info = 0.0, {}
    for reply in replies:
        _, reward, _, _, info = env.step(reply)
        total += reward
    return total, info["terms"]


def test_what_can_be_judged_is_said(make_problem: MakeProblem) -> None:
    drop = "Action: DROP_CONSTRAINT(labor)"
    _, whole = played(RepairEnv(*make_problem()), drop)
    _, optimum = played(RepairEnv(*make_problem(clean_model_file=None)), drop)
    _, outcome = played(RepairEnv(*make_problem(clean_model_file=None, original_objective=None)), drop)
    assert [(terms["judged_by"], terms["tier"]) for terms in (whole, optimum, outcome)] == [
        ("feasible_set", "equivalent"),
        ("objective", "objective_kept"),
        ("outcome", "recovered"),
    ]
    _, unknown = played(RepairEnv(*make_problem(original_objective=None)), drop)
    assert unknown["tier"] == "equivalent"


def test_another_feasible_set_of_the_same_optimum_is_not_equivalent(make_problem: MakeProblem) -> None:
    _, terms = played(RepairEnv(*make_problem()), "Action: RELAX_CONSTRAINT(labor, 10)")
    assert (terms["tier"], terms["equivalence"]) == ("objective_kept", "different")


def test_progress_telescopes_and_no_loop_pays(make_problem: MakeProblem) -> None:
    """labor >= 40 against wood <= 30: ten short; whatever happens between, the two ends decide."""
    env = RepairEnv(*make_problem(), Rules("extended", max_steps=5))
    straight, terms = played(env, WOOD.format(5), GET, GET, GET, GET)
    assert terms["progress"] == pytest.approx(0.1 * 5 / 10)
    in_parts, _ = played(env, *[WOOD.format(1)] * 5)
    assert in_parts == pytest.approx(straight)
    loops = [
        WOOD.format(5),
        "Action: RESET()",
        WOOD.format(5),
        "Action: UPDATE_RHS(wood, 20)",
        "Action: UPDATE_RHS(wood, 30)",
    ]
    looped, terms = played(env, *loops)
    assert terms["progress"] == pytest.approx(0)
    assert looped == pytest.approx(played(env, *[GET] * 5)[0])


def test_tightening_counts_against_it_and_stays_within_its_tier(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules("extended", max_steps=1))
    total, terms = played(env, "Action: UPDATE_RHS(wood, -100000)")
    assert terms["progress"] == -0.1
    assert total > played(env, "Action: SUBMIT()")[0]


def test_an_elastic_model_is_solved_twice_at_most(make_problem: MakeProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    solved: list[Arrays] = []

    def counted(model: Arrays) -> float:
        solved.append(model)
        return 1.0

    monkeypatch.setattr(judge, "least_violation", counted)
    env = RepairEnv(*make_problem(), Rules(max_steps=4))
    env.reset()
    for _ in range(3):
        env.step(WOOD.format(1))
    assert not solved
    env.step(WOOD.format(1))
    assert len(solved) == 2
    played(env, *[WOOD.format(2)] * 4)
    assert len(solved) == 3, "the start is solved once"
    for ending in ([GET] * 4, ["Action: DROP_CONSTRAINT(labor)"], [WOOD.format(2)] * 4):
        played(env, *ending)
    assert len(solved) == 3, "nothing changed, nothing falls short, or known already"


def test_a_conflict_of_integrality_alone_falls_short(tmp_path: Path) -> None:
    (tmp_path / "m.lp").write_text(
        "Minimize\n x\nSubject To\n odd: 2 x + 2 y = 3\nBounds\n x <= 9\n y <= 9\nGeneral\n x\n y\nEnd\n"
    )
    model = GurobiModel.read(tmp_path / "m.lp")
    assert shortfall(model, model.solve().status) == INTEGRALITY
    assert progress(INTEGRALITY, INTEGRALITY) == 0
    model.set_rhs("odd", -3)
    assert progress(INTEGRALITY, shortfall(model, model.solve().status)) < 0
    model.set_rhs("odd", 4)
    assert progress(INTEGRALITY, shortfall(model, model.solve().status)) == 1


def test_a_type_is_a_cause_like_any_other(tmp_path: Path) -> None:
    """Type B: x was continuous. Dropping the row loses the optimum, moving its limit keeps less than the set."""
    clean = "Maximize\n x + y\nSubject To\n half: 2 x = 3\n cap: x + y <= 90\nBounds\n y <= 70\n"
    (tmp_path / "clean.lp").write_text(clean + "End\n")
    (tmp_path / "broken.lp").write_text(clean + "General\n x\nEnd\n")
    record = {"problem_id": "p", "model_file": "broken.lp", "clean_model_file": "clean.lp", "original_objective": 71.5}
    problem = Problem.model_validate(record)
    env = RepairEnv(problem, ProblemSet(tmp_path, {"p": problem}), Rules("extended", max_steps=1))
    replies = (
        "Action: GET_IIS()",
        "Action: DROP_CONSTRAINT(half)",
        "Action: UPDATE_RHS(half, 2)",
        "Action: SET_TYPE(x, C)",
    )
    terms = [played(env, reply)[1] for reply in replies]
    assert [found["tier"] for found in terms] == ["not_recovered", "recovered", "objective_kept", "equivalent"]
    assert [found["progress"] for found in terms] == [0, 0.1, 0.1, 0.1]


def test_a_start_that_falls_short_by_nothing_measurable_has_no_progress() -> None:
    assert progress(0.0, 0.0) == 0.0


def test_episodes_keep_their_terms(make_problem: MakeProblem) -> None:
    _, terms = played(RepairEnv(*make_problem()), "Action: SUBMIT()")
    episode = Episode(problem_id="p", policy="x", steps=(), stop="submitted", reward=terms["total"], reward_terms=terms)
    assert Episode.model_validate_json(episode.model_dump_json()).reward_terms == terms
