"""The actions as tools, in Qwen's form: schemas for a chat template, and ``<tool_call>`` read by the rules of text.

::

    <tool_call>
    {"name": "RELAX_CONSTRAINT", "arguments": {"name": "labor", "amount": 5}}
    </tool_call>

Arguments go by the names in ``env/action.py``; numbers are JSON numbers, names JSON strings.
"""

import json
import re
from typing import Any

from ordebug.env.action import ACTION_SETS, SPECS, Action, ActionSet, InvalidAction, Parameter
from ordebug.env.arguments import NUMERIC, is_text, typed

TOOL_OPEN = re.compile(r"^[ \t]*<tool_call>", re.MULTILINE)
"""A call begins a line: inside a sentence it is a quotation, as it is of ``Action:``."""

OPEN, CLOSE = "<tool_call>", "</tool_call>"
SURPLUS_PASSED_OVER = ("DROP_CONSTRAINT", "CHECK_SLACK")
DESCRIPTIONS = {
    "GET_IIS": "Show a conflict (IIS) that avoids the rows shown so far, or say that there is none.",
    "DROP_CONSTRAINT": "Remove a row.",
    "RELAX_CONSTRAINT": "Loosen a row by a positive amount; an equality may then lie within it on both sides.",
    "UPDATE_RHS": "Replace a row's right-hand side.",
    "UPDATE_BOUNDS": "Replace a variable's lower bound, and its upper bound where one is given.",
    "FLIP_SENSE": "Turn a row's <= into >=, or >= into <=.",
    "SET_COEFFICIENT": "Replace a variable's coefficient in a row.",
    "SET_TYPE": "Make a variable continuous (C), integer (I) or binary (B).",
    "CHECK_SLACK": "Change nothing.",
    "INSPECT": "Show a row's algebra.",
    "RESET": "Begin again with the model as it was.",
    "SUBMIT": "End the episode.",
}
KEYS: dict[Parameter, str] = {parameter: str(parameter) for parameter in Parameter} | {Parameter.TYPE: "type"}


class _NumberText(str):
    """A JSON number as it was written, so that one parser decides what a number is."""


def tool_schemas(action_set: ActionSet) -> list[dict[str, Any]]:
    """The actions of a set as function schemas, as chat templates take them in ``tools``."""
    return [{"type": "function", "function": _function(name)} for name in ACTION_SETS[action_set]]


def tool_call_text(action: Action) -> str:
    """An action as a tool call."""
    keys = (KEYS[parameter] for parameter in SPECS[action.name].parameters)
    call = {"name": action.name, "arguments": dict(zip(keys, action.args, strict=False))}
    return f"{OPEN}\n{json.dumps(call, ensure_ascii=False)}\n{CLOSE}"


def parse_tool_call(answer: str, action_set: ActionSet) -> Action | InvalidAction:
    """The action of the one tool call in an answer; what stands around it must hold no other action."""
    before, _, rest = answer.partition(OPEN)
    body, closed, after = rest.partition(CLOSE)
    if not closed:
        return InvalidAction("bad_arguments", "the tool call does not close")
    if any(mark in text for mark in (OPEN, "Action:") for text in (before, after)) or OPEN in body:
        return InvalidAction("many_actions", "beside the tool call stands another action")
    call = _loads(body)
    if not isinstance(call, dict) or not isinstance(call.get("name"), str) or call.keys() - {"name", "arguments"}:
        return InvalidAction("bad_arguments", "the tool call is not one JSON object of name and arguments")
    if call["name"] not in ACTION_SETS[action_set]:
        return InvalidAction(
            "unknown_action", f"{call['name'][:80]} is not one of {', '.join(ACTION_SETS[action_set])}"
        )
    return _action(call["name"], call.get("arguments", {}), action_set)


def _action(name: str, arguments: Any, action_set: ActionSet) -> Action | InvalidAction:
    spec = SPECS[name]
    keys = [KEYS[parameter] for parameter in spec.parameters]
    lenient = action_set == "compat" and name in SURPLUS_PASSED_OVER
    if not isinstance(arguments, dict) or (arguments.keys() - set(keys) and not lenient):
        return InvalidAction("bad_arguments", f"the arguments of {name} are {', '.join(keys) or 'none'}")
    given = [key for key in keys if key in arguments]
    if given != keys[: len(given)]:
        return InvalidAction("bad_arguments", f"{name} lacks an argument before {given[-1]}")
    for parameter, key in zip(spec.parameters, given, strict=False):
        if not _fits(parameter, arguments[key]):
            return InvalidAction("bad_arguments", f"{key} is not a {'number' if parameter in NUMERIC else 'name'}")
    return typed(name, [arguments[key] for key in given], action_set)


def _fits(parameter: Parameter, value: Any) -> bool:
    number = isinstance(value, _NumberText)
    return number if parameter in NUMERIC else isinstance(value, str) and not number and is_text(value)


def _loads(text: str) -> Any:
    """The JSON value of a text, None where it is none or a key occurs twice."""
    try:
        return json.loads(
            text,
            strict=False,
            parse_int=_NumberText,
            parse_float=_NumberText,
            parse_constant=_NumberText,
            object_pairs_hook=_once,
        )
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _function(name: str) -> dict[str, Any]:
    spec = SPECS[name]
    keys = [KEYS[parameter] for parameter in spec.parameters]
    return {
        "name": name,
        "description": DESCRIPTIONS[name],
        "parameters": {
            "type": "object",
            "properties": {KEYS[parameter]: _schema(parameter) for parameter in spec.parameters},
            "required": keys[: len(keys) - spec.optional],
        },
    }


def _schema(parameter: Parameter) -> dict[str, Any]:
    if parameter is Parameter.TYPE:
        return {"type": "string", "enum": ["C", "I", "B"]}
    if parameter in NUMERIC:
        return {"type": "number"} | ({"exclusiveMinimum": 0} if parameter is Parameter.AMOUNT else {})
    return {"type": "string", "description": "A row." if parameter is Parameter.ROW else "A variable."}
