"""The environment as OpenEnv has it. A session holds texts only: worker processes judge them.

So sessions share nothing, a solve blocks no other session, and one that hangs costs a step which can be sent again.
"""

import asyncio
import random
import uuid
from dataclasses import replace
from typing import Any

from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import EnvironmentMetadata
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ordebug.converters.env_config import EnvConfig
from ordebug.core.errors import InputError, SolverError, UsageError
from ordebug.env.problem import explain
from ordebug.env.problem_set import ProblemSet
from ordebug.env.reward import REWARD_VERSION
from ordebug.eval.attempt import PolicyReply
from ordebug.swift_recipes.grpo.decision import Decisions, Standing, Unjudged
from ordebug.swift_recipes.grpo.judges import Judges, shared_judges
from ordebug.swift_recipes.integrations.openenv_types import RepairAction, RepairObservation, RepairState

TOLD = ("status", "action", "outcome", "detail", "stop", "objective", "terms")


class Wanted(BaseModel):
    """What ``reset`` may be asked for.

    Attributes:
        problem_id: The problem; None draws one.
        seed: What it is drawn from; None draws anew each time.
        episode_id: What the client calls the episode.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    problem_id: str | None = None
    seed: int | None = Field(default=None, ge=0)
    episode_id: str | None = None


class RepairEnvironment(Environment[RepairAction, RepairObservation, RepairState]):  # type: ignore[misc]
    """One session: an episode at a time.

    Args:
        problems: The problems.
        config: What prompts and episodes are like; its past is not looked at.
        judges: The worker processes; by default those of this process.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, problems: ProblemSet, config: EnvConfig, judges: Judges | None = None) -> None:
        super().__init__()
        self._problems, self._config, self._judges = problems, config, judges or shared_judges()
        self._item: Decisions | None = None
        self._standing: Standing | None = None
        self._episode_id: str | None = None

    async def reset_async(
        self, seed: int | None = None, episode_id: str | None = None, **wanted: Any
    ) -> RepairObservation:
        """Begins an episode of ``problem_id``, or of a problem drawn by ``seed``.

        Raises:
            InputError: If there is no such problem, or something else is asked for.
            SolverError: If the solver failed.
        """
        asked = _wanted({"seed": seed, "episode_id": episode_id, **wanted})
        item = Decisions(self._problem(asked), self._config, (), self._config.max_steps, shown=True)
        self._standing = await self._judged(item)
        self._item, self._episode_id = item, asked.episode_id or str(uuid.uuid4())
        return _observation(self._standing, None)

    async def step_async(
        self, action: RepairAction, timeout_s: float | None = None, **further: Any
    ) -> RepairObservation:
        """Takes a reply. ``timeout_s`` is not looked at: what ends a solve is its limit of work, not a clock.

        Raises:
            UsageError: Before ``reset``, and after the episode has ended.
            SolverError: If the solver failed: the step was not taken, and may be sent again.
        """
        item, before = self._episode()
        item = replace(item, replies=(*item.replies, PolicyReply(action.reply, truncated=action.truncated)))
        self._standing = await self._judged(item)
        self._item = item
        return _observation(self._standing, self._standing.total - before.total)

    def reset(self, seed: int | None = None, episode_id: str | None = None, **wanted: Any) -> RepairObservation:
        """``reset_async`` for callers without an event loop."""
        return asyncio.run(self.reset_async(seed, episode_id, **wanted))

    def step(self, action: RepairAction, timeout_s: float | None = None, **further: Any) -> RepairObservation:
        """``step_async`` for callers without an event loop."""
        return asyncio.run(self.step_async(action, timeout_s, **further))

    @property
    def state(self) -> RepairState:
        """Where the session stands."""
        if self._item is None:
            return RepairState()
        return RepairState(
            episode_id=self._episode_id, step_count=len(self._item.replies), problem_id=self._item.problem
        )

    def get_metadata(self) -> EnvironmentMetadata:
        """What the server says of itself."""
        told = (
            f"Repair an infeasible optimization model; actions {self._config.actions}, {len(self._problems)} problems."
        )
        return EnvironmentMetadata(name="ordebug", description=told, version=f"reward-{REWARD_VERSION}")

    def close(self) -> None:
        """Forgets the episode; the workers hold nothing of it."""
        self._item = self._standing = None

    def _episode(self) -> tuple[Decisions, Standing]:
        if self._item is None or self._standing is None:
            raise UsageError(
                "no episode has begun in this session.",
                "Send reset first, through one WebSocket session: single POST requests share no session.",
            )
        if self._standing.done:
            raise UsageError("the episode has ended.", "Send reset to begin another.")
        return self._item, self._standing

    def _problem(self, asked: Wanted) -> str:
        if asked.problem_id in self._problems.problems:
            return asked.problem_id
        if asked.problem_id is not None:
            raise InputError(
                f"there is no problem {asked.problem_id[:80]!r} here.", "Give the id of one that is served, or a seed."
            )
        seed = random.getrandbits(63) if asked.seed is None else asked.seed
        [problem] = self._problems.draw(1, seed)
        return problem.problem_id

    async def _judged(self, item: Decisions) -> Standing:
        [[verdict]] = await self._judges.judge([[item]])
        if isinstance(verdict, Unjudged):
            raise SolverError(verdict.why, "The step was not taken: send it again, or reset.")
        return verdict


def _wanted(asked: dict[str, Any]) -> Wanted:
    try:
        return Wanted.model_validate(asked)
    except ValidationError as error:
        raise InputError(
            f"reset: {explain(error)}.", "Give problem_id, seed and episode_id, or some of them, and nothing else."
        ) from None


def _observation(standing: Standing, reward: float | None) -> RepairObservation:
    told = {name: standing.info[name] for name in TOLD if name in standing.info}
    return RepairObservation(messages=standing.messages, done=standing.done, reward=reward, metadata=told)
