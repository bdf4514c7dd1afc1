import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.env import states as states_module
from ordebug.env.action import InvalidAction
from ordebug.env.observation import Observation, RowView
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.repair_env import RepairEnv, Rules
from ordebug.env.solvers.gurobi import GurobiModel
from ordebug.env.states import Edit, State, States

MakeProblem = Callable[..., tuple[Problem, ProblemSet]]
Generated = Callable[[str, int], ProblemSet]
WOOD = Edit("RELAX_CONSTRAINT", ("wood", 5.0), published=False)
LABOR = Edit("DROP_CONSTRAINT", ("labor",), published=False)


@pytest.fixture
def path(make_problem: MakeProblem) -> Path:
    problem, problems = make_problem()
    return problems.model_path(problem)


@pytest.fixture
def solves(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Counts the solves that are made."""
    made: list[str] = []
    solve = GurobiModel.solve

    def counted(model: GurobiModel) -> object:
        made.append("solve")
        return solve(model)

    monkeypatch.setattr(GurobiModel, "solve", counted)
    return made


def moved(found: State | InvalidAction) -> State:
    assert isinstance(found, State)
    return found


def test_a_state_is_solved_once(path: Path, solves: list[str]) -> None:
    states = States(path)
    first = moved(states.after(states.start, WOOD))
    assert first.solution.status == "INFEASIBLE" and len(solves) == 2
    assert states.after(states.start, WOOD) is first and len(solves) == 2
    assert moved(states.after(first, LABOR)).solution.objective == pytest.approx(75)
    assert states.model(first).row("wood").rhs == 35 and "labor" in states.model(first).row_names
    assert states.model(states.start).row("wood").rhs == 30
    states.close()


def test_a_refused_edit_leaves_the_state(path: Path) -> None:
    states = States(path)
    refused = states.after(states.start, Edit("FLIP_SENSE", ("hotel",), published=False))
    assert isinstance(refused, InvalidAction) and refused.reason == "bad_arguments"
    assert moved(states.after(states.start, LABOR)).row_names == ("wood", "hotel", "paint")
    states.close()


def test_what_is_kept_does_not_grow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states_module, "MOST_KEPT", 3)
    states = States(path)
    state = states.start
    for _ in range(9):
        state = moved(states.after(state, WOOD))
        states.with_other_conflict(state, frozenset())
    assert len(states._known) + len(states._others) <= 3
    assert states.model(state).row("wood").rhs == 75
    states.close()


def seen(env: RepairEnv, replies: list[str]) -> list[Observation]:
    shown = [env.reset()[0]]
    for reply in replies:
        state, _, terminated, truncated, _ = env.step(reply)
        shown.append(state)
        if terminated or truncated:
            break
    return shown


@pytest.mark.parametrize("error_type", ["A", "D"])
def test_an_episode_does_not_depend_on_those_before(generated: Generated, error_type: str) -> None:
    problems = generated(error_type, 20)
    for problem in list(problems)[:5]:
        rows = RepairEnv(problem, problems).reset()[0].row_names
        tight = [f"Action: UPDATE_RHS({name}, {limit})" for name in rows[:2] for limit in (-5, 1e5)]
        plans = [
            [*tight, "Action: GET_IIS()"],
            [tight[1], "Action: RESET()", *tight],
            [*reversed(tight), "Action: GET_IIS()"],
        ]
        rules = Rules("extended", 6)
        alone = [seen(RepairEnv(problem, problems, rules), plan) for plan in plans]
        for order in ((0, 1, 2, 0), (2, 1, 0, 1)):
            env = RepairEnv(problem, problems, rules)
            assert [seen(env, plans[i]) for i in order] == [alone[i] for i in order]
            env.close()


def test_the_algebra_is_read_when_it_is_looked_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    row = GurobiModel.row

    def counted(model: GurobiModel, name: str) -> RowView:
        read.append(name)
        return row(model, name)

    monkeypatch.setattr(GurobiModel, "row", counted)
    states = States(path)
    moved(states.after(moved(states.after(states.start, WOOD)), LABOR))
    assert not read
    rows = states.start.rows
    assert rows["wood"].rhs == 30 and read == ["labor", "wood"]
    assert pickle.loads(pickle.dumps(rows)) == dict(rows) == rows and len(read) == 2
    after = moved(states.after(states.start, WOOD))
    states.close()
    assert after.rows["wood"].rhs == 35
    states.close()


def test_what_turns_back_meets_the_model_of_the_file(path: Path) -> None:
    states = States(path)
    ahead = moved(states.after(moved(states.after(states.start, WOOD)), LABOR))
    assert states.model(states.start).matrix() == GurobiModel.read(path).matrix()
    assert states.model(ahead).row_names == ("wood", "hotel", "paint")
    states.close()
