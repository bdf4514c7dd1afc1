"""GRPO with vLLM beside the trainer, on a CPU: what generates has the weights that were just trained."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rollouts import Run, Sampled

pytestmark = pytest.mark.slow

REPLIES = 16
"""Of each step, enough to tell weights apart."""


def gap(checkpoint: Path, replies: Sequence[Sampled]) -> float:
    """Mean distance of the replies' log-probabilities, as vLLM told them, from a checkpoint's, in nats a token."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype="float32")
    found: list[float] = []
    for reply in replies:
        ids = torch.tensor([reply.prompt + reply.tokens])
        with torch.no_grad():
            told = model(ids).logits[0, len(reply.prompt) - 1 : -1].log_softmax(-1)
        own = told[range(len(reply.tokens)), reply.tokens].tolist()
        found += [abs(a - b) for a, b in zip(own, reply.logprobs, strict=True)]
    return sum(found) / len(found)


def test_each_step_is_sampled_with_the_weights_of_the_last(whole_episodes: Run, chat_tiny: Path) -> None:
    """Without the sync every step would be sampled with the first weights; by those of any other step it is far off."""
    weights = [chat_tiny, *(whole_episodes.out / f"checkpoint-{step}" for step in (1, 2))]
    for step in range(3):
        replies = [reply for reply in whole_episodes.sampled if reply.step == step][:REPLIES]
        gaps = [gap(checkpoint, replies) for checkpoint in weights]
        assert gaps[step] < 1e-5, (step, gaps)
        assert all(other > 1e-2 for other in gaps[:step] + gaps[step + 1 :]), (step, gaps)


def test_the_environment_rewards_the_episodes(whole_episodes: Run) -> None:
    """ms-swift's own account: the return came as ``gym_reward``, over several turns, and trainer and vLLM agree."""
    rows = [json.loads(line) for line in (whole_episodes.out / "logging.jsonl").read_text().splitlines()]
    steps = [row for row in rows if "reward" in row]
    assert len(steps) == 3 and all(row["num_turns"] > 1 for row in steps)
    assert any(row["rewards/gym_reward/std"] > 0 for row in steps)
    told = [row["rollout_correction/k3_kl"] for row in steps if "rollout_correction/k3_kl" in row]
    assert told and all(value < 1e-6 for value in told)
