"""The same rows for every framework: four cases of an SFT file, a Qwen3 without skill, and ms-swift's own tokens.

python benchmarks/peers/cases.py FILE WORK

WORK/model holds Qwen3's real tokenizer and chat template and a tiny model; WORK/CASE/FRAMEWORK what
``ordebug data export`` writes; WORK/CASE/ms-swift.jsonl the tokens of each row and which of them are trained.
"""

import json
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ordebug.converters.export.folder import export_file
from ordebug.converters.export.frameworks import FRAMEWORKS
from ordebug.converters.messages import SFTRow, Turn, assistant_text, read_sft_rows
from ordebug.core.jsonl import write_rows
from ordebug.env.reply import split_think

ROWS = 200
LOSS_SCALE = {"thought": "last_round", "empty": "last_round", "bare": "last_round", "chat": "default"}
"""The recipes' setting for rows of one decision, and the one for conversations (docs/frameworks.md)."""


def cases(rows: list[SFTRow]) -> Iterator[tuple[str, list[SFTRow]]]:
    """Thoughts as they are; empty ones; answers without any tag; every two rows as one conversation."""
    answers = [split_think(row.assistant)[2].strip() for row in rows]
    yield "thought", rows
    yield "empty", [answered(row, assistant_text("", answer)) for row, answer in zip(rows, answers, strict=True)]
    yield "bare", [answered(row, answer) for row, answer in zip(rows, answers, strict=True)]
    following = [*rows[1:], rows[0]]
    yield (
        "chat",
        [
            row.model_copy(update={"messages": (*row.messages, *other.messages[1:])})
            for row, other in zip(rows, following, strict=True)
        ],
    )


def answered(row: SFTRow, answer: str) -> SFTRow:
    return row.model_copy(update={"messages": (*row.messages[:-1], Turn(role="assistant", content=answer))})


def build_model(folder: Path) -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from ordebug.swift_recipes.qwen_tokens import qwen_tokenizer, save_qwen_tokenizer

    save_qwen_tokenizer(folder)
    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "head_dim": 16}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "tie_word_embeddings": True}
    ends = {"eos_token_id": qwen_tokenizer().eos_token_id, "pad_token_id": qwen_tokenizer().pad_token_id}
    Qwen3ForCausalLM(Qwen3Config(vocab_size=151936, **shape, **heads, **ends)).save_pretrained(folder)


def swift_tokens(model: Path, data: Path, loss_scale: str, out: Path) -> None:
    """What ``swift sft`` trains on, by its own pipeline up to the trainer."""
    from swift.pipelines import SwiftSft

    words = f"""--model {model} --dataset {data} --loss_scale {loss_scale} --output_dir {out.parent / "swift"}
        --model_type qwen3 --template qwen3 --enable_thinking true --max_length 4096 --truncation_strategy delete
        --strict true --dataset_shuffle false --split_dataset_ratio 0 --tuner_type full --torch_dtype float32
        --fp16 false --bf16 false --use_cpu true --check_model false --add_version false"""
    encoded, _ = SwiftSft(words.split())._prepare_dataset()
    rows = (encoded[index] for index in range(len(encoded)))
    write_rows(
        out,
        ({"ids": list(row["input_ids"]), "trained": [int(label != -100) for label in row["labels"]]} for row in rows),
    )


def main() -> None:
    os.environ.update(USE_HF="1", HF_HUB_OFFLINE="1", DS_ACCELERATOR="cpu")
    source, work = Path(sys.argv[1]), Path(sys.argv[2])
    rows = list(islice(read_sft_rows(source), ROWS))
    build_model(work / "model")
    for name, made in cases(rows):
        data = work / name / "rows.jsonl"
        write_rows(data, (row.model_dump() for row in made))
        for framework in FRAMEWORKS:
            export_file(data, work / name / framework, framework)
        swift_tokens(work / "model", data, LOSS_SCALE[name], work / name / "ms-swift.jsonl")
    print(json.dumps({"rows": len(rows), "cases": list(LOSS_SCALE)}))


if __name__ == "__main__":
    main()
