"""Every training recipe takes two real steps on a small model, with only model, size and device overridden.

Full training on two processes with ZeRO-3; the others on one with ZeRO-2, and LoRA on two in ``test_reruns.py``.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

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
    "--check_model false --use_cpu true --ddp_backend gloo --max_steps 2 "
    "--gradient_accumulation_steps 1 --dataloader_num_workers 0 --dataset_num_proc 1 --add_version false"
)
ENVIRONMENT = {
    "USE_HF": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "DS_ACCELERATOR": "cpu",
}
MERGE = Path(__file__).resolve().parent.parent.parent / "shell" / "merge.sh"
GLOO_GROUP = Path(__file__).resolve().parent.parent / "e2e" / "plugins" / "gloo_group.py"


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


def swift(*words: object, processes: int = 1) -> None:
    command = ["swift", *(str(word) for word in words)]
    env = {**os.environ, **ENVIRONMENT, "NPROC_PER_NODE": str(processes)}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def two_steps(name: str, folder: Path, model: str, out: Path, *more: object, processes: int = 1) -> Path:
    """Trains, and returns the checkpoint."""
    rows = folder / "rows.jsonl"
    files = ["--model", folder / model, "--dataset", rows, "--val_dataset", rows, "--output_dir", out]
    swift("sft", FOLDER / "sft" / f"{name}.yaml", *files, *OVERRIDDEN.split(), *more, processes=processes)
    logged = [json.loads(line) for line in (out / "logging.jsonl").read_text().splitlines()]
    assert any("eval_loss" in row for row in logged)
    return out / "checkpoint-2"


def merge(checkpoint: Path) -> dict[str, Any]:
    """The weights of the merged model."""
    from safetensors.torch import load_file

    merged = checkpoint.with_name("merged")
    command = ["bash", str(MERGE), str(checkpoint), str(merged)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return dict(load_file(merged / "model.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("qwen3_8b_base_lora", "qwen3"),
        ("qwen3_8b_chat_lora", "qwen3"),
        ("qwen3_4b_thinking_lora", "qwen3"),
        ("qwen2_5_7b_lora", "qwen2"),
    ],
)
def test_two_steps_of_lora(folder: Path, tmp_path: Path, name: str, model: str) -> None:
    checkpoint = two_steps(name, folder, model, tmp_path / "out")
    assert (checkpoint / "adapter_config.json").is_file()
    if name == "qwen3_8b_base_lora":
        assert merge(checkpoint)


@pytest.mark.slow
def test_two_steps_of_full_training_on_two_processes_with_zero3(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    plugin = ["--external_plugins", GLOO_GROUP]
    checkpoint = two_steps("qwen3_8b_full", folder, "qwen3", tmp_path / "out", *plugin, processes=2)
    before, after = load_file(folder / "qwen3" / "model.safetensors"), load_file(checkpoint / "model.safetensors")
    assert {name: value.shape for name, value in after.items()} == {name: value.shape for name, value in before.items()}
    assert any((after[name].float() - before[name].float()).abs().max() > 0 for name in after)
    arguments = json.loads((tmp_path / "out" / "args.json").read_text())
    assert arguments["deepspeed"]["zero_optimization"]["stage"] == 3 and arguments["global_world_size"] == 2


@pytest.mark.slow
def test_two_steps_of_qlora_and_a_merge_into_16_bits(folder: Path, tmp_path: Path) -> None:
    import torch

    checkpoint = two_steps("qwen3_8b_qlora", folder, "qwen3", tmp_path / "out")
    merged = merge(checkpoint)
    assert {value.dtype for value in merged.values()} == {torch.bfloat16}
    assert not [name for name in merged if "quant" in name or "absmax" in name]
