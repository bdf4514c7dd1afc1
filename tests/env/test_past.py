"""An episode that begins after decisions taken before."""

from collections.abc import Callable

from ordebug.env.action import Action, InvalidAction
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import RepairEnv, Rules

MakeProblem = Callable[..., tuple[Problem, ProblemSet]]


def test_the_past_is_shown_and_not_scored(make_problem: MakeProblem) -> None:
    problem, problems = make_problem()
    env = RepairEnv(problem, problems, Rules(max_steps=4))
    past = [Action("GET_IIS"), InvalidAction("no_action")]
    observation, _ = env.reset(past)
    assert [step.action for step in observation.past] == ["GET_IIS()", "(no action)"] and observation.steps_left == 2
    _, reward, terminated, _, info = env.step("Action: DROP_CONSTRAINT(labor)")
    assert terminated and info["terms"]["steps"] == -0.005 and reward == info["terms"]["total"]
    env.reset()
    _, fresh, *_ = env.step("Action: DROP_CONSTRAINT(labor)")
    assert fresh == reward
    env.close()


def test_steps_of_the_past_count(make_problem: MakeProblem) -> None:
    problem, problems = make_problem()
    env = RepairEnv(problem, problems, Rules(max_steps=3))
    env.reset([InvalidAction("no_action"), InvalidAction("no_action")])
    *_, info = env.step("Action: GET_IIS()")
    assert info["stop"] == "max_steps" and info["terms"]["tier"] == "not_recovered"
    env.close()
