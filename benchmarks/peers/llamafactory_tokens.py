"""The tokens that LLaMA-Factory's loader, template and processor make of an exported folder, and its labels.

python benchmarks/peers/llamafactory_tokens.py FOLDER MODEL OUT [KEY=VALUE ...]

Reads FOLDER/train.yaml by LLaMA-Factory's own parser, as ``llamafactory-cli train train.yaml`` does. KEY=VALUE
is another setting than the file's. Needs no ordebug.
"""

import json
import os
import sys
from pathlib import Path

import yaml


def main() -> None:
    folder, model, out = (Path(word).resolve() for word in sys.argv[1:4])
    os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", DISABLE_VERSION_CHECK="1")
    os.chdir(folder)
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    settings = yaml.safe_load(Path("train.yaml").read_text())
    settings |= {key: yaml.safe_load(value) for key, value in (word.split("=", 1) for word in sys.argv[4:])}
    settings |= {"model_name_or_path": str(model), "output_dir": f"{out}.out", "overwrite_cache": True}
    settings |= {"bf16": False, "use_cpu": True}  # of no matter for tokens
    model_args, data_args, training_args, _, _ = get_train_args(settings)
    tokenizer_module = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(tokenizer_module["tokenizer"], data_args)
    dataset = get_dataset(template, model_args, data_args, training_args, stage="sft", **tokenizer_module)
    with out.open("w") as file:
        for row in dataset["train_dataset"]:
            trained = [int(label != -100) for label in row["labels"]]
            print(json.dumps({"ids": row["input_ids"], "trained": trained}), file=file)


if __name__ == "__main__":
    main()
