"""A plugin for ``swift rlhf`` that writes what its engine was given and gave, and what was trained, as token ids."""

import json
import os
from pathlib import Path
from typing import Any

from swift.rlhf_trainers.grpo_trainer import GRPOTrainer

engine_infer, compute_loss = GRPOTrainer._engine_infer, GRPOTrainer._compute_loss


def write(kind: str, row: dict[str, Any]) -> None:
    with (Path(os.environ["ROLLOUT_TOKENS"]) / f"{kind}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def infer(self: Any, infer_requests: list[Any], *args: Any, **kwargs: Any) -> Any:
    outputs = engine_infer(self, infer_requests, *args, **kwargs)
    for request, output in zip(infer_requests, outputs, strict=True):
        [choice] = output.response.choices
        prompt = list(output.response.prompt_token_ids)
        problem = (request.data_dict or {}).get("problem", "")
        logprobs = [item["logprob"] for item in (choice.logprobs or {}).get("content", [])]
        told = {"episode": request.uuid, "problem": problem, "prompt": prompt}
        write("sampled", {"step": self.state.global_step, **told, "tokens": choice.token_ids, "logprobs": logprobs})
    return outputs


def loss(self: Any, model: Any, model_inputs: Any, grpo_batch: Any, *args: Any, **kwargs: Any) -> Any:
    masks = grpo_batch.completion_mask  # of the last tokens only
    for ids, mask, real in zip(model_inputs["input_ids"], masks, model_inputs["attention_mask"].bool(), strict=True):
        counted = mask.new_zeros(len(ids))
        counted[len(ids) - len(mask) :] = mask
        write("trained", {"ids": ids[real].tolist(), "mask": counted[real].int().tolist()})
    return compute_loss(self, model, model_inputs, grpo_batch, *args, **kwargs)


GRPOTrainer._engine_infer, GRPOTrainer._compute_loss = infer, loss
