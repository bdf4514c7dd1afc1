from collections.abc import Callable

import pytest

from ordebug.env.action import ACTION_SETS, ActionSet
from ordebug.env.policies import Turn, dice, oracle
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import RepairEnv, Rules

MakeProblem = Callable[..., tuple[Problem, ProblemSet]]


def test_a_drop_that_repairs_ends_the_episode(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem())
    observation, info = env.reset()
    assert observation.status == info["status"] == "INFEASIBLE"
    assert observation.conflict.rows == ("labor", "wood")
    _, reward, terminated, truncated, info = env.step("<think>\nwhy\n</think>\n\nAction: DROP_CONSTRAINT(labor)")
    assert (terminated, truncated, info["stop"], info["outcome"]) == (True, False, "recovered", "applied")
    assert info["objective"] == pytest.approx(65) and info["terms"]["tier"] == "equivalent"
    assert reward == pytest.approx(info["terms"]["total"]) == pytest.approx(0.9 + 0.1 - 0.005)


def test_the_stored_repair_is_worth_most(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules("extended"))
    env.reset()
    *_, info = env.step("Action: FLIP_SENSE(labor)")
    assert info["terms"]["equivalence"] == info["terms"]["tier"] == "equivalent"


def test_rewards_rank_endings(make_problem: MakeProblem) -> None:
    def total(*replies: str) -> float:
        env = RepairEnv(*make_problem(), Rules("extended", max_steps=2))
        env.reset()
        return sum(env.step(reply)[1] for reply in replies)

    ranked = [
        total("what?", "Action: DROP_CONSTRAINT(labor"),
        total("Action: DROP_CONSTRAINT(no_such_row)", "Action: GET_IIS()"),
        total("Action: GET_IIS()", "Action: SUBMIT()"),
        total("Action: GET_IIS()", "Action: GET_IIS()"),
        total("Action: GET_IIS()", "Action: DROP_CONSTRAINT(wood)"),
        total("Action: GET_IIS()", "Action: RELAX_CONSTRAINT(labor, 10)"),
        total("Action: GET_IIS()", "Action: FLIP_SENSE(labor)"),
    ]
    assert ranked == sorted(ranked) and len(set(ranked)) == len(ranked)
    assert min(ranked) >= -1 and max(ranked) <= 1


def test_a_malformed_reply_costs_a_step_and_changes_nothing(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem())
    before, _ = env.reset()
    after, _, terminated, truncated, info = env.step("no action here")
    assert info["outcome"] == "no_action" and info["action"] is None and not (terminated or truncated)
    assert after.conflict == before.conflict and after.steps_left == before.steps_left - 1
    assert after.past[0].outcome == "invalid (no_action)"


def test_protected_rows_stay(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(protected=["wood"]), Rules("extended"))
    env.reset()
    for action in ("DROP_CONSTRAINT(wood)", "RELAX_CONSTRAINT(wood, 5)"):
        assert env.step(f"Action: {action}")[4]["outcome"] == "protected"
    assert "wood" in env.observe().row_names


def test_the_step_limit_and_submit_end_an_episode(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules(max_steps=1))
    env.reset()
    assert env.step("Action: GET_IIS()")[3:][1]["stop"] == "max_steps"
    env.reset()
    assert env.step("Action: SUBMIT()")[4]["stop"] == "submitted"
    with pytest.raises(RuntimeError, match="reset"):
        env.step("Action: SUBMIT()")


def test_get_iis_says_when_there_is_no_other_conflict(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem())
    env.reset()
    assert env.step("Action: GET_IIS()")[0].note.startswith("No other conflict")


def test_without_auto_submit_a_feasible_model_waits(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules(auto_submit=False))
    env.reset()
    observation, _, terminated, _, _ = env.step("Action: DROP_CONSTRAINT(labor)")
    assert observation.status == "OPTIMAL" and not terminated
    assert env.step("Action: SUBMIT()")[4]["terms"]["tier"] == "equivalent"


def test_the_published_relax_shifts_an_equality(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules("compat"))
    env.reset()
    env.step("Action: RELAX_CONSTRAINT(hotel, -2)")
    assert env.model.row("hotel").rhs == 7


def test_reset_gives_the_same_start_again(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem())
    first, _ = env.reset()
    env.step("Action: RELAX_CONSTRAINT(wood, 3)")
    again, _ = env.reset()
    assert again == first
    env.close()
    assert env.reset()[0] == first


def test_a_row_can_be_named_as_the_prompt_shows_it(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(names=("<|im_end|>", "wood", "hotel")))
    env.reset()
    assert env.step('Action: DROP_CONSTRAINT("‹|im_end|>")')[4]["outcome"] == "applied"


def test_a_protected_row_keeps_its_limit(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(protected=["labor"]), Rules("extended"))
    env.reset()
    assert env.step("Action: UPDATE_RHS(labor, 5)")[4]["outcome"] == "protected"
    assert env.step("Action: FLIP_SENSE(labor)")[4]["stop"] == "recovered"


def test_get_iis_with_bounds_alone_has_nothing_new(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules("extended"))
    env.reset()
    env.step("Action: UPDATE_BOUNDS(chairs, 9, 3)")
    assert "No other conflict" in env.step("Action: GET_IIS()")[0].note
    env.step("Action: RESET()")
    assert "No other conflict" in env.step("Action: GET_IIS()")[0].note


def test_get_iis_of_a_feasible_model_says_so(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules(auto_submit=False))
    env.reset()
    env.step("Action: DROP_CONSTRAINT(labor)")
    assert env.step("Action: GET_IIS()")[0].note == "No conflict: the model is optimal."


@pytest.mark.parametrize("name", ["<think>r", "a</think>b", "<|im_end|>", "o'", 'say"no"', "flow[3,4]", "a,b"])
@pytest.mark.parametrize("actions", ACTION_SETS)
def test_anchors_reach_rows_of_any_name(make_problem: MakeProblem, name: str, actions: ActionSet) -> None:
    problem, problems = make_problem((name, "wood", "hotel"))
    env = RepairEnv(problem, problems, Rules(actions))
    observation, _ = env.reset()
    turn = Turn(observation, problem, actions, dice(0, "p", 0))
    assert env.step(oracle(turn))[4]["stop"] == "recovered"
