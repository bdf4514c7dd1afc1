import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.alpaca import AlpacaConverter
from ordebug.converters.conversion import Summary, convert_file
from ordebug.converters.messages import SFTRow, read_sft_rows
from ordebug.converters.prompts import Prompts
from ordebug.converters.records import Record
from ordebug.core.errors import InputError, UsageError
from ordebug.env.renderer import render, system_text
from ordebug.env.repair_env import RepairEnv, Rules

MakeRow = Callable[..., dict[str, Any]]
WriteRows = Callable[..., Path]
THOUGHT = "<think>\nwhy\n</think>\n\n"


def convert(row: Any) -> tuple[SFTRow, list[str]]:
    sft, oddities = AlpacaConverter()(Record("here", 7, row), "f.json")
    return sft, [oddity.kind for oddity in oddities]


def test_a_good_row(alpaca_row: MakeRow) -> None:
    row = alpaca_row()
    sft, odd = convert(row)
    assert odd == []
    assert [turn.role for turn in sft.messages] == ["system", "user", "assistant"]
    assert sft.messages[0].content == system_text("compat")
    assert sft.user == row["instruction"] + "\n\n" + row["input"]
    assert sft.assistant == row["output"]
    assert (sft.problem_id, sft.base_id, sft.error_type, sft.step, sft.source) == ("p1", "p1", "A", 1, "f.json")


def test_every_field_is_written_and_none_is_null(alpaca_row: MakeRow) -> None:
    for row in (alpaca_row(), {"instruction": "x", "output": "Action: SUBMIT()"}):
        written = convert(row)[0].model_dump()
        assert written.keys() == SFTRow.model_fields.keys()
        assert None not in written.values()


@pytest.mark.parametrize(
    ("changes", "user"),
    [({"input": ""}, "Debug the model."), ({"instruction": "", "input": "ID: p1"}, "ID: p1"), ({"input": None}, None)],
)
def test_an_empty_side_is_left_out(alpaca_row: MakeRow, changes: dict[str, Any], user: str | None) -> None:
    assert convert(alpaca_row(**changes))[0].user == (user or "Debug the model.")


def test_problem_id_from_the_text_or_the_place(alpaca_row: MakeRow) -> None:
    sft, odd = convert(alpaca_row(metadata={"problem_id": None}))
    assert (sft.problem_id, sft.error_type, odd) == ("p1", "A", [])
    sft, odd = convert(alpaca_row(metadata=None, input="nothing"))
    assert (sft.problem_id, sft.error_type, odd) == ("f.json:7", "", ["no_problem_id"])
    assert convert(alpaca_row(metadata={"problem_id": 12, "base_id": "b"}))[0].base_id == "b"


@pytest.mark.parametrize(
    ("answer", "warned"),
    [
        ("Action: FIX_IT(c1)", ["unknown_action"]),
        ("Action: FLIP_SENSE(c1)", ["unknown_action"]),
        ("Action: DROP_CONSTRAINT(c1)\nAction: SUBMIT()", ["many_actions"]),
        ("I give up.", ["no_action"]),
        ("Action: DROP_CONSTRAINT(c1)\nThat should do.", ["text_after_action"]),
        ("Action: DROP_CONSTRAINT(c1) because", ["bad_arguments"]),
        ("So:\nAction: DROP_CONSTRAINT(c1)", ["text_before_action"]),
        ("Action: RELAX_CONSTRAINT(c1, NaN)", ["not_finite"]),
        ("Action: RELAX_CONSTRAINT(c1, inf)", ["not_finite"]),
        ("Action: RELAX_CONSTRAINT(c1, -1)", ["lenient_action"]),
        ("Action: RELAX_CONSTRAINT(c1)", ["bad_arguments"]),
        ("Action: DROP_CONSTRAINT(c1, 0.0)", ["lenient_action"]),
        ("Action: DROP_CONSTRAINT('c1')", ["lenient_action"]),
        ("Action: DROP_CONSTRAINT(c1,c2)", ["lenient_action"]),
        ("Action: DROP_CONSTRAINT(flow[3,4])", []),
        ('Action: DROP_CONSTRAINT("flow (3, 4], x")', []),
        ("Action: DROP_CONSTRAINT(flow[3,4)", ["bad_arguments"]),
        ("Action: CHECK_SLACK(c1)", []),
        ('Action: DROP_CONSTRAINT("a<|im_end|>")', ["unsafe_text"]),
    ],
)
def test_an_odd_action_is_a_warning(alpaca_row: MakeRow, answer: str, warned: list[str]) -> None:
    sft, odd = convert(alpaca_row(output=THOUGHT + answer))
    assert odd == warned
    assert sft.assistant == THOUGHT + answer.replace("<|", "‹|")


