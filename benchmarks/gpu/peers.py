"""A recipe's training with plain Transformers or plain TRL, as their users write it. Started by torchrun.

The same model, rows, precision, adapters, batches, checkpointing and DeepSpeed settings as ``swift sft`` takes from the
recipe; one decision a row, the prompt not trained.
"""

import argparse
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from meter import Meter
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    DataCollatorForSeq2Seq,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)

from ordebug.swift_recipes.catalogue import find_recipe

Messages = list[dict[str, str]]
COPIED = (
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "gradient_checkpointing",
    "learning_rate",
    "lr_scheduler_type",
    "weight_decay",
    "max_grad_norm",
    "seed",
    "data_seed",
    "dataloader_num_workers",
)


def main() -> None:
    given = parsed()
    values = {**find_recipe(given.recipe).values, **json.loads(given.values)}
    messages = [json.loads(line)["messages"] for line in given.data.read_text(encoding="utf-8").splitlines()]
    tokenizer = AutoTokenizer.from_pretrained(given.model)
    settings = arguments(given, values)
    trainer = {"trl": trl, "transformers": transformers}[given.framework]
    trainer(settings, values, given.model, tokenizer, messages).train()


def transformers(settings: dict[str, Any], values: dict[str, Any], path: str, tokenizer: Any, rows: Any) -> Trainer:
    args = TrainingArguments(**settings)  # before the model: ZeRO-3 must know of it when weights are loaded
    model = load(path, values)
    if adapters(values):
        if values.get("quant_method"):
            model = prepare_model_for_kbit_training(model, values["gradient_checkpointing"])
        model.enable_input_require_grads()
        model = get_peft_model(model, adapters(values), autocast_adapter_dtype=False)
    return Trainer(
        model,
        args,
        train_dataset=Dataset.from_list([encoded(tokenizer, row, int(values["max_length"])) for row in rows]),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        callbacks=[Meter()],
    )


def trl(settings: dict[str, Any], values: dict[str, Any], path: str, tokenizer: Any, rows: Any) -> Trainer:
    from trl import SFTConfig, SFTTrainer

    args = SFTConfig(**settings, completion_only_loss=True, max_length=values["max_length"])
    return SFTTrainer(
        load(path, values),
        args,
        train_dataset=Dataset.from_list([{"prompt": row[:-1], "completion": row[-1:]} for row in rows]),
        processing_class=tokenizer,
        peft_config=adapters(values),
        callbacks=[Meter()],
    )


def encoded(tokenizer: PreTrainedTokenizerBase, row: Messages, limit: int) -> dict[str, list[int]]:
    """Token ids of a row, and its labels."""
    prompt = tokenizer.apply_chat_template(row[:-1], tokenize=False, add_generation_prompt=True)
    whole = prompt + row[-1]["content"] + "<|im_end|>\n"
    start, ids = len(tokenizer(prompt)["input_ids"]), tokenizer(whole)["input_ids"][:limit]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [-100] * start + ids[start:]}


def load(path: str, values: dict[str, Any]) -> Any:
    kind = getattr(torch, values["torch_dtype"])
    quantized = None
    if values.get("quant_method") == "bnb":
        quantized = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=values["bnb_4bit_quant_type"],
            bnb_4bit_use_double_quant=values["bnb_4bit_use_double_quant"],
            bnb_4bit_compute_dtype=kind,
        )
    return AutoModelForCausalLM.from_pretrained(
        path, dtype=kind, attn_implementation=values["attn_impl"], quantization_config=quantized
    )


def adapters(values: dict[str, Any]) -> LoraConfig | None:
    if values["tuner_type"] != "lora":
        return None
    return LoraConfig(
        r=values["lora_rank"],
        lora_alpha=values["lora_alpha"],
        lora_dropout=values["lora_dropout"],
        target_modules=values["target_modules"],
        task_type="CAUSAL_LM",
    )


def arguments(given: argparse.Namespace, values: dict[str, Any]) -> dict[str, Any]:
    """Of ``TrainingArguments`` and TRL's alike."""
    found = find_spec("swift")  # its DeepSpeed settings, so that ZeRO is the same; swift itself is not imported
    presets = Path(found.origin or "").parent / "config" if found else Path()
    return {
        **{key: values[key] for key in COPIED},
        "adam_beta2": 0.95,  # ms-swift's default
        "bf16": values["torch_dtype"] == "bfloat16",
        "gradient_checkpointing_kwargs": {"use_reentrant": True},  # as ms-swift with one model to train
        "deepspeed": str(presets / f"{values['deepspeed']}.json"),
        "max_steps": given.steps,
        "output_dir": str(given.out),
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "use_cpu": given.cpu,
        "ddp_backend": "gloo" if given.cpu else None,
    }


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("framework", choices=("transformers", "trl"))
    parser.add_argument("recipe")
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--steps", required=True, type=int)
    parser.add_argument("--values", default="{}", help="JSON over the recipe's values")
    parser.add_argument("--cpu", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
