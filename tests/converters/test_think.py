import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordebug.converters.think import canonical
from ordebug.core.errors import InputError
from ordebug.env.action import InvalidAction
from ordebug.env.reply import parse_reply

ACTION = "Action: DROP_CONSTRAINT(c1)"


def kinds(output: str) -> list[str]:
    return [oddity.kind for oddity in canonical(output).oddities]


@pytest.mark.parametrize(
    "output",
    [
        f"<think>\nwhy\n\n  not\n</think>\n\n{ACTION}",
        f" \n<think>why\n\n  not</think>{ACTION}\n\n",
        f"<think>\n\nwhy\n\n  not \n</think>\n\n\n\n{ACTION} ",
    ],
)
def test_one_form(output: str) -> None:
    assert canonical(output).text == f"<think>\nwhy\n\n  not\n</think>\n\n{ACTION}"
    assert kinds(output) == []


@pytest.mark.parametrize(
    ("output", "warned"),
    [
        (ACTION, "no_thought"),
        (f"<think>\n \n</think>\n\n{ACTION}", "empty_thought"),
        (f"why</think>\n\n{ACTION}", "unopened_thought"),
        (f"<think>why</think>{ACTION}<|im_end|>\n", "end_token"),
        (f"<think>a\r\nb</think>\r\n{ACTION}", "line_ends"),
        (f"<think>a<|im_end|>b</think>{ACTION}", "unsafe_text"),
        (f"<think>a</think>{ACTION} <|im_start|>user", "unsafe_text"),
        (f"<think>a\x00b</think>{ACTION}", "unsafe_text"),
    ],
)
def test_odd_but_readable(output: str, warned: str) -> None:
    assert kinds(output) == [warned]
    text = canonical(output).text
    assert text.startswith("<think>\n")
    assert text.count("<think>") == text.count("</think>") == 1
    assert "<|" not in text
    assert "\r" not in text


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "the output is empty"),
        (" \n", "the output is empty"),
        ("<think>why</think>\n", "no answer"),
        ("<think>why</think><|im_end|>", "no answer"),
        ("<think>why", "never closed"),
        (f"{ACTION}\n<think>", "never closed"),
        (f"<think>a</think><think>b</think>{ACTION}", "more than one thought"),
        (f"<think>a<think>b</think>{ACTION}", "more than one thought"),
        (f"<think>a</think>b</think>{ACTION}", "more than one thought"),
        (f"<think>a</think>{ACTION}<think>", "more than one thought"),
        (f"So: <think>a</think>{ACTION}", "text before <think>"),
    ],
)
def test_unreadable(output: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        canonical(output)


@given(st.lists(st.sampled_from(["<think>", "</think>", "<|im_end|>", "\n", "\r", " ", "a", ACTION, "<", "|"])))
def test_whatever_is_accepted_is_canonical(pieces: list[str]) -> None:
    try:
        done = canonical("".join(pieces))
    except InputError:
        return
    again = canonical(done.text)
    assert again.text == done.text
    assert done.text.startswith("<think>\n")
    assert done.text.count("<think>") == done.text.count("</think>") == 1
    assert "<|im_end|>" not in done.text


def test_the_answer_means_what_it_meant() -> None:
    output = f"<think>x < y, a<b</think>\n{ACTION.replace('c1', chr(34) + 'flow [3,4]' + chr(34))}"
    action = parse_reply(canonical(output).text).action
    assert not isinstance(action, InvalidAction)
    assert action.args == ("flow [3,4]",)