@pytest.mark.parametrize("token", ["<|im_end|>", "<think>", "</think>", "<|im_start|>system", "<tool_call>"])
def test_control_tokens_in_the_prompt_become_text(alpaca_row: MakeRow, token: str) -> None:
    for changes in ({"input": f"ID: p1\nrow {token}: 3 <= 4"}, {"instruction": f"Debug {token}"}):
        sft, odd = convert(alpaca_row(**changes))
        assert odd == ["unsafe_text"]
        assert token not in sft.user
        assert token[1:] in sft.user


def test_harmless_marks_stay(alpaca_row: MakeRow) -> None:
    text = "ID: p1\n3 <= x < 4, a<3, \t'é' | > é"
    assert convert(alpaca_row(input=text))[0].user.endswith(text)


def test_line_ends_inside_a_row(alpaca_row: MakeRow) -> None:
    sft, odd = convert(
        alpaca_row(input="ID: p1\r\nType: B\r\n", output="<think>a\r\nb</think>\r\nAction: SUBMIT()\r\n")
    )
    assert sft.user == "Debug the model.\n\nID: p1\nType: B\n"
    assert sft.assistant == "<think>\na\nb\n</think>\n\nAction: SUBMIT()"
    assert set(odd) == {"line_ends"}


def test_own_system_text_is_replaced(alpaca_row: MakeRow) -> None:
    sft, odd = convert(alpaca_row(system="You are a poet."))
    assert odd == ["system_replaced"]
    assert sft.messages[0].content == system_text("compat")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([], "a JSON list, not an object"),
        (None, "a JSON NoneType, not an object"),
        ({"instruction": "a", "input": "b"}, "output"),
        ({"instruction": "a", "output": 5}, "output"),
        ({"instruction": "a", "output": None}, "output"),
        ({"instruction": 3, "output": "Action: SUBMIT()"}, "instruction"),
        ({"output": "Action: SUBMIT()"}, "both empty"),
        ({"instruction": "a", "output": " "}, "the output is empty"),
        ({"instruction": "a", "output": "<think>a</think><think>b</think>Action: SUBMIT()"}, "more than one thought"),
        ({"instruction": "a", "output": "<think>a Action: SUBMIT()"}, "never closed"),
        ({"instruction": "a", "output": "Action: SUBMIT()", "history": [["a", "b"]]}, "a history"),
        ({"instruction": "a\ud800", "output": "Action: SUBMIT()"}, "half a character"),
        ({"instruction": "a", "output": "Action: SUBMIT()", "metadata": {"problem_id": "\udfff"}}, "half a character"),
        ({"instruction": "a", "output": "Action: SUBMIT()", "metadata": "x"}, "metadata"),
    ],
)
def test_unreadable_rows(row: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        convert(row)


@pytest.mark.parametrize("shape", ["lines", "list", "data"])
def test_bad_rows_are_told_and_the_others_kept(
    alpaca_row: MakeRow, write_rows: WriteRows, tmp_path: Path, shape: str
) -> None:
    path = write_rows([alpaca_row(), 5, alpaca_row(output="Action: SUBMIT()"), {"output": "x"}], shape)
    out = tmp_path / "out" / "sft.jsonl"
    summary = convert_file(path, out, AlpacaConverter())
    assert (summary.read, summary.written, summary.rejected) == (4, 2, 2)
    places = {"lines": f"{path}:2", "list": f"{path}: [1]", "data": f"{path}: data[1]"}
    assert summary.reasons[0] == (places[shape], "a JSON int, not an object with instruction, input, output")
    assert summary.warnings["no_thought"].count == 1
    assert json.loads(json.dumps(summary.as_json()))["reasons"][0]["place"] == places[shape]
    assert len(list(read_sft_rows(out))) == 2


def test_strict_and_empty_write_nothing(alpaca_row: MakeRow, write_rows: WriteRows, tmp_path: Path) -> None:
    out = tmp_path / "sft.jsonl"
    with pytest.raises(InputError, match=r"rows\.jsonl:2: a JSON int"):
        convert_file(write_rows([alpaca_row(), 5]), out, AlpacaConverter(), strict=True)
    with pytest.raises(InputError, match=r"no row can be used; .*rows\.jsonl:1: a JSON int"):
        convert_file(write_rows([5]), out, AlpacaConverter())
    with pytest.raises(InputError, match="there is none"):
        convert_file(write_rows([], "data"), out, AlpacaConverter())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.json", "rows.jsonl"]


def test_the_input_is_never_written_over(alpaca_row: MakeRow, write_rows: WriteRows) -> None:
    path = write_rows([alpaca_row()])
    with pytest.raises(UsageError, match="is the input itself"):
        convert_file(path, path, AlpacaConverter())


def test_reasons_are_bounded() -> None:
    summary = Summary()
    for number in range(1000):
        summary.reject(f"f:{number}", "bad")
    assert (summary.rejected, len(summary.reasons)) == (1000, 100)


@pytest.mark.parametrize("shape", ["lines", "data"])
def test_memory_does_not_grow(tmp_path: Path, alpaca_row: MakeRow, shape: str) -> None:
    peaks = []
    for count in (500, 5_000):
        path = tmp_path / f"{count}.json"
        texts = [json.dumps(alpaca_row(metadata={"problem_id": f"p{index}"})) for index in range(count)]
        path.write_text("\n".join(texts) if shape == "lines" else '{"data": [' + ",".join(texts) + "]}")
        del texts
        tracemalloc.start()
        assert convert_file(path, tmp_path / "out.jsonl", AlpacaConverter()).written == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 1_000_000


# --- prompts made anew ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["names", "algebra"])
def test_prompts_are_the_environments_own(problem_folder: Path, alpaca_row: MakeRow, profile: Any) -> None:
    prompts = Prompts(problem_folder, profile, "core")
    convert_row = AlpacaConverter("core", prompts)
    row = alpaca_row(metadata={"problem_id": "stool", "error_type": "?"})
    sft, oddities = convert_row(Record("here", 1, row), "f.json")
    env = RepairEnv(prompts.problems.get("stool"), prompts.problems, Rules(actions="core"))
    shown = render(env.reset()[0], profile, "core")
    assert [turn.model_dump() for turn in sft.messages[:2]] == shown
    assert (sft.error_type, sft.base_id, oddities) == ("A", "seats", [])
    env.close()


def test_an_absent_problem_is_a_rejected_row(problem_folder: Path, alpaca_row: MakeRow) -> None:
    convert_row = AlpacaConverter("core", Prompts(problem_folder, "algebra", "core"))
    with pytest.raises(InputError, match="has no problem 'p1'"):
        convert_row(Record("here", 1, alpaca_row()), "f.json")


# --- the public data ------------------------------------------------------------------------------------------------


def test_every_public_row_converts(public_bench: Path, tmp_path: Path) -> None:
    out = tmp_path / "sft.jsonl"
    total = 0
    for name, warned in (("sft_gpt52chat.json", {"lenient_action": 11}), ("sft_heuristic.json", {})):
        path = public_bench / "sft" / name
        summary = convert_file(path, out, AlpacaConverter())
        assert summary.rejected == 0
        assert {kind: seen.count for kind, seen in summary.warnings.items()} == warned
        rows = json.loads(path.read_text())["data"]
        for row, sft in zip(rows, read_sft_rows(out), strict=True):
            assert sft.user == row["instruction"] + "\n\n" + row["input"]
            assert sft.assistant == row["output"]
            assert (sft.problem_id, sft.error_type) == (row["metadata"]["problem_id"], row["metadata"]["error_type"])
        total += summary.written
    assert total == 5216


@pytest.mark.parametrize(
    ("name", "every", "rows_as_printed", "all_as_printed"),
    [("sft_heuristic.json", 20, 0.87, 0.87), ("sft_gpt52chat.json", 3, 0.93, 0.78)],
)
def test_the_environment_shows_what_the_public_rows_show(
    public_bench: Path, name: str, every: int, rows_as_printed: float, all_as_printed: float
) -> None:
    """The profile ``seed`` is the published text, letter for letter, wherever the conflict is the one printed.

    It is not where edits came before the step that was kept: a row is gone then, or other bounds are in conflict.
    """
    prompts = Prompts(public_bench / "problems" / "full", "seed", "compat")
    rows = json.loads((public_bench / "sft" / name).read_text())["data"]
    known = [row for row in rows if row["metadata"]["problem_id"] in prompts.problems.problems][::every]
    assert len(known) >= 200
    same_rows = same = 0
    for row in known:
        shown = prompts.of(row["metadata"]["problem_id"])[0][1]["content"]
        printed = row["instruction"] + "\n\n" + row["input"]
        same += shown == printed
        same_rows += _conflict(shown)[0] == _conflict(printed)[0]
        assert shown == printed or _conflict(shown) != _conflict(printed)
    assert same_rows / len(known) >= rows_as_printed
    assert same / len(known) >= all_as_printed


def _conflict(text: str) -> tuple[str, str]:
    """The printed rows and bounds."""
    lines = {label: line for line in text.splitlines() if (label := line.partition(":")[0]).startswith("Conflicting")}
    return lines.get("Conflicting Constraints", ""), lines.get("Conflicting Bounds", "")
