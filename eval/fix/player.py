"""Who proposes the actions: a served model, or an anchor that needs no truth."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ordebug.core.errors import ToolError, UsageError
from ordebug.env.policies import ANCHORS, Turn, anchor, dice
from ordebug.env.repair_env import RepairEnv
from ordebug.eval.attempt import Attempt, PolicyReply, Setting
from ordebug.eval.endpoint.budget import Budget
from ordebug.eval.endpoint.client import Client
from ordebug.eval.endpoint.faults import UnansweredError
from ordebug.eval.endpoint.served import served_model
from ordebug.eval.endpoint.settings import Endpoint, request_seed

KNOWS_THE_TRUTH = "oracle"


class Player(Protocol):
    """Proposes the next action of an attempt."""

    def __call__(self, env: RepairEnv, attempt: Attempt, sample: int, step: int) -> PolicyReply:
        """The reply to the attempt's state."""


@contextmanager
def served(endpoint: Endpoint, seed: int) -> Iterator[Player]:
    """A served model.

    Raises:
        OrdebugError: If it is not there.
    """
    served_model(endpoint)
    with asyncio.Runner() as runner:
        client = runner.run(_client(endpoint))

        def reply(env: RepairEnv, attempt: Attempt, sample: int, step: int) -> PolicyReply:
            try:
                return runner.run(
                    client.reply(attempt.messages, request_seed(seed, env.problem.problem_id, sample, step))
                )
            except UnansweredError as error:
                raise ToolError(f"{error}.", "See what the server's log says, and give the command again.") from None

        try:
            yield reply
        finally:
            runner.run(client.__aexit__(None, None, None))


async def _client(endpoint: Endpoint) -> Client:
    return Client(endpoint, Budget(endpoint.limits))


def anchored(policy: str, setting: Setting, seed: int) -> Player:
    """An anchor.

    Raises:
        UsageError: If there is none of that name, or it needs to know the error.
    """
    if policy not in ANCHORS or policy == KNOWS_THE_TRUTH:
        known = ", ".join(name for name in ANCHORS if name != KNOWS_THE_TRUTH)
        raise UsageError(f"{policy!r} cannot repair a model without labels.", f"Choose endpoint, or one of {known}.")
    answer = anchor(policy)

    def reply(env: RepairEnv, attempt: Attempt, sample: int, step: int) -> PolicyReply:
        rng = dice(seed, f"{env.problem.problem_id} {step}", sample)
        return PolicyReply(answer(Turn(attempt.state, env.problem, setting.actions, rng, env.model)))

    return reply
