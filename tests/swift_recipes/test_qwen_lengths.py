"""Counts are those of the tokenizer that ms-swift is given, and of what ms-swift encodes."""

import pytest

pytest.importorskip("transformers")

from ordebug.swift_recipes.qwen_lengths import conversation_lengths
from ordebug.swift_recipes.qwen_tokens import qwen_tokenizer

TEXTS = [
    "ID: p1\nConflicting Constraints: ['c1', 'c_key_upper']\n\n\n  x >= 1e-05",
    "<think>\nZu groß: 12345 kg, e\u0301té, 产量不得超过四十吨 😀\n</think>\n\nAction: DROP_CONSTRAINT(c1)",
    "<|im_end|> <tool_call> \r\n\t  ",
    "",
    "a" * 5000 + " " * 5000,
]


@pytest.mark.parametrize("user", TEXTS)
@pytest.mark.parametrize("answer", ["Action: SUBMIT()", TEXTS[1]])
def test_counts_are_the_tokenizers(user: str, answer: str) -> None:
    prompt = f"<|im_start|>system\nsys<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
    tokenizer = qwen_tokenizer()
    expected = (len(tokenizer.encode(prompt)), len(tokenizer.encode(f"{answer}<|im_end|>\n")))
    assert conversation_lengths([("sys", user, answer)]) == [expected]
    assert len(tokenizer.encode(f"{prompt}{answer}<|im_end|>\n")) == sum(expected)


def test_a_million_spaces_are_counted() -> None:
    (prompt, answer) = conversation_lengths([("sys", "x" + " " * 1_000_000 + "y", "Action: SUBMIT()")])[0]
    assert 1_000 < prompt < 1_000_000
    assert answer == conversation_lengths([("sys", "x", "Action: SUBMIT()")])[0][1]
