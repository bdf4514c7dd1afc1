"""The environment for ms-swift's multi-turn rollouts. It holds texts only: worker processes judge them."""

from typing import Any

from swift.rollout.gym_env import Env

from ordebug.converters.env_config import read_env_config
from ordebug.core.errors import InputError, SolverError
from ordebug.eval.attempt import PolicyReply
from ordebug.swift_recipes.grpo.decision import Decisions, Standing, Unjudged
from ordebug.swift_recipes.grpo.judges import shared_judges


class OrdebugEnv(Env):  # type: ignore[misc]
    """One episode; each user turn shows the whole state.

    Attributes:
        horizon: Replies after which the episode ends; the scheduler sets it to ``max_turns``.
        truncated: Whether the next reply was cut off by its token limit; the scheduler sets it.
    """

    def __init__(self, env_config: dict[str, Any]) -> None:
        super().__init__(env_config)
        self._config = read_env_config(env_config)
        self._problem = ""
        self._replies: tuple[PolicyReply, ...] = ()
        self._standing: Standing | None = None
        self.horizon = self._config.max_steps
        self.truncated = False

    @property
    def steps_left(self) -> int:
        """What the first prompt says is left."""
        return self._config.max_steps - len(self._config.decisions())

    async def reset(self, config: Any) -> tuple[str, dict[str, Any], str]:
        """Shows the state of the row's prompt: the user turn, an info dict and the system turn.

        Raises:
            InputError: If the row names no problem, or its state is not the one that the prompt was made of.
            SolverError: If the solver failed.
        """
        problem = (config.data_dict or {}).get("problem")
        if not isinstance(problem, str):
            raise InputError("the row has no column 'problem'.", "Train on a file that ordebug grpo-data wrote.")
        self._problem, self._replies = problem, ()
        standing = await self._judged()
        return standing.messages[1]["content"], self.told(), standing.messages[0]["content"]

    async def step(self, action: list[dict[str, Any]]) -> tuple[str, float, bool, dict[str, Any]]:
        """Takes the last message as the reply: the next user turn, the reward, whether it is over, an info dict.

        Raises:
            SolverError: If the solver failed.
        """
        before = 0.0 if self._standing is None else self._standing.total
        self._replies += (PolicyReply(action[-1]["content"], truncated=self.truncated),)
        standing = await self._judged()
        return standing.messages[1]["content"], standing.total - before, standing.done, self.told()

    async def close(self) -> None:
        """Forgets the episode; the workers hold nothing of it."""
        self._replies = ()

    def told(self) -> dict[str, Any]:
        """What is known of the episode, as JSON can hold it."""
        if self._standing is None:
            return {}
        info = self._standing.info
        known = {name: info.get(name) for name in ("stop", "outcome", "status", "objective", "terms")}
        return known | {"actions": list(self._standing.actions), "thoughts": list(self._standing.thoughts)}

    async def _judged(self) -> Standing:
        digest = self._config.prompt_sha256
        item = Decisions(self._problem, self._config, self._replies, self.horizon, prompt_sha256=digest, shown=True)
        [[verdict]] = await shared_judges().judge([[item]])
        if isinstance(verdict, Unjudged):
            raise SolverError(verdict.why)
        self._standing = verdict
        return verdict
