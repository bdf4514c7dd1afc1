from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordebug.converters.alpaca import AlpacaConverter
from ordebug.converters.chat import ChatConverter
from ordebug.converters.conversion import Converter, Summary, convert_file
from ordebug.converters.dialogue import about_text
from ordebug.converters.formats import FormatName, read_decisions
from ordebug.converters.messages import SFTRow, Turn, read_sft_rows
from ordebug.core.errors import InputError
from ordebug.core.jsonl import write_rows
from ordebug.env.renderer import system_text

WriteRows = Callable[..., Path]
ANSWER = "<think>\nwhy\n</think>\n\nAction: DROP_CONSTRAINT(c1)"
LAST = "<think>\nthen\n</think>\n\nAction: SUBMIT()"
SHAREGPT = {
    "conversations": [
        {"from": "human", "value": "state one\nID: p1\nType: A"},
        {"from": "gpt", "value": ANSWER},
        {"from": "human", "value": "state two"},
        {"from": "gpt", "value": LAST},
    ],
    "metadata": {"problem_id": "p1", "grade": 3},
}


def converted(
    path: Path, converter: Converter | None = None, **options: Any
) -> tuple[list[SFTRow], Summary, dict[str, int]]:
    out = path.with_name("out.jsonl")
    summary = convert_file(path, out, converter or AlpacaConverter(), **options)
    return list(read_sft_rows(out)), summary, {kind: seen.count for kind, seen in summary.warnings.items()}


def test_a_conversation_becomes_a_row_for_each_answer(write_rows: WriteRows) -> None:
    rows, summary, warned = converted(write_rows([SHAREGPT]))
    assert [(row.user, row.assistant, row.step) for row in rows] == [
        ("state one\nID: p1\nType: A", ANSWER, 1),
        ("state two", LAST, 2),
    ]
    assert {(row.problem_id, row.about) for row in rows} == {("p1", '{"grade": 3}')}
    assert (summary.read, summary.written, summary.rejected) == (1, 2, 0)
    assert warned == {"earlier_turns": 1}


def test_a_conversation_kept_whole(write_rows: WriteRows) -> None:
    rows, summary, warned = converted(write_rows([SHAREGPT]), ChatConverter())
    assert [turn.role for turn in rows[0].messages] == ["system", "user", "assistant", "user", "assistant"]
    assert rows[0].messages[2].content == ANSWER  # its thought stays
    assert (rows[0].problem_id, rows[0].error_type, summary.written, warned) == ("p1", "A", 1, {})


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "s"}, {"role": "assistant", "content": ANSWER}]},
        {"conversations": [{"role": "user", "content": "s"}, {"role": "assistant", "content": ANSWER}]},
        {"system": None, "conversations": [{"from": "human", "value": "s"}, {"from": "gpt", "value": ANSWER}]},
        {"instruction": "s", "output": ANSWER, "history": []},
        {"messages": [
            {"role": "user", "content": "s"},
            {"role": "assistant", "content": "Action: DROP_CONSTRAINT(c1)", "reasoning_content": "why\n"},
        ]},
    ],
)  # fmt: skip
def test_every_format_is_told_by_its_keys(write_rows: WriteRows, row: dict[str, Any]) -> None:
    rows, _, warned = converted(write_rows([row]))
    assert [(turn.role, turn.content) for turn in rows[0].messages] == [
        ("system", system_text("compat")),
        ("user", "s"),
        ("assistant", ANSWER),
    ]
    assert warned == {"no_problem_id": 1}


def test_an_alpaca_history_is_a_conversation(write_rows: WriteRows) -> None:
    row = {"instruction": "two", "input": "b", "output": LAST, "history": [["one", ANSWER]]}
    rows, _, warned = converted(write_rows([row]))
    assert [(row.user, row.step) for row in rows] == [("one", 1), ("two\n\nb", 2)]
    assert warned == {"no_problem_id": 2, "earlier_turns": 1}


def test_tools_and_turns_in_a_row(write_rows: WriteRows) -> None:
    call = '{"name": "DROP_CONSTRAINT", "arguments": {"name": "c1"}}'
    turns = [
        {"from": "human", "value": "s"},
        {"from": "gpt", "value": "<think>\nwhy\n</think>"},
        {"from": "function_call", "value": call},
        {"from": "observation", "value": "still infeasible"},
        {"from": "gpt", "value": LAST},
        {"from": "human", "value": "thanks"},
    ]
    rows, _, warned = converted(write_rows([{"conversations": turns, "id": "p7"}]))
    assert rows[0].assistant == ANSWER
    assert [row.user for row in rows] == ["s", "still infeasible"]
    assert [warned[kind] for kind in ("tool_call", "tool_turn", "unanswered_turn")] == [1, 1, 1]
    assert rows[0].about == '{"id": "p7"}'


