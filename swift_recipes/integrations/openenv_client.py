"""The client of a server that ``ordebug serve-env`` started; needs the package (extra ``openenv``).

::

    with RepairClient(base_url="http://127.0.0.1:8000").sync() as env:
        result = env.reset(problem_id="...")
        result = env.step(RepairAction(reply="Action: GET_IIS()"))

Each client is a session of its own. OpenEnv's ``GenericEnvClient`` does the same with dictionaries.
"""

from typing import Any

from openenv.core.client_types import StepResult
from openenv.core.env_client import EnvClient

from ordebug.swift_recipes.integrations.openenv_types import RepairAction, RepairObservation, RepairState


class RepairClient(EnvClient[RepairAction, RepairObservation, RepairState]):  # type: ignore[misc]
    """One session with a server."""

    def _step_payload(self, action: RepairAction) -> dict[str, Any]:
        payload: dict[str, Any] = action.model_dump()
        return payload

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[RepairObservation]:
        reward, done = payload["reward"], payload["done"]
        observation = RepairObservation(**payload["observation"], reward=reward, done=done)
        return StepResult(observation=observation, reward=reward, done=done)

    def _parse_state(self, payload: dict[str, Any]) -> RepairState:
        return RepairState(**payload)
