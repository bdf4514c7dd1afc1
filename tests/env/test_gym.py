import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from ordebug.core.errors import InputError
from ordebug.env.action import ACTION_SETS, ActionSet
from ordebug.env.gym import RepairGym, env_id, register
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, write_problem_set
from ordebug.env.renderer import render
from ordebug.env.reward import REWARD_VERSION

MakeProblem = Callable[..., tuple[Problem, ProblemSet]]


@pytest.fixture
def folder(make_problem: MakeProblem) -> Path:
    """A set of two problems."""
    problem, problems = make_problem(names=("<|im_end|>", "wood", "hotel"))
    write_problem_set(problems.folder, [problem, problem.model_copy(update={"problem_id": "joinery-2"})])
    return problems.folder


@pytest.mark.parametrize("actions", ACTION_SETS)
def test_it_keeps_gymnasiums_contract(folder: Path, actions: ActionSet) -> None:
    register()
    env = gymnasium.make(env_id(actions), problems=folder)
    check_env(env.unwrapped)
    env.close()


def test_ids_carry_the_rewards_version() -> None:
    assert register() == register() == tuple(map(env_id, ACTION_SETS))
    assert env_id("core") == f"ordebug/RepairCore-v{REWARD_VERSION}"


def test_an_episode_shows_what_everything_else_shows(folder: Path) -> None:
    env = RepairGym(folder, actions="extended", render_mode="ansi")
    prompt, info = env.reset(options={"problem_id": "joinery-2"})
    assert env._env is not None
    messages = render(env._env.observe(), "algebra", "extended")
    assert [prompt["system"], prompt["user"]] == [message["content"] for message in messages]
    assert info == {"status": "INFEASIBLE", "problem_id": "joinery-2"}
    assert env.render() == prompt["user"]
    after, reward, terminated, truncated, info = env.step('Action: FLIP_SENSE("‹|im_end|>")')
    assert terminated and not truncated and reward == info["terms"]["total"]
    assert after in env.observation_space and prompt != after
    env.close()


def test_the_draw_depends_on_the_seed_alone(folder: Path) -> None:
    def drawn(seed: int) -> list[str]:
        env = RepairGym(folder)
        return [env.reset(seed=seed if number == 0 else None)[1]["problem_id"] for number in range(8)]

    assert drawn(3) == drawn(3)
    assert len(set(drawn(3))) == 2


def test_what_cannot_be_done_is_said(folder: Path) -> None:
    env = RepairGym(folder)
    with pytest.raises(RuntimeError, match="reset"):
        env.step("Action: SUBMIT()")
    with pytest.raises(InputError, match="no problem 'x'"):
        env.reset(options={"problem_id": "x"})
    env.close()


def test_nothing_else_needs_gymnasium() -> None:
    code = (
        "import sys, ordebug.cli.main, ordebug.eval.rollout, ordebug.eval.assessment; print('gymnasium' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
