"""The tokens that Axolotl's loader and chat-template strategy make of an exported folder, and its labels.

python benchmarks/peers/axolotl_tokens.py FOLDER MODEL OUT [KEY=VALUE ...]

Reads FOLDER/train.yaml by Axolotl's own parser, as ``axolotl preprocess train.yaml`` does. KEY=VALUE is another
setting than the file's. Needs no ordebug.
"""

import json
import os
import sys
from pathlib import Path

import yaml


def main() -> None:
    folder, model, out = (Path(word).resolve() for word in sys.argv[1:4])
    os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", AXOLOTL_DO_NOT_TRACK="1", DO_NOT_TRACK="1")
    os.chdir(folder)
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets

    settings = {key: yaml.safe_load(value) for key, value in (word.split("=", 1) for word in sys.argv[4:])}
    settings |= {"base_model": str(model), "output_dir": f"{out}.out", "dataset_prepared_path": f"{out}.prepared"}
    settings |= {"shuffle_merged_datasets": False}  # so that rows can be compared one by one
    settings |= {"bf16": False, "optimizer": "adamw_torch", "gradient_checkpointing": False}  # of no matter for tokens
    dataset = load_datasets(cfg=load_cfg("train.yaml", **settings)).train_dataset
    with out.open("w") as file:
        for row in dataset:
            trained = [int(label != -100) for label in row["labels"]]
            print(json.dumps({"ids": list(row["input_ids"]), "trained": trained}), file=file)


if __name__ == "__main__":
    main()
