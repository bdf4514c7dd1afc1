"""TRL's SFTTrainer: a prompt and its completion, so that only the answer is trained.

The other way, ``messages`` with ``assistant_only_loss``, swaps the chat template for TRL's own training template, which
serving does not use.
"""

from typing import Any

from ordebug.converters.export.peer import MODEL, ROWS, Peer
from ordebug.converters.messages import SFTRow

PROGRAM = f'''"""Full-parameter or LoRA SFT with TRL; keeps <think>, trains the answer alone."""

from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

rows = load_dataset("json", data_files="{ROWS}", split="train").select_columns(["prompt", "completion"])
settings = SFTConfig(
    output_dir="out",
    max_length=4096,  # TRL's default of 1,024 would cut the action off, without a word
    completion_only_loss=True,
    bf16=True,
    learning_rate=1e-4,
    lr_scheduler_type="cosine",
    warmup_ratio=0.05,
    num_train_epochs=3,
    per_device_train_batch_size=4,
    gradient_accumulation_steps=4,
    seed=42,
)
lora = LoraConfig(r=32, lora_alpha=64, lora_dropout=0.05, target_modules="all-linear", task_type="CAUSAL_LM")
SFTTrainer("{MODEL}", args=settings, train_dataset=rows, peft_config=lora).train()
'''


def as_completion(row: SFTRow) -> dict[str, Any]:
    """``prompt`` and ``completion``, each a list of turns."""
    turns = [turn.model_dump() for turn in row.messages]
    return {"prompt": turns[:-1], "completion": turns[-1:], "problem_id": row.problem_id, "step": row.step}


TRL = Peer("1.16.0", as_completion, {"train.py": PROGRAM}, "accelerate launch --num_processes 2 train.py")
