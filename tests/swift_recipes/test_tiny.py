"""The small Qwen3 is a Qwen3: its architecture, its special tokens, its chat format."""

import json
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from ordebug.core.errors import InputError
from ordebug.swift_recipes.tiny import build

USER = "labor: at most 40 hours\n(1) labor: 3 chairs + 2 tables >= 40\nOther rows: wood"
ASSISTANT = "<think>\n(1) labor: at most, written >=, wrong\n</think>\n\nAction: DROP_CONSTRAINT(labor)"
MESSAGES = [
    {"role": "system", "content": "Repair."},
    {"role": "user", "content": USER},
    {"role": "assistant", "content": ASSISTANT},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    rows = folder / "rows.jsonl"
    rows.write_text((json.dumps({"messages": MESSAGES}) + "\n") * 50)
    build(rows, folder / "model", seed=1)
    return folder / "model"


def test_it_loads_as_qwen3(folder: Path) -> None:
    config = AutoConfig.from_pretrained(folder)
    assert config.model_type == "qwen3" and config.architectures == ["Qwen3ForCausalLM"]
    assert AutoModelForCausalLM.from_pretrained(folder).num_parameters() < 1_000_000


def test_tags_and_names_are_one_token_each_and_text_comes_back(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = tokenizer.apply_chat_template(MESSAGES, tokenize=False)
    assert text.endswith(ASSISTANT + "<|im_end|>\n") and text.startswith("<|im_start|>system\nRepair.<|im_end|>\n")
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    tokens = tokenizer.convert_ids_to_tokens(ids)
    assert tokens.count("<think>") == tokens.count("</think>") == 1 and tokens.count("<|im_end|>") == 3
    assert (tokens.count("labor:"), tokens.count("labor")) == (3, 1) and "DROP_CONSTRAINT" in "".join(tokens)
    assert tokens.count("(1)Ġ") == 2 and tokens.count("ĠatĠmost") == 2
    assert tokenizer.eos_token == "<|im_end|>"


def test_the_same_seed_gives_the_same_weights(folder: Path, tmp_path: Path) -> None:
    rows = folder.parent / "rows.jsonl"
    build(rows, tmp_path / "again", seed=1)
    build(rows, tmp_path / "other", seed=2)
    weights = [(path / "model.safetensors").read_bytes() for path in (folder, tmp_path / "again", tmp_path / "other")]
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.parametrize("text", ["", '{"text": "x"}\n', '{"messages": ["a"]}\n'])
def test_a_file_without_messages_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"no messages|no rows"):
        build(tmp_path / "rows.jsonl", tmp_path / "model")
