"""Asks the endpoint, again where the server failed, and stops the run where it fails at everything."""

import asyncio
import math
import random
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import openai

from ordebug.core.errors import ToolError
from ordebug.env.renderer import Message
from ordebug.eval.attempt import PolicyReply
from ordebug.eval.endpoint.answer import reply_of
from ordebug.eval.endpoint.budget import Budget
from ordebug.eval.endpoint.faults import FaultError, UnansweredError, fault_of
from ordebug.eval.endpoint.settings import Endpoint

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
MOST_FAILURES = 20
"""So many requests in a row that were given up are no accident any more."""


class Client:
    """The endpoint as a policy.

    Args:
        endpoint: Who is asked.
        budget: What is left of its limits.
    """

    def __init__(self, endpoint: Endpoint, budget: Budget) -> None:
        self.endpoint, self.budget = endpoint, budget
        self.replies = 0
        self._openai = connect(endpoint)
        self._failures = 0

    async def __aenter__(self) -> "Client":
        """The client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self._openai.close()

    async def reply(self, messages: Sequence[Message], seed: int) -> PolicyReply:
        """The model's reply to a prompt.

        Raises:
            UnansweredError: If the request was given up.
            OrdebugError: If every request would fail, or the money is spent.
        """
        tries, given_up_at = 0, math.inf
        while True:
            try:
                found = await self._try(messages, seed)
            except FaultError as fault:
                tries += 1
                given_up_at = min(given_up_at, time.monotonic() + self.endpoint.patience)
                wait = _backoff(tries) if fault.after is None else fault.after
                if not fault.again or time.monotonic() + wait > given_up_at:
                    self._count_failure(fault)
                    raise UnansweredError(f"the endpoint: {fault.message} (tries: {tries})") from None
                await self._pause(fault, wait)
            else:
                self._failures = 0
                self.replies += 1
                return found

    async def _try(self, messages: Sequence[Message], seed: int) -> PolicyReply:
        sampling = self.endpoint.sampling
        async with self.budget.request(messages, sampling.max_new_tokens):
            start = time.perf_counter()
            try:
                async with asyncio.timeout(self.endpoint.timeout):
                    raw = await self._openai.chat.completions.with_raw_response.create(
                        model=self.endpoint.model, messages=list(messages), seed=seed, **sampling.arguments
                    )
                found = reply_of(raw.content, time.perf_counter() - start)
            except (openai.OpenAIError, TimeoutError, ValueError) as error:
                raise fault_of(error, self.endpoint) from error
            self.budget.pay(found)
            return found

    async def _pause(self, fault: FaultError, wait: float) -> None:
        """Waits before the next try; where the server said how long, everybody does."""
        if fault.after is not None:
            self.budget.hold(wait)
        else:
            await asyncio.sleep(wait)

    def _count_failure(self, fault: FaultError) -> None:
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            raise ToolError(
                f"{self.endpoint.base_url} failed at {self._failures} requests in a row, lastly: {fault.message}.",
                "See what the server's log says, and give the same command again: all replies so far are kept.",
            )


def connect(endpoint: Endpoint) -> Any:
    """OpenAI's client; trying again is our part, since its own knows neither our limits nor half answers."""
    return openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.key,
        timeout=endpoint.timeout,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False) if endpoint.local else None,
    )


def _backoff(tries: int) -> float:
    """Seconds to wait: doubled with each try, and drawn so that not all come back at once."""
    longest: float = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (tries - 1))
    return longest * random.uniform(0.5, 1.0)
