"""What real GRPO runs sampled and trained, as token ids."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from engines import ROOT, free_port

from ordebug.core.jsonl import read_rows

PLUGINS = [
    ROOT / "swift_recipes/plugin/ordebug_plugin.py",
    ROOT / "tests/e2e/plugins/rollout_tokens.py",
    ROOT / "tests/e2e/plugins/keep_weights.py",
]


class Sampled(NamedTuple):
    """One reply: after how many updates, in which episode, its prompt, its tokens and their log-probabilities."""

    step: int
    episode: str
    problem: str
    prompt: list[int]
    tokens: list[int]
    logprobs: list[float]


class Trained(NamedTuple):
    """One sequence of a loss, without padding, and which of its tokens count."""

    ids: list[int]
    mask: list[int]


@dataclass(frozen=True)
class Run:
    """A run of ``swift rlhf --rlhf_type grpo``.

    Attributes:
        out: Its folder.
        sampled: The replies in the order in which they were asked for.
        trained: The sequences of the losses.
    """

    out: Path
    sampled: list[Sampled]
    trained: list[Trained]

    def episodes(self, step: int | None = None) -> list[list[Sampled]]:
        """The turns of each episode, in order; only those after so many updates, if said."""
        kept = [reply for reply in self.sampled if step is None or reply.step == step]
        ordered = sorted(kept, key=lambda reply: reply.episode)  # stable: turns stay in their order
        return [list(turns) for _, turns in groupby(ordered, key=lambda reply: reply.episode)]


def train(swift: Path, recipe: str, model: Path, rows: Path, folder: Path, *arguments: str) -> Run:
    """Runs a GRPO recipe with the plugin, and what writes its tokens."""
    folder.mkdir()
    out = folder / "out"
    vllm = "multi_turn" in recipe
    command = [str(swift), "rlhf", str(ROOT / f"swift_recipes/rlhf/{recipe}.yaml"), "--model", str(model)]
    command += ["--dataset", str(rows), "--output_dir", str(out), *arguments]
    command += ["--external_plugins", *map(str, PLUGINS if vllm else PLUGINS[:-1])]
    paths = [str(ROOT / ".typing"), *filter(None, [os.environ.get("PYTHONPATH")])]  # ordebug, where it is not installed
    env = {
        **os.environ,
        "ROLLOUT_TOKENS": str(folder),
        "PYTHONPATH": os.pathsep.join(paths),
        "MASTER_PORT": str(free_port()),
    }
    if not vllm:
        env["NPROC_PER_NODE"] = "1"  # two processes would write into one file
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    sampled = [Sampled(**row) for _, row in read_rows(folder / "sampled.jsonl")]
    trained = [Trained(**row) for _, row in read_rows(folder / "trained.jsonl")]
    return Run(out, sampled, trained)


def conversations(rows: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The rows of decisions, joined to one row for each episode."""
    for _, steps in groupby(rows, key=lambda row: row["problem_id"]):
        first, *later = steps
        yield first | {"messages": first["messages"] + [turn for step in later for turn in step["messages"][1:]]}
