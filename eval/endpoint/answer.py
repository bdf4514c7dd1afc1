"""From a chat completion to a reply as training has it: thought in its tags, a blank line, the action.

Servers take a model's text apart: a reasoning parser moves the thought into a field of its own, a tool parser the call.
Both are put back, so that one parser (``env/reply.py``) reads what every other path reads.
"""

import json
from collections.abc import Mapping
from typing import Any

from ordebug.core.jsonl import loads
from ordebug.env.reply import CLOSE as THINK_CLOSE
from ordebug.env.reply import OPEN as THINK_OPEN
from ordebug.env.tools import CLOSE as CALL_CLOSE
from ordebug.env.tools import OPEN as CALL_OPEN
from ordebug.eval.attempt import PolicyReply
from ordebug.eval.endpoint.faults import FaultError, shown

THOUGHTS = ("reasoning_content", "reasoning")
ENDED = ("stop", "length", "tool_calls", "function_call")
"""Why a reply ends; anything else (``abort``, ``content_filter``, nothing) is the server's doing."""


def reply_of(body: bytes, seconds: float) -> PolicyReply:
    """The reply in an answer's body.

    Args:
        body: What the server sent.
        seconds: How long that took.

    Raises:
        FaultError: If there is none in it.
    """
    answer = loads_object(body)
    choice = _first(answer.get("choices"), answer)
    message, ended = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict):
        raise FaultError("the answer's choice has no message")
    if ended not in ENDED:
        raise FaultError(f"the server ended the reply itself (finish_reason {shown(ended)})")
    usage = answer.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return PolicyReply(
        text=_reply_text(message, ended),
        tokens=_count(counts.get("completion_tokens")),
        truncated=ended == "length",
        prompt_tokens=_count(counts.get("prompt_tokens")),
        seconds=round(seconds, 4),
    )


def loads_object(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        FaultError: If it is none.
    """
    try:
        answer = loads(body.decode())
    except (ValueError, RecursionError):
        raise FaultError(f"the answer is not JSON: {shown(body[:100].decode(errors='replace'))}") from None
    if not isinstance(answer, dict):
        raise FaultError("the answer is not a JSON object")
    return answer


def _first(choices: Any, answer: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    error = answer.get("error")
    raise FaultError(f"the answer is an error: {shown(error)}" if error else "the answer has no choices")


def _reply_text(message: Mapping[str, Any], ended: str) -> str:
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise FaultError("the reply's content is not a text")
    thought = next((text for name in THOUGHTS if isinstance(text := message.get(name), str) and text), None)
    given = message.get("tool_calls") or []
    if not isinstance(given, list):
        raise FaultError("the reply's tool calls are no list")
    calls = [_call_text(call) for call in given]
    refusal = message.get("refusal")
    if content is None and thought is None and not calls:
        if isinstance(refusal, str) and refusal:
            return refusal
        raise FaultError("the reply has no content")
    answer = "\n".join(part for part in ((content or "").strip("\n") if calls else content or "", *calls) if part)
    return answer if thought is None else _with_thought(thought, answer)


def _with_thought(thought: str, answer: str) -> str:
    """The thought before the answer. Without an answer it never ended: a reasoning parser cuts at the closing tag."""
    if not answer.strip():
        return f"{THINK_OPEN}\n{thought.strip(chr(10))}"
    return f"{THINK_OPEN}\n{thought.strip(chr(10))}\n{THINK_CLOSE}\n\n{answer.lstrip(chr(10))}"


def _call_text(call: Any) -> str:
    """A tool call in Qwen's form, its arguments as the server gave them: whether they are any, the parser says."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise FaultError("a tool call without a function")
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    inside = f'{{"name": {json.dumps(function.get("name"), ensure_ascii=False)}, "arguments": {text.strip() or "{}"}}}'
    return f"{CALL_OPEN}\n{inside}\n{CALL_CLOSE}"


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
