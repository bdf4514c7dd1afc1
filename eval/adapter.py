"""LoRA adapters that hold whole layers, such as an output layer: vLLM does not take them as they are."""

from pathlib import Path
from typing import Any

from ordebug.core.errors import UsageError
from ordebug.core.jsonl import read_json

ADAPTER = "adapter_config.json"
MERGED = "-merged"
"""Behind a checkpoint's name: where ``shell/merge.sh`` is told to write the merged model."""


def as_vllm_takes_it(checkpoint: str) -> str:
    """The checkpoint, or where its adapter holds whole layers the model that it was merged into, if it was."""
    merged = checkpoint.rstrip("/") + MERGED
    return merged if _whole_layers(checkpoint) and Path(merged).is_dir() else checkpoint


def check_vllm_takes(checkpoint: str) -> None:
    """Refuses an adapter that vLLM would refuse once it has loaded the model.

    Raises:
        UsageError: If it holds whole layers.
    """
    layers = _whole_layers(checkpoint)
    if layers:
        merged = as_vllm_takes_it(checkpoint)
        raise UsageError(
            f"vLLM does not serve {checkpoint}: the adapter holds whole layers ({', '.join(layers)}).",
            f"Give the merged model, {merged}"
            if merged != checkpoint
            else f"Merge it first: bash shell/merge.sh {checkpoint} {checkpoint.rstrip('/')}{MERGED}",
        )


def base_model(checkpoint: str) -> str | None:
    """The model that an adapter belongs to; None where the checkpoint is no adapter."""
    return _config(checkpoint).get("base_model_name_or_path")


def _whole_layers(checkpoint: str) -> list[str]:
    return _config(checkpoint).get("modules_to_save") or []


def _config(checkpoint: str) -> dict[str, Any]:
    file = Path(checkpoint) / ADAPTER
    return read_json(file, "an adapter") if file.is_file() else {}
