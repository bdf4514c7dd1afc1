import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordebug.env.action import ACTION_SETS, SPECS, Action, ActionSet, InvalidAction, Parameter, action_line, signature
from ordebug.env.reply import parse_action, parse_reply, split_think


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("<think>\nwhy\n</think>\n\nAction: DROP_CONSTRAINT(c1)", Action("DROP_CONSTRAINT", ("c1",))),
        ("why</think>\nAction: GET_IIS()", Action("GET_IIS")),
        ("Action: RELAX_CONSTRAINT(c1, 1e-3)<|im_end|>\n", Action("RELAX_CONSTRAINT", ("c1", 0.001))),
        ('Action: DROP_CONSTRAINT("a, b")', Action("DROP_CONSTRAINT", ("a, b",))),
        ("Action: DROP_CONSTRAINT(flow[3,4])", Action("DROP_CONSTRAINT", ("flow[3,4]",))),
        ("Action: SUBMIT()<|im_end|><|endoftext|><|endoftext|>", Action("SUBMIT")),
        ('Action: DROP_CONSTRAINT("say \\"no\\"")', Action("DROP_CONSTRAINT", ('say "no"',))),
        ('Action: DROP_CONSTRAINT("Action: x")', Action("DROP_CONSTRAINT", ("Action: x",))),
        ("The row is wrong.\nAction:SUBMIT()\nThat is all.", Action("SUBMIT")),
    ],
)
def test_well_formed_replies(text: str, action: Action) -> None:
    assert parse_reply(text).action == action


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_action"),
        ("<think>\nAction: SUBMIT()", "no_action"),
        ("<think>\nAction: SUBMIT()\n</think>\n\n", "no_action"),
        ('I would not write "Action: SUBMIT()" here', "no_action"),
        ("Action: SUBMIT()\nAction: GET_IIS()", "many_actions"),
        ("Action: SUBMIT() Action: GET_IIS()", "many_actions"),
        ("Action: FIX_EVERYTHING()", "unknown_action"),
        ("Action: FLIP_SENSE(c1)", "unknown_action"),
        ("Action: drop_constraint(c1)", "unknown_action"),
        ("Action: DROP_CONSTRAINT(c1) and then SUBMIT()", "unknown_target_or_bad"),
        ("Action: DROP_CONSTRAINT()", "bad_arguments"),
        ("Action: DROP_CONSTRAINT", "bad_arguments"),
        ("Action: DROP_CONSTRAINT(c1, c2)", "bad_arguments"),
        ("Action: RELAX_CONSTRAINT(c1, __import__('os'))", "bad_arguments"),
        ("Action: RELAX_CONSTRAINT(c1, -1)", "bad_arguments"),
        ("Action: RELAX_CONSTRAINT(c1, 0)", "bad_arguments"),
        ("Action: RELAX_CONSTRAINT(c1, nan)", "not_finite"),
        ("Action: RELAX_CONSTRAINT(c1, 1e999)", "not_finite"),
        ("Action: RELAX_CONSTRAINT(c1, 1e12)", "not_finite"),
        ('Action: DROP_CONSTRAINT("\\ud800")', "bad_arguments"),
        ('Action: DROP_CONSTRAINT("c1)', "bad_arguments"),
        ("Action: DROP_CONSTRAINT(c[1)", "bad_arguments"),
    ],
)
def test_what_is_not_an_action(text: str, reason: str) -> None:
    action = parse_reply(text).action
    assert isinstance(action, InvalidAction)
    if reason != "unknown_target_or_bad":
        assert action.reason == reason


def test_a_reply_cut_off_is_no_action_even_if_it_reads_like_one() -> None:
    action = parse_reply("Action: DROP_CONSTRAINT(c1)", truncated=True).action
    assert isinstance(action, InvalidAction) and action.reason == "truncated"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("<think>\na\n</think>\n\nb", "valid"),
        ("a</think>b", "valid"),
        ("<think>\n\n</think>\n\nb", "empty"),
        ("b", "missing"),
        ("<think>a", "truncated"),
        ("<think>a</think><think>b</think>c", "malformed"),
        ("x <think>a</think>c", "malformed"),
        ("<think>a</think>c <think>", "malformed"),
    ],
)
def test_state_of_the_thought(text: str, state: str) -> None:
    assert split_think(text)[1] == state


def test_the_published_set_is_as_lenient_as_the_published_parser() -> None:
    assert parse_action("DROP_CONSTRAINT(c1, 0.0)", "compat") == Action("DROP_CONSTRAINT", ("c1",))
    assert parse_action("RELAX_CONSTRAINT(c1, -2)", "compat") == Action("RELAX_CONSTRAINT", ("c1", 2.0))
    assert parse_action("UPDATE_BOUNDS('x', 0, 5)", "compat") == Action("UPDATE_BOUNDS", ("x", 0.0, 5.0))


@given(st.text())
def test_no_text_raises(text: str) -> None:
    for actions in ACTION_SETS:
        parse_reply(text, actions)
        parse_reply(f"Action: {text}", actions)
        parse_reply(f"Action: RELAX_CONSTRAINT({text})", actions)


numbers = st.floats(min_value=-9e11, max_value=9e11, allow_nan=False)
names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1)


@given(st.sampled_from(sorted(ACTION_SETS)), st.data())
def test_what_is_written_is_read_back(action_set: ActionSet, data: st.DataObject) -> None:
    if action_set == "compat":
        return
    name = data.draw(st.sampled_from(ACTION_SETS[action_set]))
    draws = {
        Parameter.ROW: names,
        Parameter.VARIABLE: names,
        Parameter.AMOUNT: numbers.filter(lambda value: value > 0),
        Parameter.TYPE: st.sampled_from("CIB"),
    }
    args = tuple(data.draw(draws.get(parameter, numbers)) for parameter in SPECS[name].parameters)
    action = Action(name, args)
    assert parse_reply(action_line(action), action_set).action == action


def test_a_long_hostile_line_takes_no_time() -> None:
    for text in ("Action:" + " " * 200_000 + "x", "Action: DROP_CONSTRAINT(" + "[" * 200_000, "Action: " * 50_000):
        assert isinstance(parse_reply(text).action, InvalidAction)


def test_signatures_are_what_the_prompt_offers() -> None:
    assert signature("RELAX_CONSTRAINT") == "RELAX_CONSTRAINT(name, amount)"
    assert signature("UPDATE_BOUNDS") == "UPDATE_BOUNDS(variable, lower[, upper])"


def test_the_published_parser_passes_over_single_quotes_and_no_others() -> None:
    assert parse_action("DROP_CONSTRAINT('c1', 0.0)", "compat") == Action("DROP_CONSTRAINT", ("c1",))
    odd = Action("DROP_CONSTRAINT", ("c1'",))
    assert parse_action(str(odd), "compat") == odd
