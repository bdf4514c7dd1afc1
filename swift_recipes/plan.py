"""What a training run will take, before it runs: steps, memory a GPU, time.

Estimates, with their assumptions beside them.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import UsageError
from ordebug.swift_recipes.architecture import Architecture, architecture
from ordebug.swift_recipes.arguments import renamed_arguments
from ordebug.swift_recipes.catalogue import Recipe
from ordebug.swift_recipes.memory import GIB, OVERHEAD, Tuning, activations, logits, states, tuning
from ordebug.swift_recipes.schedule import Batch, Batches, Length, padded, row_lengths, steps_an_epoch, worst
from ordebug.swift_recipes.spelling import misspelt_arguments

PEAK = 312e12
"""Operations a second of an A800 in bfloat16, dense: the A100's data sheet; the A800's links alone are slower."""

HFU = (0.12, 0.40)
"""Share of the peak, recomputation counted as work (MFU leaves it out: Korthikanti et al. 2022).

Lower: what a published run of 696 short rows took in all (docs/recipes.md). Upper: assumed.
"""

LARGE = 1e12
"""More than any count of a run."""

NUMBERS = ("lora_rank", "max_length", "max_steps", "num_train_epochs", "data_seed", "lora_dropout")

USABLE = 0.95
"""Assumed share of a GPU's memory that is not lost in fragments."""


@dataclass(frozen=True)
class Plan:
    """A run foreseen.

    Attributes:
        recipe: Its name.
        model: The model's name.
        gpus: GPUs.
        rows: Rows of the data, without those that are too long.
        too_long: Rows longer than ``max_length``.
        tokens: Tokens of the rows; ``trained_tokens`` of those, and ``computed_tokens`` a pass with padding.
        longest: Tokens of the longest row.
        epochs: Passes.
        steps_an_epoch: Optimizer steps a pass.
        steps: Optimizer steps.
        rows_a_step: Rows a step, on all GPUs.
        trained: Weights that are trained.
        memory: Bytes a GPU by part, for the largest batch of this data.
        gpu_memory: Bytes of a GPU.
        seconds: Fewest and most, without loading, evaluation and saving.
        unpacks: Whether frozen weights are unpacked in every pass, which is not counted.
    """

    recipe: str
    model: str
    gpus: int
    rows: int
    too_long: int
    max_length: int
    tokens: int
    trained_tokens: int
    computed_tokens: int
    longest: int
    epochs: float
    steps_an_epoch: int
    steps: int
    rows_a_step: int
    trained: int
    parameters: int
    memory: dict[str, float]
    gpu_memory: float
    seconds: tuple[float, float]
    unpacks: bool

    @property
    def fits(self) -> bool:
        """Whether no row is too long and the memory suffices."""
        return not self.too_long and sum(self.memory.values()) <= USABLE * self.gpu_memory

    def as_json(self) -> dict[str, Any]:
        """All of it, sizes in bytes."""
        return {**vars(self), "memory_total": sum(self.memory.values()), "fits": self.fits}

    def lines(self) -> list[str]:
        """The plan, readable."""
        total = sum(self.memory.values())
        low, high = (_duration(seconds) for seconds in self.seconds)
        said = [
            f"{self.recipe} on {self.gpus} GPU{'s' * (self.gpus > 1)}: {self.model}, {self.trained / 1e6:,.1f} of "
            f"{self.parameters / 1e6:,.1f} million parameters trained",
            f"data    {self.rows:,} rows, {self.tokens:,} tokens ({self.trained_tokens:,} trained), "
            f"longest {self.longest:,}; {self.computed_tokens:,} a pass with padding",
            f"steps   {self.steps:,}: {self.epochs:.3g} epochs of {self.steps_an_epoch:,}, "
            f"{self.rows_a_step} rows a step",
            "memory  GiB on each GPU, for the largest batch of this data:",
            *(f"        {size / GIB:7.2f}  {part}" for part, size in self.memory.items()),
            f"        {total / GIB:7.2f}  of {self.gpu_memory / GIB:.0f}",
            f"time    {low} to {high}, without loading, evaluation and saving",
            f"        assumed: A800 or A100, {HFU[0]:.0%} to {HFU[1]:.0%} of {PEAK / 1e12:.0f} TFLOP/s each",
        ]
        if self.unpacks:
            said.append("        not counted: frozen weights are unpacked in every pass, so it takes longer")
        if self.too_long:
            said.append(
                f"no: {self.too_long} rows are longer than max_length {self.max_length}; ms-swift stops at them"
            )
        elif not self.fits:
            said.append(f"no: more than {USABLE:.0%} of the memory; fewer rows at once, or a higher ZeRO stage")
        return said


