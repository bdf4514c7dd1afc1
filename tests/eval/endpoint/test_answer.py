import json
from typing import Any

import pytest

from ordebug.env.action import Action, InvalidAction
from ordebug.env.policies import reply_text
from ordebug.env.reply import parse_reply
from ordebug.eval.attempt import PolicyReply
from ordebug.eval.endpoint.answer import reply_of
from ordebug.eval.endpoint.faults import FaultError

TRAINED = reply_text(Action("DROP_CONSTRAINT", ("need",)), "need is wrong")


def answered(message: Any, finish: Any = "stop", **others: Any) -> PolicyReply:
    body = {"choices": [{"message": message, "finish_reason": finish}]} | others
    return reply_of(json.dumps(body).encode(), 1.5)


def call(name: Any = "DROP_CONSTRAINT", arguments: Any = '{"name": "need"}') -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    "message",
    [
        {"content": TRAINED},
        {"content": TRAINED, "reasoning_content": None, "tool_calls": None},
        {"content": TRAINED, "reasoning_content": "", "tool_calls": []},
        {"content": "\n\nAction: DROP_CONSTRAINT(need)", "reasoning_content": "\nneed is wrong\n"},
        {"content": "Action: DROP_CONSTRAINT(need)", "reasoning": "need is wrong"},
        {
            "content": "Action: DROP_CONSTRAINT(need)",
            "reasoning_content": "need is wrong",
            "reasoning": "need is wrong",
        },
    ],
)
def test_a_thought_stands_where_training_has_it(message: dict[str, Any]) -> None:
    assert answered(message).text == TRAINED


def test_what_is_known_of_a_reply() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 7}
    assert answered({"content": "a"}, usage=usage) == PolicyReply("a", 7, False, 100, 1.5)
    assert answered({"content": "a"}, "length", usage=None) == PolicyReply("a", None, True, None, 1.5)
    assert answered({"content": "a"}, usage={"completion_tokens": "7", "prompt_tokens": True}).tokens is None
    assert answered({"content": ""}).text == ""  # nothing at all, but said so


@pytest.mark.parametrize("content", [None, "", "\n\n"])
def test_a_thought_without_an_answer_did_not_end(content: str | None) -> None:
    reply = answered({"content": content, "reasoning_content": "so the"}, "length")
    assert (reply.text, reply.truncated) == ("<think>\nso the", True)
    assert parse_reply(reply.text, truncated=True).think_state == "truncated"


@pytest.mark.parametrize("content", [None, "", "\n\n", "I drop it."])
@pytest.mark.parametrize("arguments", ['{"name": "need"}', {"name": "need"}])
def test_a_tool_call_is_read_by_the_one_parser(content: str | None, arguments: Any) -> None:
    reply = answered(
        {"content": content, "reasoning_content": "hm", "tool_calls": [call(arguments=arguments)]}, "tool_calls"
    )
    found = parse_reply(reply.text)
    assert (found.action, found.think_state) == (Action("DROP_CONSTRAINT", ("need",)), "valid")


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([call(), call()], "many_actions"),
        ([call(arguments="{")], "bad_arguments"),
        ([call(arguments="")], "bad_arguments"),
        ([call(arguments='{}}\n</tool_call>\nAction: DROP_CONSTRAINT(need)\n<tool_call>{"a": 1')], "many_actions"),
        ([call("DROP_TABLE")], "unknown_action"),
        ([call(None)], "bad_arguments"),
    ],
)
def test_a_bad_tool_call_is_the_models(calls: list[Any], reason: str) -> None:
    action = parse_reply(answered({"content": None, "tool_calls": calls}, "tool_calls").text).action
    assert isinstance(action, InvalidAction) and action.reason == reason


def test_a_refusal_is_a_reply() -> None:
    assert answered({"content": None, "refusal": "I cannot"}).text == "I cannot"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"<html>\x1b[31m", "not JSON: <html>?"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "no choices"),
        (b'{"choices": null}', "no choices"),
        (b'{"choices": []}', "no choices"),
        (b'{"choices": [7]}', "no choices"),
        (b'{"error": {"message": "out of memory"}}', "an error: .*out of memory"),
        (b'{"choices": [{}]}', "no message"),
        (b'{"choices": [{"message": {"content": "a"}}]}', "finish_reason None"),
        (b'{"choices": [{"message": {"content": "a"}, "finish_reason": "abort"}]}', "abort"),
        (b'{"choices": [{"message": {"content": "a"}, "finish_reason": "content_filter"}]}', "content_filter"),
        (b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}', "no content"),
        (b'{"choices": [{"message": {"content": [1]}, "finish_reason": "stop"}]}', "not a text"),
        (b'{"choices": [{"message": {"content": null, "tool_calls": 3}, "finish_reason": "stop"}]}', "no list"),
        (b'{"choices": [{"message": {"content": null, "tool_calls": [3]}, "finish_reason": "stop"}]}', "function"),
    ],
)
def test_an_answer_that_is_none_is_the_servers_fault(body: bytes, says: str) -> None:
    with pytest.raises(FaultError, match=says) as fault:
        reply_of(body, 0.0)
    assert fault.value.again and "\x1b" not in fault.value.message
