"""Every training recipe takes two real steps on a small model, with only model, size and device overridden.

Not QLoRA: bitsandbytes is not in the CPU set. ZeRO-3 runs as ZeRO-2: on CPUs it wants its own process group.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from ordebug.converters.messages import assistant_text
from ordebug.swift_recipes.catalogue import FOLDER

ANSWER = assistant_text("(1) labor: at most, written >=, wrong", "Action: DROP_CONSTRAINT(labor)")
TURNS = [
    {"role": "system", "content": "Repair."},
    {"role": "user", "content": "labor: at most 40"},
    {"role": "assistant", "content": ANSWER},
]
OVERRIDDEN = (
    "--check_model false --use_cpu true --ddp_backend gloo --deepspeed zero2 --max_steps 2 "
    "--gradient_accumulation_steps 1 --dataloader_num_workers 0 --dataset_num_proc 1 --add_version false"
)
ENVIRONMENT = {
    "USE_HF": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "DS_ACCELERATOR": "cpu",
    "NPROC_PER_NODE": "1",
}


@pytest.fixture(scope="module")
def folder(ms_swift: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows, and a small model of either family."""
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    from ordebug.swift_recipes.tiny import build

    folder = tmp_path_factory.mktemp("two")
    (folder / "rows.jsonl").write_text((json.dumps({"messages": TURNS}) + "\n") * 8)
    build(folder / "rows.jsonl", folder / "qwen3")
    tokenizer = AutoTokenizer.from_pretrained(folder / "qwen3")
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **shape, **heads)).save_pretrained(folder / "qwen2")
    tokenizer.save_pretrained(folder / "qwen2")
    return folder


def swift(*words: object) -> None:
    command = ["swift", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("qwen3_8b_lora", "qwen3"),
        ("qwen3_8b_full", "qwen3"),
        ("qwen3_8b_base_lora", "qwen3"),
        ("qwen3_8b_chat_lora", "qwen3"),
        ("qwen3_4b_thinking_lora", "qwen3"),
        ("qwen2_5_7b_lora", "qwen2"),
    ],
)
def test_two_steps_and_a_merge(folder: Path, tmp_path: Path, name: str, model: str) -> None:
    rows, out = folder / "rows.jsonl", tmp_path / "out"
    files = ["--model", folder / model, "--dataset", rows, "--val_dataset", rows, "--output_dir", out]
    swift("sft", FOLDER / "sft" / f"{name}.yaml", *files, *OVERRIDDEN.split())
    logged = [json.loads(line) for line in (out / "logging.jsonl").read_text().splitlines()]
    assert any("eval_loss" in row for row in logged)
    checkpoint = out / "checkpoint-2"
    assert (checkpoint / "adapter_config.json").is_file() == name.endswith("lora")
    if name == "qwen3_8b_base_lora":
        swift("export", FOLDER / "export" / "merge_lora.yaml", "--model", folder / model, "--adapters", checkpoint)
        assert (out / "checkpoint-2-merged" / "model.safetensors").is_file()
