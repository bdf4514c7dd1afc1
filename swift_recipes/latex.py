"""A recipe's hyper-parameters as a LaTeX table (booktabs)."""

from ordebug.swift_recipes.catalogue import Recipe, as_words

TERMS = {
    "model": "Model",
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
    "learning_rate": "Learning rate",
    "lr_scheduler_type": "Schedule",
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
"""What a paper's table calls an argument; the other arguments do not change what is learned or said."""

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


def hyperparameters(recipe: Recipe) -> str:
    """The table, with the batch of all processes as one row."""
    rows = [(term, _value(key, recipe)) for key, term in TERMS.items() if key in recipe.values]
    rows += _batch(recipe)
    body = "\n".join(f"{term} & {value} \\\\" for term, value in rows)
    return (
        f"% ordebug recipes show {recipe.name} --latex\n"
        "\\begin{tabular}{ll}\n\\toprule\nHyper-parameter & Value \\\\\n\\midrule\n"
        f"{body}\n\\bottomrule\n\\end{{tabular}}"
    )


def _value(key: str, recipe: Recipe) -> str:
    value = recipe.values[key]
    if isinstance(value, float) and 0 < value < 1e-3:
        digits, power = f"{value:e}".split("e")
        return f"${float(digits):g} \\times 10^{{{int(power)}}}$"
    return "".join(SPECIAL.get(letter, letter) for letter in " ".join(as_words(value)))


def _batch(recipe: Recipe) -> list[tuple[str, str]]:
    rows = recipe.values.get("per_device_train_batch_size")
    rounds = recipe.values.get("gradient_accumulation_steps", 1)
    processes = recipe.env.get("NPROC_PER_NODE", 1)
    if not (isinstance(rows, int) and isinstance(rounds, int) and isinstance(processes, int)):
        return []
    return [("Rows a step", f"{rows * rounds * processes} (${processes} \\times {rows} \\times {rounds}$)")]
