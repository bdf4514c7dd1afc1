"""How many steps ms-swift takes, and how many tokens it computes on."""

import math
import random
from dataclasses import dataclass, replace
from pathlib import Path

from ordebug.converters.messages import SFTRow, read_sft_rows
from ordebug.core.errors import InputError
from ordebug.swift_recipes.qwen_lengths import conversation_lengths

EMPTY_SYSTEM = 5
"""Tokens of a system turn without text."""


@dataclass(frozen=True)
class Length:
    """Tokens of a row: all of them, and those before the first that is trained."""

    total: int
    prompt: int


@dataclass(frozen=True)
class Batches:
    """How rows are put together.

    Attributes:
        rows: Rows a process takes at once.
        rounds: Batches whose gradients are summed (gradient accumulation).
        processes: Processes, one a GPU.
    """

    rows: int
    rounds: int
    processes: int


@dataclass(frozen=True)
class Batch:
    """Rows of one process, padded.

    ms-swift keeps the logits of the trained tokens of a single row, and of a batch those from the earliest trained
    token on (``swift/trainers/mixin.py``, ``prepare_logits_to_keep``).

    Attributes:
        rows: Number of rows.
        length: Tokens of the longest.
        kept: Positions of a row whose logits are kept.
    """

    rows: int
    length: int
    kept: int

    @property
    def tokens(self) -> int:
        """Tokens with padding."""
        return self.rows * self.length

    @property
    def logits(self) -> int:
        """Positions whose logits are kept."""
        return self.rows * self.kept


def row_lengths(path: Path, all_turns: bool) -> list[Length]:
    """Lengths of the rows of an SFT file in Qwen3's tokens.

    Args:
        path: The file.
        all_turns: Whether every assistant turn is trained, or the last alone.

    Raises:
        InputError: If the file holds no rows.
        ToolError: If tiktoken or the ranks are missing.
    """
    found = [_length(row, all_turns) for row in read_sft_rows(path)]
    if not found:
        raise InputError(f"{path} holds no rows.", "Give a file of SFT rows: ordebug data convert FILE --out OUT")
    return found


def _length(row: SFTRow, all_turns: bool) -> Length:
    texts = [turn.content for turn in row.messages]
    turns = [(texts[0] if at == 1 else "", texts[at], texts[at + 1]) for at in range(1, len(texts), 2)]
    counted = conversation_lengths(turns)
    total = sum(prompt + answer for prompt, answer in counted) - EMPTY_SYSTEM * (len(turns) - 1)
    return Length(total, counted[0][0] if all_turns else total - counted[-1][1])


def steps_an_epoch(rows: int, batches: Batches) -> int:
    """Optimizer steps of one pass.

    ms-swift 4.6.0 gives each process ``rows // processes`` rows (``swift/dataloader/shard.py``), Transformers rounds
    the batches up to whole steps (``Trainer.set_initial_training_values``).
    """
    loaded = math.ceil(rows // batches.processes / batches.rows)
    return max(1, math.ceil(loaded / batches.rounds))


def padded(lengths: list[Length], batches: Batches, seed: int) -> list[Batch]:
    """The batches of a shuffled pass; the order is ours, so their sum is an estimate."""
    order = random.Random(seed).sample(lengths, len(lengths))
    return [_batch(order[start : start + batches.rows]) for start in range(0, len(order), batches.rows)]


def _batch(rows: list[Length]) -> Batch:
    length = max(row.total for row in rows)
    return Batch(len(rows), length, length - min(row.prompt for row in rows) + 1)


def worst(lengths: list[Length], batches: Batches) -> Batch:
    """The largest batch that chance may put together."""
    longest = max(lengths, key=lambda row: row.total)
    if batches.rows == 1:
        return Batch(1, longest.total, max(row.total - row.prompt for row in lengths) + 1)
    shortest = min(lengths, key=lambda row: row.prompt)
    return replace(_batch([longest, shortest]), rows=batches.rows)