def test_answers_that_are_not_trained_are_left_out_and_told(write_rows: WriteRows) -> None:
    turns = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "bad", "loss": False},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": ANSWER},
    ]
    rows, _, warned = converted(write_rows([{"messages": turns}]))
    assert [(row.user, row.step) for row in rows] == [("two", 2)]
    assert warned["untrained_turn"] == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"conversations": []}, "field conversations: not a list of turns"),
        ({"conversations": ["a"]}, r"field conversations\.0: a JSON str, not a turn"),
        ({"conversations": [{"from": "human"}]}, r"field conversations\.0: no from or no text as value"),
        ({"conversations": [{"from": "narrator", "value": "x"}]}, "turn 1 is by 'narrator'"),
        ({"conversations": [{"from": "gpt", "value": ANSWER}]}, "the assistant speaks first"),
        ({"conversations": [{"from": "human", "value": "s"}]}, "no answer to learn"),
        ({"messages": [{"role": "user", "content": None}]}, r"field messages\.0: no role or no text"),
        ({"messages": [{"role": "user", "content": "s", "images": []}]}, "images would be lost"),
        ({"messages": [{"role": "user", "content": "s"}, {"role": "system", "content": "x"}]}, "second system turn"),
        ({"instruction": "a", "output": LAST, "history": [["a"]]}, "field history: not a list of pairs"),
        ({"conversations": [{"from": "human", "value": "s"}, {"from": "gpt"}], "metadata": 3}, "metadata"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_rejected_with_its_reason(write_rows: WriteRows, row: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        converted(write_rows([row]), strict=True)


def test_rows_of_several_formats_are_each_read_by_their_own(write_rows: WriteRows) -> None:
    """As ``data verify --keep`` writes them: a row with several decisions comes out as Alpaca rows."""
    rows, summary, _ = converted(write_rows([SHAREGPT, {"instruction": "a", "output": LAST}, SHAREGPT]))
    assert (len(rows), summary.read, summary.rejected) == (5, 3, 0)


def test_a_row_of_another_format_than_was_given_is_rejected(write_rows: WriteRows) -> None:
    mixed = [SHAREGPT, {"instruction": "a", "output": LAST}, SHAREGPT]
    rows, summary, _ = converted(write_rows(mixed), form="sharegpt")
    assert (len(rows), summary.read, summary.rejected) == (4, 3, 1)
    assert summary.reasons[0][1].startswith("a row of another format, alpaca")
    rows, summary, _ = converted(write_rows(mixed[1:]), form="alpaca")
    assert (len(rows), summary.reasons[0][1][:33]) == (1, "a row of another format, sharegpt")


@pytest.mark.parametrize("converter", [AlpacaConverter(), ChatConverter()])
def test_half_a_character_in_a_later_turn(write_rows: WriteRows, converter: Converter) -> None:
    first, answer, _, last = SHAREGPT["conversations"]
    turns = [first, answer, {"from": "human", "value": "a\ud800"}, last]
    with pytest.raises(InputError, match="half a character"):
        converted(write_rows([{"conversations": turns}]), converter, strict=True)


@pytest.mark.parametrize("form", ["alpaca", "messages"])
def test_a_file_that_is_not_what_it_is_said_to_be(write_rows: WriteRows, form: FormatName) -> None:
    with pytest.raises(InputError, match=f"looks like sharegpt, not {form}") as error:
        converted(write_rows([SHAREGPT]), form=form)
    assert "--from sharegpt" in error.value.fix


def test_fields_that_no_prompt_shows_are_kept_and_told(write_rows: WriteRows) -> None:
    path = write_rows([{**SHAREGPT, "tools": "[]", "id": 4}])
    for converter in (AlpacaConverter(), ChatConverter()):
        rows, _, warned = converted(path, converter)
        assert rows[0].about == '{"grade": 3, "id": 4, "tools": "[]"}'
        assert warned["unshown_field"] == len(rows)


def test_keys_of_no_format_name_those_that_are_known(write_rows: WriteRows) -> None:
    path = write_rows([{"prompt": "a", "completion": "b"}])
    with pytest.raises(InputError, match="keys prompt, completion") as error:
        list(read_decisions(path))
    assert "ShareGPT (conversations)" in error.value.fix


def test_later_steps_are_not_rendered_from_the_first_state(problem_folder: Path, write_rows: WriteRows) -> None:
    from ordebug.converters.prompts import Prompts

    row = {**SHAREGPT, "metadata": {"problem_id": "stool"}}
    rows, summary, _ = converted(write_rows([row]), AlpacaConverter("core", Prompts(problem_folder, "algebra", "core")))
    assert [row.step for row in rows] == [1]
    assert "a later step of its problem" in summary.reasons[0][1]


# --- round trips ----------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    lambda text: text.strip() == text and "<" not in text
)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda v: st.lists(v, max_size=2), max_leaves=4)


@st.composite
def sft_rows(draw: st.DrawFn, turns: int = 3) -> SFTRow:
    answers = st.tuples(TEXT, st.sampled_from(["c1", "flow[3,4]"])).map(
        lambda pair: f"<think>\n{pair[0]}\n</think>\n\nAction: DROP_CONSTRAINT({pair[1]})"
    )
    said = [
        turn
        for _ in range(draw(st.integers(1, turns)))
        for turn in (Turn(role="user", content=draw(TEXT)), Turn(role="assistant", content=draw(answers)))
    ]
    extra = draw(st.dictionaries(TEXT.filter(lambda name: name not in SFTRow.model_fields), VALUES, max_size=3))
    extra.pop("metadata", None)
    return SFTRow(
        messages=(Turn(role="system", content=system_text("core")), *said),
        problem_id=draw(TEXT),
        base_id=draw(TEXT),
        step=draw(st.integers(1, 9)),
        source=draw(TEXT),
        error_type=draw(st.sampled_from(["", "A", "I"])),
        about=about_text(extra),
    )


@pytest.mark.parametrize("form", ["messages", "sharegpt", "alpaca"])
@pytest.mark.parametrize(("converter", "turns"), [(AlpacaConverter("core"), 1), (ChatConverter("core"), 3)])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_out_and_back_is_the_same_row(
    tmp_path: Path, form: FormatName, converter: Converter, turns: int, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(sft_rows(turns=turns), min_size=1, max_size=3))
    write_rows(tmp_path / "rows.jsonl", (row.model_dump() for row in rows))
    there, back = tmp_path / f"{form}.jsonl", tmp_path / "back.jsonl"
    convert_file(tmp_path / "rows.jsonl", there, converter, to=form)
    convert_file(there, back, converter)
    assert list(read_sft_rows(back)) == rows
