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
        told = {"uuid": request.uuid, "prompt": list(output.response.prompt_token_ids), "tokens": choice.token_ids}
        told["problem"] = (request.data_dict or {}).get("problem")
        told["logprobs"] = [item["logprob"] for item in (choice.logprobs or {}).get("content", [])]
        write("sampled", {"step": self.state.global_step, **told})
    return outputs


def loss(self: Any, model: Any, model_inputs: Any, grpo_batch: Any, *args: Any, **kwargs: Any) -> Any:
    keep = grpo_batch.completion_mask.shape[1]
    for ids, mask, seen in zip(
        model_inputs["input_ids"], grpo_batch.completion_mask, model_inputs["attention_mask"], strict=True
    ):
        trained = [0] * (len(ids) - keep) + mask.int().tolist()
        pairs = [(i, t) for i, t, s in zip(ids.tolist(), trained, seen.tolist(), strict=True) if s]
        write("trained", {"ids": [i for i, _ in pairs], "mask": [t for _, t in pairs]})
    return compute_loss(self, model, model_inputs, grpo_batch, *args, **kwargs)


GRPOTrainer._engine_infer, GRPOTrainer._compute_loss = infer, loss
