"""The rows as TRL's SFTTrainer tokenizes them, both of its ways.

.venv-trl/bin/python benchmarks/peers/encode_trl.py FOLDER
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM
from trl import SFTConfig, SFTTrainer


def main(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "trl/train.jsonl").read_text().splitlines()]
    pairs = [{"prompt": row["prompt"], "completion": row["completion"]} for row in rows]
    write(folder / "trl prompt+completion.jsonl", encoded(folder, pairs, completion_only_loss=True))
    whole = [{"messages": row["prompt"] + row["completion"]} for row in rows]
    write(folder / "trl assistant_only_loss.jsonl", encoded(folder, whole, assistant_only_loss=True))


def encoded(folder: Path, rows: list[dict[str, Any]], **settings: Any) -> list[dict[str, list[int]]]:
    """What the collator of a trainer gives to the model, row by row."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "qwen3")
    small = Qwen3Config(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                        num_attention_heads=1, num_key_value_heads=1, head_dim=16)  # fmt: skip
    with TemporaryDirectory() as out:
        arguments = SFTConfig(out, max_length=8192, report_to=[], use_cpu=True, bf16=False, **settings)
        trainer = SFTTrainer(
            Qwen3ForCausalLM(small), args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
        )
        batches = [trainer.data_collator([row]) for row in trainer.train_dataset]
    return [
        {
            "ids": batch["input_ids"][0].tolist(),
            "trained": [place for place, label in enumerate(batch["labels"][0].tolist()) if label != -100],
        }
        for batch in batches
    ]


def write(path: Path, rows: list[dict[str, list[int]]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
