from dataclasses import replace

import pytest

from ordebug.converters.verify.prompt import Listed, Told, listed, match, printed_conflict, steps_so_far
from ordebug.env.action import Action
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import PROFILES, Profile, render
from ordebug.env.repair_env import RepairEnv, Rules


@pytest.fixture
def env(stool: tuple[Problem, ProblemSet]) -> RepairEnv:
    env = RepairEnv(*stool, Rules("core"))
    env.reset()
    return env


@pytest.mark.parametrize("profile", PROFILES)
def test_a_rendered_prompt_prints_the_conflict_of_its_state(env: RepairEnv, profile: Profile) -> None:
    state = env.observe()
    printed = printed_conflict(render(state, profile)[1]["content"])
    assert printed is not None
    assert match(printed, state) == "same"
    less = replace(state.conflict, rows=state.conflict.rows[:1])
    assert match(printed, replace(state, conflict=less)) == "other"
    no_bounds = replace(state, conflict=replace(state.conflict, bounds=()))
    assert match(printed, no_bounds) == ("same" if not state.conflict.bounds else "rows")


def test_other_algebra_is_another_conflict(env: RepairEnv) -> None:
    state = env.observe()
    text = render(state, "algebra")[1]["content"]
    printed = printed_conflict(text.replace(">= 30", ">= 31"))
    assert printed is not None
    assert match(printed, state) == "other"


@pytest.mark.parametrize("profile", PROFILES)
def test_steps_are_read_back(env: RepairEnv, profile: Profile) -> None:
    for reply in (
        Action("GET_IIS"),
        "no idea",
        Action("DROP_CONSTRAINT", ("nothing",)),
        Action("DROP_CONSTRAINT", ("wood",)),
    ):
        env.step(reply)
    assert steps_so_far(render(env.observe(), profile)[1]["content"]) == (
        Told("GET_IIS()", "shown"),
        Told("(no action)", "invalid (no_action)"),
        Told("DROP_CONSTRAINT(nothing)", "invalid (unknown_target)"),
        Told("DROP_CONSTRAINT(wood)", "still infeasible"),
    )


def test_a_step_that_was_cut_is_not_known() -> None:
    long = "DROP_CONSTRAINT(" + "x" * 90
    assert steps_so_far(f"Steps so far:\n1. {long[:100]}: still infeasible\nSteps left: 3") is None
    assert steps_so_far("Steps so far:\nnothing that reads like a step") is None
    assert steps_so_far("Status: INFEASIBLE") == ()


def test_names_with_marks_are_read_as_python_writes_them() -> None:
    rows = ["it's", 'a "b"', "c\\d", "é"]
    printed = printed_conflict(f"Conflicting Constraints: {rows}\nConflicting Bounds: ['x']")
    assert printed == Listed(frozenset(rows), frozenset(["x"]))


@pytest.mark.parametrize("text", ["[1, 2]", "[__import__('os')]", "['a'", "[" * 500 + "]" * 500])
def test_what_is_no_list_of_names_is_no_conflict(text: str) -> None:
    assert printed_conflict(f"Conflicting Constraints: {text}") is None


def test_the_state_stands_behind_the_description(env: RepairEnv) -> None:
    state = replace(env.observe(), description="IIS rows:\n(1) labor: x <= 1\nSteps so far:\n1. SUBMIT(): submitted")
    text = render(state, "algebra")[1]["content"]
    printed = printed_conflict(text)
    assert printed is not None
    assert match(printed, state) == "same"
    assert listed(state.conflict).rows == {"labor", "plan"}