def make_plan(recipe: Recipe, data: Path, gpus: int | None, model: str | None, gpu_memory: float) -> Plan:
    """Plans an SFT recipe on a file of SFT rows.

    Args:
        recipe: The recipe.
        data: The rows.
        gpus: GPUs; by default its ``NPROC_PER_NODE``.
        model: Another model than the recipe's.
        gpu_memory: Memory of a GPU in GiB.

    Raises:
        UsageError: If the recipe is none for SFT, or cannot be planned.
        InputError: If the data cannot be read.
    """
    values = _planned(recipe)
    name = model or values.get("model")
    if not isinstance(name, str):
        raise UsageError(f"{recipe.name} names no model.", "Give --model a hub name or a folder with config.json.")
    built = architecture(name)
    how = tuning(values, built)
    batches = _batches(recipe, gpus)
    lengths, too_long = _lengths(values, data)
    made = padded(lengths, batches, int(values.get("data_seed", 42)))
    epochs, each, steps = _steps(values, len(lengths), batches)
    work = epochs * operations(built, how, made, bool(values.get("gradient_checkpointing", True)))
    return Plan(
        recipe=recipe.name,
        model=name,
        gpus=batches.processes,
        rows=len(lengths),
        too_long=too_long,
        max_length=int(values.get("max_length", 0)),
        tokens=sum(row.total for row in lengths),
        trained_tokens=sum(row.total - row.prompt for row in lengths),
        computed_tokens=sum(batch.tokens for batch in made),
        longest=max(row.total for row in lengths),
        epochs=epochs,
        steps_an_epoch=each,
        steps=steps,
        rows_a_step=batches.rows * batches.rounds * batches.processes,
        trained=how.trained,
        parameters=built.parameters,
        memory=_memory(built, how, batches, lengths, bool(values.get("gradient_checkpointing", True))),
        gpu_memory=gpu_memory * GIB,
        seconds=(work / batches.processes / PEAK / HFU[1], work / batches.processes / PEAK / HFU[0]),
        unpacks=how.bits < 8 * how.width,
    )


def _planned(recipe: Recipe) -> dict[str, Any]:
    if recipe.kind != "sft":
        raise UsageError(f"{recipe.name} is for swift {recipe.kind}.", "Plan a recipe of sft/.")
    for wrong in (*renamed_arguments(recipe.values), *misspelt_arguments(recipe)):
        raise UsageError(f"{recipe.name}: {wrong}", "A plan would take the usual value in its place.")
    for key in ("packing", "padding_free", "streaming", "group_by_length"):
        if recipe.values.get(key) is True:
            raise UsageError(f"{recipe.name}: {key} cannot be planned.", "Rows are put together otherwise then.")
    for key in NUMBERS:
        value = recipe.values.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value < LARGE:
            raise UsageError(f"{recipe.name}: {key} is {str(value)[:20]}.", "A plan needs it as a number.")
    return recipe.values


def _batches(recipe: Recipe, gpus: int | None) -> Batches:
    found = {
        "per_device_train_batch_size": recipe.values.get("per_device_train_batch_size", 1),
        "gradient_accumulation_steps": recipe.values.get("gradient_accumulation_steps"),
        "NPROC_PER_NODE": gpus or recipe.env.get("NPROC_PER_NODE", 1),
    }
    for key, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < LARGE:
            raise UsageError(f"{recipe.name}: {key} is {str(value)[:20]}.", "A plan needs it as a whole number.")
    return Batches(*found.values())


def _lengths(values: dict[str, Any], data: Path) -> tuple[list[Length], int]:
    every = row_lengths(data, not str(values.get("loss_scale", "default")).startswith("last_round"))
    limit = values.get("max_length")
    kept = [row for row in every if not isinstance(limit, int) or row.total <= limit]
    if not kept:
        raise UsageError(f"all rows of {data} are longer than max_length {limit}.", "Raise max_length.")
    return kept, len(every) - len(kept)


def _steps(values: dict[str, Any], rows: int, batches: Batches) -> tuple[float, int, int]:
    """Passes, steps a pass and steps, as Transformers' Trainer counts them."""
    each = steps_an_epoch(rows, batches)
    limit = int(values.get("max_steps", -1))
    if limit > 0:
        return limit / each, each, limit
    epochs = float(values.get("num_train_epochs", 3))
    return epochs, each, math.ceil(epochs * each)


def _memory(
    model: Architecture, how: Tuning, batches: Batches, lengths: list[Length], checkpointing: bool
) -> dict[str, float]:
    largest = worst(lengths, batches)
    return {
        **states(model, how, batches.processes),
        "activations": activations(model, how, largest.tokens, checkpointing),
        "logits": logits(model, how, largest.logits),
        "context and buffers, assumed": float(OVERHEAD),
    }


def operations(model: Architecture, how: Tuning, made: list[Batch], checkpointing: bool) -> float:
    """Floating-point operations of a pass over batches.

    2 a weight and token forward, 2 for the gradients of activations, 2 for those of the weights that are trained:
    6 N D for full training (Kaplan et al. 2020, section 2.1), 4 N D for LoRA beside its own few; 2 more to compute
    again what checkpointing did not keep. Attention: 2 x length x width a layer and token forward (half is masked), as
    much for each further pass, two of them backward. The output layer works on the kept positions alone.
    """
    again = 1 if checkpointing else 0
    passes = (2 if how.lora else 3) + again
    weights = 2 * model.linear_parameters * passes + (6 * how.trained if how.lora else 0)
    attention = 2 * model.layers * model.heads * model.head_dim * (3 + again)
    head = 2 * model.embedding * (passes - again)
    return sum(batch.tokens * (weights + attention * batch.length) + batch.logits * head for batch in made)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
