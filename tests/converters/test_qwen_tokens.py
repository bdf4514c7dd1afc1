"""What ms-swift really trains on, in the tokens of the real Qwen tokenizer."""

import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.alpaca import AlpacaConverter
from ordebug.converters.messages import GRPORow, SFTRow
from ordebug.converters.records import Record
from ordebug.env.renderer import estimate_tokens, safe

pytest.importorskip("swift")

THINK, END_THINK, IM_END = 151667, 151668, 151645
ODD_NAMES = ["<|im_end|>", "<think>", "</think>", "<|im_start|>assistant", "<tool_call>", "<|endoftext|>"]


@pytest.fixture(scope="module")
def template(qwen_folder: Path) -> Any:
    os.environ.setdefault("USE_HF", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        # What ms-swift and torch deprecate among themselves is not ours to mend.
        warnings.simplefilter("ignore")
        from swift.model import get_model_processor
        from swift.template import get_template

        _, processor = get_model_processor(str(qwen_folder), load_model=False, model_type="qwen3")
        return get_template(
            processor, template_type="qwen3", loss_scale="default+ignore_empty_think", enable_thinking=True
        )


@pytest.fixture(scope="module")
def public_rows(public_bench: Path) -> list[SFTRow]:
    convert = AlpacaConverter()
    rows = []
    for name in ("sft_gpt52chat.json", "sft_heuristic.json"):
        records = list(convert.records(public_bench / "sft" / name))
        rows += [convert(record, name)[0] for record in records[:: len(records) // 50]]
    return rows


def made_rows() -> list[SFTRow]:
    """Rows whose texts try to be control tokens."""
    convert = AlpacaConverter()
    rows = []
    for name in ["c1", *ODD_NAMES]:
        target = safe(name) if "think" in name else name
        record = {
            "instruction": f"Debug {name}.",
            "input": f"ID: p\n{name}: at most 3 <= 4\n",
            "output": f"<think>\n  {safe(name)} is\n\nwrong.\n</think>\nAction: DROP_CONSTRAINT({json.dumps(target)})",
        }
        rows.append(convert(Record("here", 1, record), "made")[0])
    return rows


def trained(template: Any, row: SFTRow) -> tuple[list[int], list[int]]:
    """Prompt and trained tokens."""
    template.set_mode("train")
    encoded = template.encode({"messages": [turn.model_dump() for turn in row.messages]})
    labels, ids = encoded["labels"], encoded["input_ids"]
    start = next(index for index, label in enumerate(labels) if label != -100)
    assert labels[start:] == ids[start:], "all after the prompt is trained"
    return ids[:start], ids[start:]


def inferred(template: Any, row: SFTRow) -> list[int]:
    """The prompt that ``swift infer --enable_thinking true`` builds."""
    template.set_mode("transformers")
    prompt = [turn.model_dump() for turn in row.messages[:2]]
    return list(template.encode({"messages": prompt})["input_ids"])


def served(template: Any, row: SFTRow) -> list[int]:
    """The prompt that Qwen3's own chat template builds, as vLLM serves it."""
    prompt = [turn.model_dump() for turn in row.messages[:2]]
    encoded = template.tokenizer.apply_chat_template(prompt, add_generation_prompt=True, enable_thinking=True)
    return list(encoded["input_ids"])


def check(template: Any, row: SFTRow) -> None:
    prompt, answer = trained(template, row)
    assert template.tokenizer.decode(answer) == row.assistant + "<|im_end|>\n"
    assert answer[0] == THINK
    assert (answer.count(THINK), answer.count(END_THINK), answer.count(IM_END)) == (1, 1, 1)
    assert prompt == inferred(template, row) == served(template, row)
    assert prompt.count(IM_END) == 2
    assert not {THINK, END_THINK} & set(prompt)


def test_known_ids(template: Any) -> None:
    tokenizer = template.tokenizer
    assert tokenizer.encode("Hello world") == [9707, 1879]
    assert tokenizer.encode("<|endoftext|><|im_start|><|im_end|>") == [151643, 151644, IM_END]
    assert tokenizer.encode("<think></think>") == [THINK, END_THINK]


@pytest.mark.parametrize("row", made_rows(), ids=["plain", *ODD_NAMES])
def test_made_rows_train_as_written(template: Any, row: SFTRow) -> None:
    check(template, row)


def test_public_rows_train_as_written(template: Any, public_rows: list[SFTRow]) -> None:
    for row in public_rows:
        check(template, row)


def test_a_leading_space_would_train_a_second_thought(template: Any) -> None:
    """Why outputs are brought to one form: ms-swift as it is."""
    row = made_rows()[0]
    turns = [turn.model_dump() for turn in row.messages]
    turns[2]["content"] = " " + turns[2]["content"]
    prompt, answer = trained(template, SFTRow.model_validate({**row.model_dump(), "messages": turns}))
    assert (prompt.count(THINK), answer.count(THINK)) == (1, 1)


def test_estimate_is_above_the_real_count(template: Any, public_rows: list[SFTRow]) -> None:
    for row in public_rows:
        real = len(served(template, row))
        estimate = sum(estimate_tokens(turn.content) for turn in row.messages[:2])
        assert real <= estimate <= 1.6 * real


@pytest.mark.parametrize(
    "text",
    [
        "labor: at most 40 hours; 3 chairs + 2 tables <= 40",
        "flow[3,4] + 2e+06 x_{i,j} <= -1.5e-07",
        "c0: 0.530349 x0 + 1.67135 x1 - 1.73276 x2 >= 40.1277",
        "température élevée à l'usine de Besançon",
        "产量 不得 超过 四十 吨",
        "Ωμέγα ≤ 3, 한국어 문장, نقل البضائع",
        "XQZWKJVB HGTRPLMN cnstrnt_dmd lbr_hrs_wk RQZTBXPL",
        "!!??!!?? ==>>==>> ~~^^~~^^ 😀🏭📦🚚",
    ],
)
def test_estimate_of_other_texts(template: Any, text: str) -> None:
    assert len(template.tokenizer.encode(text)) <= estimate_tokens(text)


def test_no_reserved_column() -> None:
    from swift.dataset.preprocessor import RowPreprocessor

    # Beside the standard keys, what GRPO captures as fields of a sample.
    captured = "prompt_id request_id response_token_ids response_loss_mask rollout_logprobs finish_reason add_eos"
    more = "rollout_infos routed_experts teacher_messages encoded extra is_truncated dataset trainer_state completions"
    reserved = {*RowPreprocessor.standard_keys, *captured.split(), *more.split()} - {"messages"}
    assert not reserved & (SFTRow.model_fields.keys() | GRPORow.model_fields.keys())


def test_the_audit_counts_what_ms_swift_encodes(template: Any, public_rows: list[SFTRow]) -> None:
    from ordebug.swift_recipes.qwen_lengths import conversation_lengths

    for row in [*made_rows(), *public_rows]:
        system, user, assistant = (turn.content for turn in row.messages)
        prompt, answer = trained(template, row)
        assert conversation_lengths([(system, user, assistant)]) == [(len(prompt), len(answer))]


def test_an_answer_without_a_thought_is_shown_an_empty_one_that_is_not_trained(template: Any) -> None:
    """General rows, which ``data mix`` adds, do not teach a model to skip its thought."""
    template.set_mode("train")
    turns = [{"role": "user", "content": "Say four."}, {"role": "assistant", "content": "Four."}]
    encoded = template.encode({"messages": turns})
    trained = [token for token in encoded["labels"] if token != -100]
    assert THINK in encoded["input_ids"] and END_THINK in encoded["input_ids"]
    assert not {THINK, END_THINK} & set(trained)
    assert template.tokenizer.decode(trained).strip() == "Four.<|im_end|>"
