import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordebug.env.action import ACTION_SETS, SPECS, Action, ActionSet, InvalidAction, Parameter
from ordebug.env.reply import parse_reply
from ordebug.env.tools import DESCRIPTIONS, tool_call_text, tool_schemas


def call(name: object = "DROP_CONSTRAINT", arguments: object = None, **more: object) -> str:
    body = {"name": name, "arguments": {"name": "c1"} if arguments is None else arguments} | more
    return f"<tool_call>\n{json.dumps(body)}\n</tool_call>"


def raw(text: str) -> str:
    return f"<tool_call>\n{text}\n</tool_call>"


@pytest.mark.parametrize(
    ("text", "action"),
    [
        (call(), Action("DROP_CONSTRAINT", ("c1",))),
        (f"<think>\nwhy\n</think>\n\n{call()}<|im_end|>", Action("DROP_CONSTRAINT", ("c1",))),
        (f"The row is wrong.\n{call()}\nThat is all.", Action("DROP_CONSTRAINT", ("c1",))),
        (raw('{"name": "SUBMIT"}'), Action("SUBMIT")),
        (call("GET_IIS", {}), Action("GET_IIS")),
        (
            raw('{"name":"RELAX_CONSTRAINT","arguments":{"amount":1e-3,"name":"a, (b"}}'),
            Action("RELAX_CONSTRAINT", ("a, (b", 1e-3)),
        ),
        (call("UPDATE_BOUNDS", {"variable": "x", "lower": -1}), Action("UPDATE_BOUNDS", ("x", -1.0))),
        (call("UPDATE_BOUNDS", {"upper": 4, "variable": "x", "lower": 1}), Action("UPDATE_BOUNDS", ("x", 1.0, 4.0))),
        (call("SET_TYPE", {"variable": "x", "type": "I"}), Action("SET_TYPE", ("x", "I"))),
        ('<tool_call>{"name": "SUBMIT", "arguments": {}}</tool_call>', Action("SUBMIT")),
    ],
)
def test_well_formed_calls(text: str, action: Action) -> None:
    assert parse_reply(text, "extended").action == action


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{call()}\n{call()}", "many_actions"),
        (f"{call()}{call()}", "many_actions"),
        (f"{call()}\nAction: SUBMIT()", "many_actions"),
        (f"{call()} Action: SUBMIT()", "many_actions"),
        (f"Action: SUBMIT()\n{call()}", "many_actions"),
        (f"I could say {call()} or\n{call()}", "many_actions"),
        (f"<think>\n{call()}\n</think>\n\n", "no_action"),
        (f"<think>\n{call()}", "no_action"),
        (f"I would not write {call()} here", "no_action"),
        ("<tool_call>", "bad_arguments"),
        (raw(""), "bad_arguments"),
        (raw("DROP_CONSTRAINT(c1)"), "bad_arguments"),
        (raw("[]"), "bad_arguments"),
        (raw("{'name': 'SUBMIT'}"), "bad_arguments"),
        (raw('{"name": "SUBMIT", "name": "GET_IIS"}'), "bad_arguments"),
        (raw('{"name": "SUBMIT"} {"name": "SUBMIT"}'), "bad_arguments"),
        (raw('{"name": "SUBMIT", "then": "GET_IIS"}'), "bad_arguments"),
        (raw('{"name": "SUBMIT"'), "bad_arguments"),
        (raw("[" * 100_000), "bad_arguments"),
        (call(["SUBMIT"]), "bad_arguments"),
        (call(arguments=["c1"]), "bad_arguments"),
        (call(arguments={}), "bad_arguments"),
        (call(arguments={"name": ""}), "bad_arguments"),
        (call(arguments={"name": 5}), "bad_arguments"),
        (call(arguments={"name": None}), "bad_arguments"),
        (call(arguments={"name": ["c1"]}), "bad_arguments"),
        (call(arguments={"name": "c1", "amount": 3}), "bad_arguments"),
        (raw('{"name": "DROP_CONSTRAINT", "arguments": {"name": "\\ud800"}}'), "bad_arguments"),
        (call("SUBMIT", {"name": "c1"}), "bad_arguments"),
        (call("RELAX_CONSTRAINT", {"name": "c1"}), "bad_arguments"),
        (call("RELAX_CONSTRAINT", {"amount": 1}), "bad_arguments"),
        (call("RELAX_CONSTRAINT", {"name": "c1", "amount": "5"}), "bad_arguments"),
        (call("RELAX_CONSTRAINT", {"name": "c1", "amount": True}), "bad_arguments"),
        (call("RELAX_CONSTRAINT", {"name": "c1", "amount": -5}), "bad_arguments"),
        (raw('{"name": "RELAX_CONSTRAINT", "arguments": {"name": "c1", "amount": NaN}}'), "not_finite"),
        (raw('{"name": "RELAX_CONSTRAINT", "arguments": {"name": "c1", "amount": -Infinity}}'), "not_finite"),
        (raw('{"name": "RELAX_CONSTRAINT", "arguments": {"name": "c1", "amount": 1e999}}'), "not_finite"),
        (raw('{"name": "RELAX_CONSTRAINT", "arguments": {"name": "c1", "amount": %s}}' % ("9" * 9999)), "not_finite"),
        (call("SET_TYPE", {"variable": "x", "type": "Q"}), "bad_arguments"),
        (call("CHECK_SLACK"), "unknown_action"),
        (call("drop_constraint"), "unknown_action"),
    ],
)
def test_what_is_no_call(text: str, reason: str) -> None:
    action = parse_reply(text, "extended").action
    assert isinstance(action, InvalidAction) and action.reason == reason, action


