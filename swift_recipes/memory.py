"""What a GPU must hold while a recipe trains, by part, in bytes."""

from dataclasses import dataclass
from typing import Any

from ordebug.core.errors import UsageError
from ordebug.swift_recipes.architecture import Architecture

GIB = 2**30
OVERHEAD = 2 * GIB
"""Assumed: the CUDA context, NCCL's and cuBLAS's buffers, DeepSpeed's buckets of 0.4 GB."""

LIVE_PARAMETERS = 1e9
"""ZeRO-3 gathers at most so many weights at once (``stage3_max_live_parameters`` of ms-swift's ``zero3.json``)."""

NF4_BITS = {True: 4.127, False: 4.5}
"""Bits a weight with and without double quantization: one constant for 64 weights (Dettmers et al. 2023, QLoRA)."""


@dataclass(frozen=True)
class Tuning:
    """What is trained, and how it is spread over the GPUs.

    Attributes:
        trained: Weights that are trained.
        copied: Of those, copies of whole modules (PEFT's ``modules_to_save``) or adapters, beside the frozen weights.
        lora: Whether adapters are trained.
        bits: Bits of a frozen weight of the linear maps.
        width: Bytes of a weight.
        zero: DeepSpeed's stage, 0 without.
        offload: Whether the optimizer's states, and ZeRO-3's weights, lie in the machine's memory.
        dropout: Whether adapters see a copy of their input with dropout.
    """

    trained: int
    copied: int
    lora: bool
    bits: float
    width: int
    zero: int
    offload: bool
    dropout: bool


def tuning(values: dict[str, Any], model: Architecture) -> Tuning:
    """What a recipe's values say of a model.

    Raises:
        UsageError: If the tuner is neither ``lora`` nor ``full``.
    """
    tuner = values.get("tuner_type", "lora")
    if tuner not in ("lora", "full"):
        raise UsageError(f"tuner_type {tuner} cannot be planned.", "Plan recipes of tuner_type lora or full.")
    width = 4 if values.get("torch_dtype") == "float32" else 2
    bits = 8.0 * width
    if values.get("quant_method") == "bnb":
        bits = NF4_BITS[values.get("bnb_4bit_use_double_quant", True)] if values.get("quant_bits") == 4 else 8.0
    adapters = 0
    if tuner == "lora":
        targets = _names(values.get("target_modules", "all-linear"))
        whole = [name for name in _names(values.get("modules_to_save", [])) if name in ("embed_tokens", "lm_head")]
        adapters = model.lora_parameters(int(values.get("lora_rank", 8)), targets) + model.embedding * len(whole)
    preset = str(values.get("deepspeed", "zero0"))
    return Tuning(
        trained=adapters or model.parameters,
        copied=adapters,
        lora=tuner == "lora",
        bits=bits,
        width=width,
        zero=int(preset[4]) if preset[:4] == "zero" and preset[4:5].isdigit() else 0,
        offload=preset.endswith("_offload"),
        dropout=bool(values.get("lora_dropout", 0.05)),
    )


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else str(value).split()


def states(model: Architecture, how: Tuning, gpus: int) -> dict[str, float]:
    """Weights, gradients and the optimizer's states, on one of the GPUs.

    Mixed precision with Adam: 2 bytes a weight, 2 a gradient, 12 for the 32-bit weight and both moments; ZeRO-1 divides
    the last among the GPUs, ZeRO-2 the gradients too, ZeRO-3 the weights too (Rajbhandari et al. 2020, ZeRO, sections
    3.1 and 5).
    """
    frozen = model.linear_parameters * how.bits / 8 + (model.parameters - model.linear_parameters) * how.width
    shares = [gpus if how.zero >= stage else 1 for stage in (1, 2, 3)]
    optimizer = how.trained * (12 if how.width == 2 else 8) / shares[0]
    held = 0 if how.offload and how.zero == 3 else 1 / shares[2]
    found = {
        "weights": frozen * held,
        "adapters and copies": how.copied * how.width * held,
        "gradients": how.trained * how.width / shares[1],
        "optimizer": 0.0 if how.offload else optimizer,
    }
    if how.zero == 3:
        found["gathered weights"] = min(LIVE_PARAMETERS, model.parameters) * how.width
    return {name: size for name, size in found.items() if size}


def activations(model: Architecture, how: Tuning, tokens: int, checkpointing: bool) -> float:
    """What the backward pass needs of the forward pass for a batch of so many tokens.

    With checkpointing each layer keeps its input, 2 bytes x tokens x width, and one layer at a time is computed again
    (Chen et al. 2016; Korthikanti et al. 2022, section 5). That layer's intermediates are counted once each and doubled
    for their gradients: norms (32-bit inside), queries, keys and values (as made, normalised, rotated), attention's
    output, the MLP's four, and for LoRA the inputs with dropout and their masks. Attention's own scores are not stored
    (SDPA's flash kernel).
    """
    query, key = model.heads * model.head_dim, model.kv_heads * model.head_dim
    layer = 2 * model.hidden * (4 + how.width)
    layer += how.width * (3 * (query + 2 * key) + query + 2 * model.hidden + 4 * model.intermediate)
    if how.lora and how.dropout:
        layer += (how.width + 1) * sum(inputs for inputs, _ in model.linears.values())
    if checkpointing:
        return tokens * (model.layers * model.hidden * how.width + 2 * layer)
    return tokens * (model.layers * layer + layer)


def logits(model: Architecture, how: Tuning, positions: int) -> float:
    """The output layer's part: for each position and word the logit, its 32-bit copy, log-probability and gradient.

    Transformers' ``ForCausalLMLoss`` and ms-swift's ``per_token_loss_func`` make the 32-bit copy.
    """
    return positions * model.vocabulary * (how.width + 3 * 4)
