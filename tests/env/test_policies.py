from collections.abc import Callable
from dataclasses import replace

import pytest

from ordebug.core.errors import UsageError
from ordebug.env.action import ACTION_SETS, ActionSet
from ordebug.env.observation import Conflict, Past
from ordebug.env.policies import ANCHORS, Turn, anchor, dice, oracle
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import RepairEnv, Rules

MakeProblem = Callable[..., tuple[Problem, ProblemSet]]
Generated = Callable[[str, int], ProblemSet]


def reply(env: RepairEnv, name: str, seed: int = 0) -> str:
    turn = Turn(env.observe(), env.problem, env.rules.actions, dice(seed, "p", 0), env.model)
    return anchor(name)(turn)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("drop-first", "DROP_CONSTRAINT(labor)"),
        ("drop-2nd", "DROP_CONSTRAINT(wood)"),
        ("drop-3rd", "DROP_CONSTRAINT(wood)"),
        ("drop-last", "DROP_CONSTRAINT(wood)"),
        ("relax-big", "RELAX_CONSTRAINT(labor, 1000000)"),
    ],
)
def test_what_an_anchor_does(make_problem: MakeProblem, name: str, answer: str) -> None:
    env = RepairEnv(*make_problem())
    env.reset()
    assert reply(env, name) == f"Action: {answer}"


def test_anchors_leave_protected_rows_alone(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(protected=["labor"]))
    env.reset()
    for name in ANCHORS.keys() - {"random", "oracle"}:
        assert "(wood" in reply(env, name), name


def test_drop_random_draws_from_the_conflict(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem())
    env.reset()
    drawn = {reply(env, "drop-random", seed) for seed in range(20)}
    assert drawn == {"Action: DROP_CONSTRAINT(labor)", "Action: DROP_CONSTRAINT(wood)"}


@pytest.mark.parametrize("name", ["feasrelax-l0", "feasrelax-l1", "oracle"])
@pytest.mark.parametrize("actions", ACTION_SETS)
@pytest.mark.parametrize("error_type", ["A", "D"])
def test_what_repairs_one_action_a_turn(generated: Generated, name: str, actions: ActionSet, error_type: str) -> None:
    problems = generated(error_type, 20)
    for problem in list(problems)[:4]:
        env = RepairEnv(problem, problems, Rules(actions))
        env.reset()
        ended, info = False, {}
        while not ended:
            *_, terminated, truncated, info = env.step(reply(env, name))
            ended = terminated or truncated
        assert info["stop"] == "recovered", (problem.problem_id, env.observe().past)
        env.close()


def test_feasrelax_moves_bounds_where_the_action_set_can(make_problem: MakeProblem) -> None:
    """chairs = 5 against chairs <= 3 and >= 2: the bound or the row must give way."""
    problem, problems = make_problem(protected=["hotel", "labor", "wood", "paint"])
    for actions, expected in (("extended", "UPDATE_BOUNDS(chairs, 2, 5."), ("core", "SUBMIT()")):
        env = RepairEnv(problem, problems, Rules(actions))
        env.reset()
        env.model.flip("labor")
        env.model.set_bounds("chairs", 2, 3)
        for name in ("feasrelax-l0", "feasrelax-l1"):
            assert reply(env, name).startswith(f"Action: {expected}"), actions


def test_feasrelax_submits_where_nothing_falls_short(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules(auto_submit=False))
    env.reset()
    env.step("Action: DROP_CONSTRAINT(labor)")
    assert reply(env, "feasrelax-l1") == "Action: SUBMIT()"


def test_the_oracle_takes_the_cause_that_is_shown_and_else_asks(make_problem: MakeProblem) -> None:
    causes = [{"kind": "row", "name": name, "touches": [name]} for name in ("hotel", "labor")]
    problem, problems = make_problem(root_cause=causes, repair=["DROP_CONSTRAINT(hotel)", "DROP_CONSTRAINT(labor)"])
    env = RepairEnv(problem, problems)
    state, _ = env.reset()
    assert reply(env, "oracle").endswith("Action: DROP_CONSTRAINT(labor)")
    other = replace(
        state, conflict=Conflict(("paint", "wood")), rows=dict.fromkeys(("paint", "wood"), state.rows["wood"])
    )
    for shown, answer in (
        (other, "GET_IIS()"),
        (replace(other, note="No other conflict."), "DROP_CONSTRAINT(hotel)"),
        (replace(other, steps_left=2), "DROP_CONSTRAINT(hotel)"),
        (
            replace(other, past=(Past("DROP_CONSTRAINT(hotel)", "still infeasible"),), note="x"),
            "DROP_CONSTRAINT(labor)",
        ),
    ):
        assert oracle(Turn(shown, problem, "core", dice(0, "p", 0))).endswith(f"Action: {answer}")
    assert "labor: at most, written >=, wrong" in reply(env, "oracle")


def test_the_oracle_submits_what_is_repaired(make_problem: MakeProblem) -> None:
    env = RepairEnv(*make_problem(), Rules(auto_submit=False))
    env.reset()
    env.step(reply(env, "oracle"))
    *_, info = env.step(reply(env, "oracle"))
    assert (info["stop"], info["objective"]) == ("submitted", 65.0)


def test_an_unknown_anchor_names_the_choices() -> None:
    with pytest.raises(UsageError, match="no policy 'drop-4th'") as error:
        anchor("drop-4th")
    assert "feasrelax-l0" in error.value.fix