def test_a_call_cut_off_is_truncated() -> None:
    action = parse_reply(call(), truncated=True).action
    assert isinstance(action, InvalidAction) and action.reason == "truncated"


def test_the_published_set_passes_over_surplus_arguments_and_takes_magnitudes() -> None:
    drop = parse_reply(call(arguments={"name": "c1", "amount": 0.0}), "compat").action
    assert drop == Action("DROP_CONSTRAINT", ("c1",))
    relax = parse_reply(call("RELAX_CONSTRAINT", {"name": "c1", "amount": -2}), "compat").action
    assert relax == Action("RELAX_CONSTRAINT", ("c1", 2.0))


numbers = st.floats(min_value=-9e11, max_value=9e11, allow_nan=False)
names = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda name: "tool_call>" not in name)


@given(st.sampled_from(sorted(ACTION_SETS)), st.data())
def test_what_is_called_is_read_back(action_set: ActionSet, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(ACTION_SETS[action_set]))
    draws = {
        Parameter.AMOUNT: numbers.filter(lambda value: value > 0),
        Parameter.TYPE: st.sampled_from("CIB"),
    } | dict.fromkeys(
        (Parameter.ROW, Parameter.VARIABLE), names.map(str.strip).filter(lambda name: name and "'" not in name)
    )
    action = Action(name, tuple(data.draw(draws.get(parameter, numbers)) for parameter in SPECS[name].parameters))
    assert parse_reply(f"<think>\na\n</think>\n\n{tool_call_text(action)}", action_set).action == action


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "amount", "arguments"]), inner)
    ),
)


@given(json_values, st.text(max_size=20))
def test_no_call_raises(body: Any, noise: str) -> None:
    for actions in ACTION_SETS:
        parse_reply(f"<tool_call>{json.dumps(body)}{noise}</tool_call>", actions)
        parse_reply(call("RELAX_CONSTRAINT", body), actions)
        parse_reply(f"<tool_call>{noise}", actions)


@pytest.mark.parametrize("actions", ACTION_SETS)
def test_schemas_offer_the_set_and_nothing_else(actions: ActionSet) -> None:
    schemas = [schema["function"] for schema in tool_schemas(actions)]
    assert [schema["name"] for schema in schemas] == list(ACTION_SETS[actions])
    for schema in schemas:
        parameters, spec = schema["parameters"], SPECS[schema["name"]]
        assert len(parameters["properties"]) == len(spec.parameters)
        assert parameters["required"] == list(parameters["properties"])[: len(spec.parameters) - spec.optional]
    json.dumps(schemas)


def test_every_action_is_described() -> None:
    assert DESCRIPTIONS.keys() == SPECS.keys()
