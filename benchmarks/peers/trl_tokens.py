"""The tokens that TRL's SFTTrainer makes of an exported folder, and which of them its collator trains.

python benchmarks/peers/trl_tokens.py FOLDER MODEL OUT [KEY=VALUE ...]

Reads FOLDER/train.yaml by TRL's own parser, as ``trl sft --config train.yaml`` does. KEY=VALUE is another
setting than the file's. Needs no ordebug.
"""

import json
import os
import sys
from pathlib import Path

import yaml


def main() -> None:
    folder, model_folder, out = (Path(word).resolve() for word in sys.argv[1:4])
    os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="")
    os.chdir(folder)
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import ModelConfig, ScriptArguments, SFTConfig, SFTTrainer, TrlParser, get_dataset
    from trl.scripts.utils import DatasetMixtureConfig

    held = yaml.safe_load(Path("train.yaml").read_text())
    held |= {key: yaml.safe_load(value) for key, value in (word.split("=", 1) for word in sys.argv[4:])}
    accelerator = ("bf16", "gradient_checkpointing", "dtype", "use_peft", "warmup_steps")  # of no matter for tokens
    Path(out.with_suffix(".yaml")).write_text(yaml.safe_dump({k: v for k, v in held.items() if k not in accelerator}))
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    words = ["--config", str(out.with_suffix(".yaml")), "--use_cpu", "true", "--bf16", "false", "--output_dir", "/tmp"]
    _, args, _, mixture = parser.parse_args_and_config(args=words)
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(model_folder),
        args=args,
        train_dataset=get_dataset(mixture)["train"],
        processing_class=AutoTokenizer.from_pretrained(model_folder),
    )
    with out.open("w") as file:
        for row in trainer.train_dataset:
            batch = trainer.data_collator([row])
            trained = [int(label != -100) for label in batch["labels"][0].tolist()]
            print(json.dumps({"ids": batch["input_ids"][0].tolist(), "trained": trained}), file=file)


if __name__ == "__main__":
    main()
