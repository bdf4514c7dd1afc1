"""ms-swift's gym scheduler with what 4.6.0 lacks.

There an episode stopped by ``max_turns`` or an error is never closed, a reply cut off by its token limit goes on if the
environment says so, ``info`` is thrown away, and an environment that fails stops the training.
"""

import asyncio
import math
from typing import Any

from swift.rollout.multi_turn import GYMScheduler

from ordebug.core.errors import InputError, LicenceError, SolverError
from ordebug.swift_recipes.grpo.gym_env import OrdebugEnv


class OrdebugScheduler(GYMScheduler):  # type: ignore[misc]
    """Plays :class:`OrdebugEnv`; what its ``info`` says stands in ``rollout_infos``.

    An episode that could not be judged has the return NaN, which ms-swift reads as no reward. A rollout server answers
    in JSON, which knows no NaN: there it has 0, which is what ms-swift makes of no reward.
    """

    async def on_trajectory_start(self, requests: list[Any]) -> None:
        """Begins each episode; one that cannot be judged does not stop the others."""
        await asyncio.gather(*map(self._begin, requests))

    async def _begin(self, request: Any) -> None:
        try:
            await super().on_trajectory_start([request])
        except LicenceError:
            raise
        except SolverError:
            await self._close_and_remove(request.uuid)  # its first turn finds no environment, and ends it

    async def on_turn_end(self, infer_request: Any, response_choice: Any, current_turn: int) -> dict[str, Any]:
        """Takes the reply; tokens are read as text, and a truncated reply ends the episode."""
        uuid = infer_request.uuid
        env = self._envs.get(uuid)
        if env is None:
            return self._lost()
        snapshots = self.snapshot_and_materialize_assistant_messages(infer_request)
        if isinstance(env, OrdebugEnv):
            env.truncated = response_choice.finish_reason == "length"
        ended = True
        try:
            turn: dict[str, Any] = await super().on_turn_end(infer_request, response_choice, current_turn)
            ended = turn["done"] or bool(self.max_turns and current_turn >= self.max_turns)
        except LicenceError:
            raise
        except SolverError:
            return self._lost()
        finally:
            self.restore_assistant_message_snapshots(snapshots)
            if ended:
                await self._close_and_remove(uuid)
        told = env.told() if isinstance(env, OrdebugEnv) else {}
        return turn | {"done": ended, "rollout_infos": turn["rollout_infos"] | told}

    async def run(self, infer_request: Any, request_config: Any, **kwargs: Any) -> Any:
        """One whole trajectory on a rollout server; however it ends, its environment is closed."""
        try:
            return await super().run(infer_request, request_config, **kwargs)
        finally:
            await self._close_and_remove(infer_request.uuid)

    def _create_env(self, env_config: dict[str, Any]) -> Any:
        env = super()._create_env(env_config)
        if isinstance(env, OrdebugEnv) and self.max_turns:
            if env.steps_left > self.max_turns:
                raise InputError(
                    f"the prompt says {env.steps_left} steps are left, and --max_turns ends it after {self.max_turns}.",
                    f"Write the prompts with ordebug grpo-data --max-steps {self.max_turns}, or of a run with as many; "
                    f"or train with --max_turns {env.steps_left}, on the rollout server too.",
                )
            env.horizon = self.max_turns
        return env

    def _lost(self) -> dict[str, Any]:
        nothing = math.nan if self.infer_engine is None else 0.0
        infos = {"total_reward": nothing, "step_rewards": [], "gym_done": True, "stop": "error"}
        return {"done": True, "rollout_infos": infos}
