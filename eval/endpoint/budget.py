"""Requests a minute and money: a request waits for its turn, and none is sent that could cost more than is left."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ordebug.core.errors import ToolError, UsageError
from ordebug.env.renderer import Message, estimate_tokens
from ordebug.eval.attempt import PolicyReply
from ordebug.eval.endpoint.settings import Limits


class Budget:
    """What is left of the limits.

    Args:
        limits: The limits.
        spent: What earlier starts of the run have cost.
    """

    def __init__(self, limits: Limits, spent: float = 0.0) -> None:
        self._limits = limits
        self.spent = spent
        self._reserved = 0.0
        self._settled = asyncio.Condition()
        self._turn = 0.0

    @asynccontextmanager
    async def request(self, messages: Sequence[Message], new_tokens: int) -> AsyncIterator[None]:
        """One request, sent inside; until it is answered the most it can cost is set aside.

        Args:
            messages: The prompt.
            new_tokens: At most so many in the reply.

        Raises:
            UsageError: If the rest of the money does not suffice, whatever comes back.
        """
        most = self._most(messages, new_tokens)
        await self._reserve(most)
        try:
            await self._wait_for_turn()
            yield
        finally:
            async with self._settled:
                self._reserved -= most
                self._settled.notify_all()

    def pay(self, reply: PolicyReply) -> None:
        """Counts what a reply cost.

        Raises:
            ToolError: If the server does not say how many tokens it took: then no limit can hold.
        """
        if reply.prompt_tokens is not None and reply.tokens is not None:
            self.spent += self._limits.cost(reply.prompt_tokens, reply.tokens)
        elif self._limits.max_cost is not None:
            raise ToolError(
                "the server does not say how many tokens a reply took, so its cost cannot be limited.",
                "Leave out --max-cost and limit the account instead.",
            )

    def hold(self, seconds: float) -> None:
        """Lets nobody send for a while: the server asked for it."""
        self._turn = max(self._turn, asyncio.get_running_loop().time() + seconds)

    def _most(self, messages: Sequence[Message], new_tokens: int) -> float:
        """The most a request can cost, where that is limited; prompts are estimated on the high side."""
        if self._limits.max_cost is None:
            return 0.0
        return self._limits.cost(sum(estimate_tokens(message["content"]) for message in messages), new_tokens)

    async def _reserve(self, most: float) -> None:
        limit = self._limits.max_cost
        async with self._settled:
            while limit is not None and self.spent + self._reserved + most > limit:
                if self._reserved <= 0:
                    raise UsageError(
                        f"--max-cost {limit:g} is reached: {self.spent:.4f} is spent and one more request may cost "
                        f"{most:.4f}.",
                        "Give the same command with a higher --max-cost: it goes on.",
                    )
                await self._settled.wait()
            self._reserved += most

    async def _wait_for_turn(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._turn)
        if self._limits.requests_per_minute:
            self._turn = turn + 60.0 / self._limits.requests_per_minute
        if turn > now:
            await asyncio.sleep(turn - now)
