from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import write_rows
from ordebug.env.renderer import messages_sha256
from ordebug.eval.swift_result import carrier, read_result

PROMPT = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]


def reply(problem_id: str, sample: int = 0, **fields: Any) -> dict[str, Any]:
    messages = [*PROMPT, {"role": "assistant", "content": "r"}]
    return {"response": f"to {problem_id}", "messages": messages, "problem_id": problem_id, "sample": sample} | fields


def write(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    write_rows(tmp_path / "result.jsonl", rows)
    return tmp_path / "result.jsonl"


def test_rows_are_found_by_their_columns(tmp_path: Path) -> None:
    file = write(tmp_path, reply("b"), reply("a", 1), reply("a"))
    rows = read_result(file, [("a", 0), ("a", 1), ("b", 0)])
    assert rows["b", 0].reply.text == "to b"
    assert rows["a", 0].prompt_sha256 == messages_sha256(PROMPT)


def test_a_missing_reply_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no reply for 'b', 'a', sample 1 \(2 of 3 missing\)"):
        read_result(write(tmp_path, reply("a")), [("a", 0), ("b", 0), ("a", 1)])


def test_a_double_reply_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"result\.jsonl:2: a second reply for 'a'") as error:
        read_result(write(tmp_path, reply("a"), reply("a")), [("a", 0)])
    assert "appends" in error.value.fix


def test_a_reply_nobody_asked_for_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'z'"):
        read_result(write(tmp_path, reply("a"), reply("z")), [("a", 0)])


def test_labels_carry_the_key_where_columns_were_dropped(tmp_path: Path) -> None:
    answered = {"response": "r", "labels": carrier(("é 1", 2))["content"], "messages": PROMPT}
    assert read_result(write(tmp_path, answered), [("é 1", 2)])["é 1", 2].reply.text == "r"


def test_the_prompt_tells_where_nothing_else_does(tmp_path: Path) -> None:
    file = write(tmp_path, {"response": "r", "labels": "Action: SUBMIT()", "messages": PROMPT})
    rows = read_result(file, [("a", 0)], prompts=lambda: {messages_sha256(PROMPT): ("a", 0)})
    assert rows["a", 0].reply.text == "r"


def test_rows_without_a_problem_id_tell_the_flag(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_result(write(tmp_path, {"response": "x", "messages": PROMPT}), [("a", 0)])
    assert "--remove_unused_columns false" in error.value.fix


def test_a_reply_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'response' is not a text"):
        read_result(write(tmp_path, reply("a", response=None)), [("a", 0)])


def test_tokens_come_from_logprobs(tmp_path: Path) -> None:
    file = write(tmp_path, reply("a", logprobs={"content": [{}] * 8}), reply("b", logprobs=None))
    rows = read_result(file, [("a", 0), ("b", 0)], max_new_tokens=8)
    assert (rows["a", 0].reply.tokens, rows["a", 0].reply.truncated) == (8, True)
    assert (rows["b", 0].reply.tokens, rows["b", 0].reply.truncated) == (None, False)
    assert not read_result(file, [("a", 0), ("b", 0)], max_new_tokens=9)["a", 0].reply.truncated


def content(*texts: str) -> dict[str, Any]:
    """As both backends of ms-swift 4.6.0 write it (infer_engine.py, _get_logprobs)."""
    return {"content": [{"token": text, "logprob": -0.5, "bytes": list(text.encode())} for text in texts]}


def test_a_reply_that_ends_with_its_last_token_is_not_cut_off(tmp_path: Path) -> None:
    ended, cut = content("Action", ":", "<|im_end|>"), content("Action", ":", " SUB")
    file = write(tmp_path, reply("a", logprobs=ended), reply("b", logprobs=cut))
    rows = read_result(file, max_new_tokens=3)
    assert [(rows[key, 0].reply.tokens, rows[key, 0].reply.truncated) for key in "ab"] == [(3, False), (3, True)]
    assert not any(row.reply.truncated for row in read_result(file).values())


def test_replies_of_others_are_left_out(tmp_path: Path) -> None:
    file = write(tmp_path, reply("a"), reply("b"))
    assert read_result(file, [("a", 0)], others=[("b", 0), ("c", 0)]).keys() == {("a", 0)}
    assert read_result(file).keys() == {("a", 0), ("b", 0)}
