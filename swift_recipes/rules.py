"""Rules that every recipe keeps beside ms-swift's: what it would accept in silence and we would regret."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from ordebug.swift_recipes.catalogue import Recipe
from ordebug.swift_recipes.spelling import misspelt_variables

GENERATES = ("infer", "deploy", "rollout", "rlhf")
LAUNCHED = ("sft", "infer", "rlhf")
"""Commands that NPROC_PER_NODE starts several processes of (ms-swift 4.6.0, ``swift/cli/main.py``)."""
FLASH = ("flash_attn", "flash_attention_2", "flash_attention_3", "flash_attention_4")
"""Without which ms-swift 4.6.0 packs no rows (``swift/arguments/sft_args.py``, ``_check_padding_free``)."""

LORA = ("lora_rank", "lora_alpha", "lora_dropout", "target_modules", "modules_to_save", "use_rslora", "use_dora")
SAMPLING = ("max_new_tokens", "temperature", "top_p", "top_k")


def rule_problems(recipe: Recipe, thinks: bool) -> Iterator[str]:
    """What breaks our rules.

    Args:
        recipe: The recipe.
        thinks: Whether its template is one for thinking.
    """
    yield from _always(recipe)
    if recipe.kind in GENERATES:
        yield from _generating(recipe, thinks)
    if recipe.kind in ("sft", "rlhf"):
        yield from _training(recipe)
    if recipe.kind == "rlhf":
        yield from _grouping(recipe)
    if recipe.kind == "export":
        yield from _exporting(recipe)
    if recipe.kind in ("infer", "deploy", "rollout"):
        yield from _serving(recipe)
    yield from _ignored(recipe)
    yield from misspelt_variables(recipe.env)


def _always(recipe: Recipe) -> Iterator[str]:
    values = recipe.values
    if not isinstance(values.get("seed"), int) or isinstance(values.get("seed"), bool):
        yield "seed: must be set, so that the run can be repeated."
    for key in ("model_type", "template"):
        if key not in values:
            yield f"{key}: must be set: a local folder is not recognised by its name."


def _generating(recipe: Recipe, thinks: bool) -> Iterator[str]:
    values = recipe.values
    if thinks and values.get("enable_thinking") is not True:
        yield "enable_thinking: must be true: hybrid templates put an empty thought into the prompt otherwise."
    limit = {"infer": "max_new_tokens", "deploy": "max_new_tokens", "rlhf": "max_completion_length"}.get(recipe.kind)
    if limit and not _positive(values.get(limit)):
        yield f"{limit}: must be a number: without a limit a bad reply never ends."
    if recipe.kind != "rlhf":
        yield from _lengths(values, ("delete", "raise"))


def _training(recipe: Recipe) -> Iterator[str]:
    values = recipe.values
    if "data_seed" not in values:
        yield "data_seed: must be set: it orders the rows."
    if values.get("strict") is not True:
        yield "strict: must be true: a row that cannot be read is left out in silence otherwise."
    if recipe.kind == "sft" and "loss_scale" not in values:
        yield "loss_scale: must be set: which turns are trained is no matter of defaults."
    grouped = values.get("rlhf_type") == "grpo"  # which refuses raise
    yield from _lengths(values, ("delete",) if grouped else ("delete", "raise"))
    for key in ("packing", "padding_free"):
        if values.get(key) is True and values.get("attn_impl") not in FLASH:
            yield f"{key}: swift refuses it unless attn_impl is one of {', '.join(FLASH)}."
    if _number(values.get("warmup_ratio")) and _number(values.get("warmup_steps")):
        yield "warmup_ratio: swift refuses it beside warmup_steps."


def _grouping(recipe: Recipe) -> Iterator[str]:
    """What ms-swift would refuse only once the model is loaded, and how rewards are weighted."""
    values = recipe.values
    names, weights = values.get("reward_funcs"), values.get("reward_weights")
    if isinstance(names, list) and isinstance(weights, list):
        gym = values.get("use_vllm") is True and "gym_env" in values and values.get("use_gym_env") is not False
        if len(weights) != len(names) + gym:
            told = " and one for gym_reward" if gym else ""
            yield f"reward_weights: there must be one a reward function ({len(names)}){told}."
    sizes = [values.get("per_device_train_batch_size", 1), recipe.env.get("NPROC_PER_NODE", 1)]
    steps, group, batch = (
        values.get(key, usual)
        for key, usual in (("gradient_accumulation_steps", 1), ("num_generations", 8), ("generation_batch_size", None))
    )
    if not all(_positive(number) for number in (*sizes, steps, group, batch or 1)):
        return
    at_once = math.prod(sizes)
    generated = batch or at_once * steps
    if generated % group or generated % at_once:
        yield (
            f"generation_batch_size: {generated} replies are generated at once; they must be whole groups of {group} "
            f"and whole batches of {at_once}."
        )


def _exporting(recipe: Recipe) -> Iterator[str]:
    values = recipe.values
    if values.get("merge_lora") is True and values.get("load_args") is not False:
        yield "load_args: must be false: a QLoRA checkpoint's arguments would quantise the merged model again."


def _serving(recipe: Recipe) -> Iterator[str]:
    if recipe.values.get("load_args") is not False:
        yield "load_args: must be false: training arguments (4 bits, a system prompt, ...) are not for inference."


def _lengths(values: dict[str, Any], strategies: tuple[str, ...]) -> Iterator[str]:
    if not _positive(values.get("max_length")):
        yield "max_length: must be a number: it is the model's, 40,960 for Qwen3, otherwise."
    if values.get("truncation_strategy") not in strategies:
        yield f"truncation_strategy: must be {' or '.join(strategies)}: a cut prompt or answer teaches a cut answer."


WITHOUT_WARMUP = ("constant", "reduce_lr_on_plateau", "greedy")
"""Schedules that Transformers 5.19 makes without a warm-up, whatever it is told (``get_scheduler``)."""


Condition = Callable[[Recipe], bool]

IGNORED: tuple[tuple[str, tuple[str, ...], Condition], ...] = (
    ("with tuner_type full", LORA, lambda r: r.kind in ("sft", "rlhf") and r.values.get("tuner_type") == "full"),
    (
        "without vLLM",
        ("sleep_level", "use_gym_env"),
        lambda r: r.kind == "rlhf" and r.values.get("use_vllm") is not True,
    ),
    ("without quant_method", ("quant_bits",), lambda r: "quant_method" not in r.values),
    ("in training", ("enable_thinking", "response_prefix", *SAMPLING), lambda r: r.kind == "sft"),
    ("in merging", ("enable_thinking", "response_prefix", "max_length", *SAMPLING), lambda r: r.kind == "export"),
    ("with eval_strategy no", ("eval_steps", "per_device_eval_batch_size"), lambda r: _is(r, "eval_strategy", "no")),
    ("with eval_strategy epoch", ("eval_steps",), lambda r: _is(r, "eval_strategy", "epoch")),
    ("with save_strategy epoch", ("save_steps",), lambda r: _is(r, "save_strategy", "epoch")),
    ("with max_steps", ("num_train_epochs",), lambda r: _positive(r.values.get("max_steps"))),
    (
        "by this lr_scheduler_type",
        ("warmup_ratio", "warmup_steps"),
        lambda r: r.values.get("lr_scheduler_type") in WITHOUT_WARMUP,
    ),
    ("without packing", ("packing_length", "packing_strategy"), lambda r: r.values.get("packing") is not True),
    ("with vLLM", ("max_batch_size", "attn_impl"), lambda r: r.values.get("infer_backend") == "vllm"),
    ("by the rollout server", SAMPLING, lambda r: r.kind == "rollout"),
    ("where max_completion_length counts", ("max_new_tokens",), lambda r: r.kind == "rlhf"),
)
"""When swift reads an argument and never looks at it."""


def _ignored(recipe: Recipe) -> Iterator[str]:
    for when, keys, holds in IGNORED:
        for key in keys:
            if key in recipe.values and holds(recipe):
                yield f"{key}: is ignored {when}; leave it out."
    for key in recipe.values:
        if _loose(recipe, key):
            yield f"{key}: is ignored without {_loose(recipe, key)}; leave it out."
    if "NPROC_PER_NODE" in recipe.env and recipe.kind not in LAUNCHED:
        yield f"ENV NPROC_PER_NODE: swift {recipe.kind} is always one process; leave it out."


def _loose(recipe: Recipe, key: str) -> str:
    if key.startswith("vllm_") and recipe.kind in ("infer", "deploy") and recipe.values.get("infer_backend") != "vllm":
        return "infer_backend vllm"
    if key.startswith("vllm_") and recipe.kind == "rlhf" and recipe.values.get("use_vllm") is not True:
        return "use_vllm true"
    if key == "max_resample_times" and recipe.values.get("dynamic_sample") is not True:
        return "dynamic_sample true"
    if key.startswith("bnb_4bit_") and recipe.values.get("quant_method") != "bnb":
        return "quant_method bnb"
    return ""


def _is(recipe: Recipe, key: str, value: str) -> bool:
    found = recipe.values.get(key)
    return found == value or (value == "no" and found is False)  # YAML reads a bare no as false


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and bool(value)
