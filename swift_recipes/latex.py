"""The hyper-parameters of a recipe, or of a run that was started, as a LaTeX table (booktabs)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_json
from ordebug.core.manifest import MANIFEST
from ordebug.swift_recipes.catalogue import Recipe, as_words

TERMS = {
    "model": "Model",
    "rlhf_type": "Algorithm",
    "template": "Chat template",
    "tuner_type": "Tuning",
    "lora_rank": "LoRA rank $r$",
    "lora_alpha": r"LoRA $\alpha$",
    "lora_dropout": "LoRA dropout",
    "target_modules": "LoRA target modules",
    "modules_to_save": "Modules trained whole",
    "quant_bits": "Bits of frozen weights",
    "bnb_4bit_quant_type": "Type of frozen weights",
    "torch_dtype": "Precision",
    "deepspeed": "DeepSpeed",
    "max_length": "Maximum length (tokens)",
    "loss_scale": "Trained turns",
    "preserve_thinking": "Thoughts of earlier turns kept",
    "enable_thinking": "Thinking",
    "response_prefix": "Replies begin with",
    "reward_funcs": "Rewards",
    "reward_weights": "Weights of rewards",
    "scale_rewards": "Rewards scaled by",
    "advantage_estimator": "Advantages",
    "loss_type": "Loss",
    "importance_sampling_level": "Importance weights of each",
    "beta": r"KL coefficient $\beta$",
    "epsilon": r"Clipping $\epsilon$",
    "epsilon_high": r"Upper clipping $\epsilon_\mathrm{high}$",
    "dynamic_sample": "Groups of equal rewards drawn again",
    "max_resample_times": "Drawn again at most (times)",
    "overlong_filter": "Cut-off replies left out",
    "num_generations": "Replies to a prompt",
    "generation_batch_size": "Replies generated at once",
    "num_iterations": "Passes over generated replies",
    "max_completion_length": "Reply at most (tokens)",
    "completion_length_limit_scope": "Limit of replies holds",
    "max_turns": "Decisions of an episode at most",
    "learning_rate": "Learning rate",
    "optim": "Optimizer",
    "lr_scheduler_type": "Schedule",
    "lr_scheduler_kwargs": "Settings of the schedule",
    "warmup_ratio": "Warm-up (share of steps)",
    "warmup_steps": "Warm-up (steps)",
    "num_train_epochs": "Epochs",
    "max_steps": "Steps",
    "weight_decay": "Weight decay",
    "adam_beta2": r"Adam $\beta_2$",
    "max_grad_norm": "Gradient clipping (norm)",
    "max_new_tokens": "New tokens at most",
    "temperature": "Temperature",
    "top_p": "Top-$p$",
    "top_k": "Top-$k$",
    "seed": "Seed",
}
"""What a paper's table calls an argument; what has no name here is listed in a comment above the table."""

BATCH = {"per_device_train_batch_size": "", "gradient_accumulation_steps": "1"}
"""What is multiplied, with what holds where it is not said."""

SPECIAL = {
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\n": r"\textbackslash{}n",
}


NUMBER = re.compile(r"\d+(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What a table is made of.

    Attributes:
        name: The recipe or the run, as it was named.
        values: The arguments, each as the text that swift reads.
        processes: How many train.
    """

    name: str
    values: dict[str, str]
    processes: str


def recipe_settings(recipe: Recipe) -> Settings:
    """What a recipe says, without what a command line puts over it."""
    values = {key: " ".join(as_words(value)) for key, value in recipe.values.items()}
    return Settings(recipe.name, values, str(recipe.env.get("NPROC_PER_NODE", 1)))


def is_run(name: str) -> bool:
    """Whether a run's folder or its manifest is named, and not a recipe."""
    return Path(name).is_dir() or name.endswith(".json")


def run_settings(name: str) -> Settings:
    """What was in force in a training run, by its manifest.

    Args:
        name: The run's folder, or the manifest in it.

    Raises:
        InputError: If there is no manifest of a training run.
    """
    file = Path(name) / MANIFEST if Path(name).is_dir() else Path(name)
    if not file.is_file():
        raise InputError(f"{file} does not exist.", f"Give a run's folder: its {MANIFEST} lies beside the checkpoints.")
    found = read_json(file, "a manifest")
    parts = [found.get(key) for key in ("config", "environment")] if isinstance(found, dict) else []
    if not parts or not all(isinstance(part, dict) for part in parts):
        raise InputError(f"{file} is no manifest of a training run.", "Give the folder that shell/sft.sh made.")
    values = found.get("seeds", {}) | found["config"]
    return Settings(
        name,
        {key: str(value) for key, value in values.items()},
        str(found["environment"].get("NPROC_PER_NODE") or 1),
    )


def hyperparameters(settings: Settings) -> str:
    """The table, with the batch of all processes as one row.

    Raises:
        UsageError: If nothing of it would stand in the table.
    """
    rows = [(term, _shown(settings.values[key])) for key, term in TERMS.items() if key in settings.values]
    rows += _batch(settings)
    if not rows:
        raise UsageError(
            f"{settings.name} names no hyper-parameter.",
            f"Give a recipe (ordebug recipes list), a run's folder, or its {MANIFEST}.",
        )
    body = "\n".join(f"{term} & {value} \\\\" for term, value in rows)
    return (
        f"% ordebug recipes show {settings.name} --latex\n% not in the table: {', '.join(_left_out(settings)) or '-'}\n"
        "\\begin{tabular}{ll}\n\\toprule\nHyper-parameter & Value \\\\\n\\midrule\n"
        f"{body}\n\\bottomrule\n\\end{{tabular}}"
    )


def _left_out(settings: Settings) -> Iterator[str]:
    return (key for key in settings.values if key not in TERMS and key not in BATCH)


def _shown(text: str) -> str:
    if NUMBER.fullmatch(text) and 0 < float(text) < 1e-3:
        digits, power = f"{float(text):e}".split("e")
        return f"${float(digits):g} \\times 10^{{{int(power)}}}$"
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def _batch(settings: Settings) -> list[tuple[str, str]]:
    """Rows of SFT, replies of GRPO, in an update of the weights."""
    rows, rounds = (settings.values.get(key, default) for key, default in BATCH.items())
    factors = (settings.processes, rows, rounds)
    if not all(factor.isdecimal() for factor in factors):
        return []
    processes, each, times = map(int, factors)
    what = "Replies a step" if "rlhf_type" in settings.values else "Rows a step"
    return [(what, f"{processes * each * times} (${processes} \\times {each} \\times {times}$)")]
