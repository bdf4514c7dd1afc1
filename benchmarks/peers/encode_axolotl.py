"""The rows as Axolotl's own prompt strategy encodes them, with the settings that ``data export`` wrote.

.venv-axolotl/bin/python benchmarks/peers/encode_axolotl.py FOLDER
"""

import json
import sys
from pathlib import Path

import yaml
from axolotl.prompt_strategies.chat_template import load
from axolotl.utils.dict import DictDefault
from transformers import AutoTokenizer


def main(folder: Path) -> None:
    settings = DictDefault(yaml.safe_load((folder / "axolotl/sft.yaml").read_text()))
    rows = [json.loads(line) for line in (folder / "axolotl/train.jsonl").read_text().splitlines()]
    for name, template in (("axolotl tokenizer_default", "tokenizer_default"), ("axolotl qwen3", "qwen3")):
        settings.chat_template = template
        tokenizer = AutoTokenizer.from_pretrained(folder / "qwen3")
        strategy = load(tokenizer, settings, DictDefault(settings.datasets[0]))
        with (folder / f"{name}.jsonl").open("w") as out:
            for row in rows:
                found = strategy.tokenize_prompt({"messages": row["messages"]})
                trained = [place for place, label in enumerate(found["labels"]) if label != -100]
                print(json.dumps({"ids": list(found["input_ids"]), "trained": trained}), file=out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
