"""The rows as LLaMA-Factory's own loader and template encode them, with the settings that ``data export`` wrote.

.venv-llamafactory/bin/python benchmarks/peers/encode_llamafactory.py FOLDER
"""

import json
import os
import sys
from pathlib import Path

import yaml
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments
from transformers import AutoTokenizer, Seq2SeqTrainingArguments

DATA_SETTINGS = ("dataset", "dataset_dir", "template", "enable_thinking", "cutoff_len")


def main(folder: Path) -> None:
    os.chdir(folder / "llamafactory")
    settings = yaml.safe_load(Path("sft.yaml").read_text())
    data = DataArguments(**{name: settings[name] for name in DATA_SETTINGS})
    data.dataset, data.cutoff_len = [data.dataset] if isinstance(data.dataset, str) else data.dataset, 8192
    tokenizer = AutoTokenizer.from_pretrained(folder / "qwen3")
    template = get_template_and_fix_tokenizer(tokenizer, data)
    training = Seq2SeqTrainingArguments("out", report_to=[], use_cpu=True, do_train=True)
    model = ModelArguments(model_name_or_path=str(folder / "qwen3"))
    found = get_dataset(template, model, data, training, stage="sft", tokenizer=tokenizer)
    with (folder / "llamafactory.jsonl").open("w") as out:
        for row in found["train_dataset"]:
            trained = [place for place, label in enumerate(row["labels"]) if label != -100]
            print(json.dumps({"ids": row["input_ids"], "trained": trained}), file=out)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
