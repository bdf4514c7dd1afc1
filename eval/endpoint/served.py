"""Who answers: the endpoint's list of models, before anything is played."""

import asyncio
from collections.abc import Mapping
from typing import Any

import openai

from ordebug.core.errors import OrdebugError, ToolError, UsageError
from ordebug.eval.endpoint.answer import loads_object
from ordebug.eval.endpoint.client import connect
from ordebug.eval.endpoint.faults import FaultError, fault_of
from ordebug.eval.endpoint.settings import Endpoint

LIST_SECONDS = 30.0
NAMED_AT_MOST = 10
NOT_OFFERED = (404, 405, 501)


def served_model(endpoint: Endpoint) -> dict[str, Any]:
    """What the endpoint says of the model: vLLM tells its ``root``, the weights' place, and ``max_model_len``.

    Only the name where the service has no list of models.

    Raises:
        UsageError: If it serves no model of that name, or refuses the key.
        ToolError: If it does not answer.
    """
    try:
        listed = asyncio.run(_listed(endpoint))
    except openai.APIStatusError as error:
        if error.status_code in NOT_OFFERED and endpoint.base_url.rstrip("/").endswith("/v1"):
            return {"id": endpoint.model}
        raise _unreachable(fault_of(error, endpoint), endpoint) from None
    except (openai.OpenAIError, TimeoutError) as error:
        raise _unreachable(fault_of(error, endpoint), endpoint) from None
    except FaultError as fault:
        raise _unreachable(fault, endpoint) from None
    names = [str(entry.get("id")) for entry in listed]
    if endpoint.model not in names:
        more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
        raise UsageError(
            f"{endpoint.base_url} serves no model {endpoint.model!r}.",
            f"Give one it serves with --model: {', '.join(names[:NAMED_AT_MOST]) or 'there is none'}{more}.",
        )
    return dict(listed[names.index(endpoint.model)])


async def _listed(endpoint: Endpoint) -> list[Mapping[str, Any]]:
    client = connect(endpoint)
    try:
        async with asyncio.timeout(LIST_SECONDS):
            raw = await client.models.with_raw_response.list()
        data = loads_object(raw.content).get("data")
    finally:
        await client.close()
    if not isinstance(data, list):
        raise FaultError("its list of models is none")
    return [entry for entry in data if isinstance(entry, dict)]


def _unreachable(fault: FaultError | OrdebugError, endpoint: Endpoint) -> OrdebugError:
    if isinstance(fault, OrdebugError):
        return fault
    return ToolError(
        f"{endpoint.base_url} does not answer as a server of models: {fault.message}.",
        "Start the server and wait until it is healthy, or correct --base-url, which mostly ends with /v1.",
    )
