"""Rows, their exports, Qwen3's tokenizer with its real ranks, and how ms-swift encodes them.

python benchmarks/peers/prepare.py FOLDER [ROWS]
"""

import json
import subprocess
import sys
from pathlib import Path

from swift import get_processor, get_template

from ordebug.converters.messages import read_sft_rows
from ordebug.swift_recipes.qwen_tokens import save_qwen_tokenizer

CONFIG = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "vocab_size": 151936, "hidden_size": 64}
FRAMEWORKS = ("trl", "llamafactory", "axolotl", "unsloth")


def main(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    make_rows(folder, count)
    for name in FRAMEWORKS:
        run("data", "export", folder / "rows.jsonl", "--to", name, "--out", folder / name)
    tokenizer = folder / "qwen3"
    tokenizer.mkdir(exist_ok=True)
    save_qwen_tokenizer(tokenizer)
    (tokenizer / "config.json").write_text(json.dumps(CONFIG))
    encode(folder)


def make_rows(folder: Path, count: int) -> None:
    """Oracle rows of all error types, a few of them without a thought."""
    problems, played = folder / "problems", folder / "oracle"
    if not problems.exists():
        run("problems", "generate", "--out", problems, "--count", count, "--types", "A-I", "--seed", 11)
    run("rollout", "--policy", "oracle", "--alone", "--problems", problems, "--out", played, "--actions", "extended")
    run("sft-data", played, "--out", folder / "all.jsonl")
    rows = [row.model_dump() for row in read_sft_rows(folder / "all.jsonl")][:count]
    for row in rows[:10]:
        row["messages"][2]["content"] = (
            "<think>\n\n</think>\n\n" + row["messages"][2]["content"].split("</think>\n\n")[1]
        )
    (folder / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def encode(folder: Path) -> None:
    """ms-swift as ``swift sft`` with our recipe encodes: the hybrid template ignores an empty thought."""
    processor = get_processor(str(folder / "qwen3"), model_type="qwen3")
    template = get_template(processor, template_type="qwen3", loss_scale="last_round+ignore_empty_think")
    template.set_mode("train")
    with (folder / "ms-swift.jsonl").open("w") as out:
        for row in read_sft_rows(folder / "rows.jsonl"):
            found = template.encode({"messages": [turn.model_dump() for turn in row.messages]})
            trained = [place for place, label in enumerate(found["labels"]) if label != -100]
            print(json.dumps({"ids": list(found["input_ids"]), "trained": trained}), file=out)


def run(*arguments: object) -> None:
    subprocess.run(["ordebug", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
