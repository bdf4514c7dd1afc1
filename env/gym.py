"""The environment for Gymnasium; needs the package (extra ``dev``), which nothing else here does.

::

    ordebug.env.gym.register()
    env = gymnasium.make("ordebug/RepairCore-v2", problems="DIR")

An observation is the prompt, an action the reply: texts made and read by the same renderer and parser as all others.
The ids carry the reward's version, because a changed reward makes results incomparable.
"""

from pathlib import Path
from typing import Any

import gymnasium
from gymnasium import spaces

from ordebug.env.action import ACTION_SETS, ActionSet
from ordebug.env.observation import Observation
from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.env.renderer import DEFAULT_PROMPT_TOKENS, Profile, render
from ordebug.env.repair_env import DEFAULT_MAX_STEPS, RepairEnv, Rules
from ordebug.env.reward import REWARD_VERSION

LONGEST_PROMPT = 1_000_000
LONGEST_REPLY = 100_000
ENTRY_POINT = "ordebug.env.gym:RepairGym"
Prompt = dict[str, Any]


class AnyText(spaces.Text):
    """Text of any characters; Gymnasium's own is confined to a set of them, from which samples are drawn."""

    def contains(self, x: Any) -> bool:
        """Whether it is text that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length


class RepairGym(gymnasium.Env[Prompt, str]):
    """A set of problems; each episode is one of them, drawn at random or named.

    Args:
        problems: A problem set, or its folder.
        actions: The action set.
        profile: How much of the state the prompts show.
        max_steps: Decisions an episode may take.
        auto_submit: Whether an episode ends by itself once the model is feasible and bounded.
        max_prompt_tokens: Budget of a prompt.
        render_mode: ``ansi``, for the user turn as text, or None.

    Raises:
        InputError: If the folder holds no problem set.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(
        self,
        problems: ProblemSet | Path | str,
        actions: ActionSet = "core",
        profile: Profile = "algebra",
        max_steps: int = DEFAULT_MAX_STEPS,
        auto_submit: bool = True,
        max_prompt_tokens: int = DEFAULT_PROMPT_TOKENS,
        render_mode: str | None = None,
    ) -> None:
        self.problems = problems if isinstance(problems, ProblemSet) else read_problem_set(Path(problems))
        self.rules = Rules(actions, max_steps, auto_submit)
        self.profile, self.max_prompt_tokens = profile, max_prompt_tokens
        self.render_mode = render_mode
        text = AnyText(LONGEST_PROMPT, min_length=0)
        self.observation_space = spaces.Dict({"system": text, "user": text})
        self.action_space = AnyText(LONGEST_REPLY, min_length=0)
        self._env: RepairEnv | None = None
        self._prompt: Prompt = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Prompt, dict[str, Any]]:
        """Begins an episode of a problem drawn at random, or of ``options["problem_id"]``.

        Raises:
            InputError: If there is no such problem, or its model cannot be read.
            SolverError: If the solver failed.
        """
        super().reset(seed=seed)
        self._env = self._environment(self._problem((options or {}).get("problem_id")))
        observation, info = self._env.reset()
        return self._shown(observation), info | {"problem_id": observation.problem_id}

    def step(self, action: str) -> tuple[Prompt, float, bool, bool, dict[str, Any]]:
        """Takes a reply; ``info`` is that of ``RepairEnv.step``.

        Raises:
            RuntimeError: Before ``reset``, and after the episode has ended.
            SolverError: If the solver failed.
        """
        if self._env is None:
            raise RuntimeError("call reset() first")
        observation, reward, terminated, truncated, info = self._env.step(action)
        return self._shown(observation), reward, terminated, truncated, info

    def render(self) -> str | None:
        """The user turn as text, in render mode ``ansi``."""
        return self._prompt.get("user", "") if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Frees the solver's memory."""
        if self._env is not None:
            self._env.close()
            self._env = None

    def _problem(self, problem_id: str | None) -> Problem:
        if problem_id is not None:
            return self.problems.get(problem_id)
        return list(self.problems)[int(self.np_random.integers(len(self.problems)))]

    def _environment(self, problem: Problem) -> RepairEnv:
        """The problem's environment; that of the last episode goes on where it is the same problem."""
        if self._env is not None and self._env.problem == problem:
            return self._env
        self.close()
        return RepairEnv(problem, self.problems, self.rules)

    def _shown(self, observation: Observation) -> Prompt:
        messages = render(observation, self.profile, self.rules.actions, self.max_prompt_tokens)
        self._prompt = {message["role"]: message["content"] for message in messages}
        return dict(self._prompt)


def env_id(actions: ActionSet) -> str:
    """The id of an action set's environment, such as ``ordebug/RepairCore-v2``."""
    return f"ordebug/Repair{actions.capitalize()}-v{REWARD_VERSION}"


def register() -> tuple[str, ...]:
    """Registers an id for each action set, and returns them; give ``problems`` to ``gymnasium.make``."""
    for actions in ACTION_SETS:
        if env_id(actions) not in gymnasium.registry:
            gymnasium.register(env_id(actions), entry_point=ENTRY_POINT, kwargs={"actions": actions})
    return tuple(map(env_id, ACTION_SETS))
