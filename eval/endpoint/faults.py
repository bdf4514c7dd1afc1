"""What went wrong with a request, and what follows: it is tried again, given up, or ends the run at once.

::

    FaultError                 one try failed
    ├── again                  the server was away, busy or broken, or its answer was none: tried again for a while
    └── not again              the server refuses this very request: given up, its episode is recorded as an error
    UsageError, ToolError      every request would fail: the run stops

None of it is ever scored as the model's fault.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from ordebug.core.errors import OrdebugError, ToolError, UsageError
from ordebug.eval.endpoint.settings import KEY_VARIABLE, Endpoint

REFUSED = (401, 403)
TRIED_AGAIN = (408, 409, 425, 429)
LONGEST_SHOWN = 300
NO_QUOTA = "insufficient_quota"


class FaultError(Exception):
    """A try that failed.

    Args:
        message: What happened.
        again: Whether to try again.
        after: Seconds the server asks to wait, None where it does not say.
    """

    def __init__(self, message: str, *, again: bool = True, after: float | None = None) -> None:
        super().__init__(message)
        self.message, self.again, self.after = message, again, after


class UnansweredError(Exception):
    """A request that was given up: the server's fault, for which the episode is unscored and played again later."""


def fault_of(error: Exception, endpoint: Endpoint) -> FaultError | OrdebugError:
    """What an exception of the client means.

    Args:
        error: What sending a request raised.
        endpoint: Who was asked.
    """
    if isinstance(error, openai.APIStatusError):
        return _refusal(error, endpoint)
    if isinstance(error, (TimeoutError, openai.APITimeoutError)):
        return FaultError(f"no answer within {endpoint.timeout:g} s")
    if isinstance(error, UnicodeError):
        return FaultError(f"the prompt cannot be sent ({shown(error)})", again=False)
    return FaultError(f"no whole answer ({shown(error.__cause__ or error)})")


def _refusal(error: openai.APIStatusError, endpoint: Endpoint) -> FaultError | OrdebugError:
    """What an HTTP status means."""
    status, said = error.status_code, f"status {error.status_code}: {shown(_text(error.body) or error.message)}"
    if status in REFUSED:
        return UsageError(
            f"{endpoint.base_url} refuses the key ({said}).",
            f"Put a key that may use {endpoint.model!r} into the environment: export {KEY_VARIABLE}=...",
        )
    if status == 404:
        return UsageError(
            f"{endpoint.base_url} does not know the path or the model {endpoint.model!r} ({said}).",
            "Correct --base-url, which mostly ends with /v1, or --model.",
        )
    if status == 402 or NO_QUOTA in said:
        return ToolError(
            f"{endpoint.base_url} has no credit left ({said}).", "Pay, and give the same command again: it goes on."
        )
    return FaultError(said, again=status in TRIED_AGAIN or status >= 500, after=retry_after(error.response.headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by the header ``Retry-After``, which gives them or a date; None where it cannot be read."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def shown(said: object) -> str:
    """What a server or a client said, as one short line in which nothing controls a terminal."""
    text = " ".join(str(said).split()) or type(said).__name__
    printable = "".join(sign if sign.isprintable() else "?" for sign in text)
    return printable if len(printable) <= LONGEST_SHOWN else f"{printable[:LONGEST_SHOWN]} ..."


def _text(body: Any) -> str:
    """The message in an error's body: OpenAI's client has taken it out of ``{"error": ...}`` already."""
    if isinstance(body, Mapping):
        found = body.get("message") or body.get("detail") or body
        return f"{found} {body.get('code') or ''}".strip()
    return str(body or "")
