"""One step of TRL's GRPOTrainer on a small Qwen3 that was taught an episode of tool calls; runs in TRL's environment.

usage: trl_step.py JOB OUT. JOB holds ``model``, ``row`` (of ordebug grpo-data), ``script`` (tool calls), ``actions``.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
import trl
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import get_json_schema
from trl.chat_template_utils import get_training_chat_template, qwen3_chat_template

from ordebug.swift_recipes.integrations.trl_tools import episode_return, tool_environment

TEACHING_STEPS, TAUGHT = 400, 0.03
CLOSING = "Done."


def conversation(row: dict[str, Any], script: list[list[Any]], environment: Any) -> list[dict[str, Any]]:
    """The prompt, the script's calls with what the tools show, and a closing remark."""
    environment.reset(**row)
    messages = list(row["prompt"])
    for name, arguments in script:
        call = {"type": "function", "function": {"name": name, "arguments": arguments}}
        shown = getattr(environment, name)(**arguments)
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "name": name, "content": shown})
    return [*messages, {"role": "assistant", "content": CLOSING}]


def teach(model: Any, tokenizer: Any, messages: list[dict[str, Any]], tools: list[Any]) -> float:
    """Trains until the assistant's turns are known by heart; returns the last loss."""
    template = get_training_chat_template(tokenizer)

    def ids(count: int, prompt: bool) -> list[int]:
        found: list[int] = tokenizer.apply_chat_template(
            messages[:count], tools=tools, chat_template=template, add_generation_prompt=prompt, return_dict=False
        )
        return found

    whole = ids(len(messages), False)
    labels = [-100] * len(whole)
    for number, message in enumerate(messages):
        if message["role"] == "assistant":
            begin, end = len(ids(number, True)), len(ids(number + 1, False))
            labels[begin:end] = whole[begin:end]
    batch = {"input_ids": torch.tensor([whole]), "labels": torch.tensor([labels])}
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(TEACHING_STEPS):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if loss.item() < TAUGHT:
            break
    return float(loss.item())


def main(job: Path, out: Path) -> None:
    asked = json.loads(job.read_text())
    row = {("prompt" if name == "messages" else name): value for name, value in asked["row"].items()}
    asked_of: list[list[Any]] = []

    class Recorded(tool_environment(asked["actions"])):  # type: ignore[misc]
        """The environment, with a record of what TRL asks of it."""

        def reset(self, **columns: Any) -> None:
            asked_of.append(["reset", sorted(columns), id(self)])
            super().reset(**columns)

        def _call(self, name: str, arguments: Any) -> str:
            shown = super()._call(name, arguments)
            asked_of.append([name, dict(arguments), id(self), shown])
            return shown

    rewards: list[float | None] = []

    def rewarded(**columns: Any) -> list[float | None]:
        found = episode_return(**columns)
        rewards.extend(found)
        return found

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(asked["model"])
    tokenizer.chat_template = qwen3_chat_template
    model = AutoModelForCausalLM.from_pretrained(asked["model"], dtype="float32")
    example = tool_environment(asked["actions"])()
    tools = [getattr(example, name) for name, _ in sorted(vars(type(example)).items()) if not name.startswith("_")]
    loss = teach(model, tokenizer, conversation(row, asked["script"], example), tools)
    trainer = trl.GRPOTrainer(
        model,
        reward_funcs=rewarded,
        args=trl.GRPOConfig(
            output_dir=str(out.parent / "trainer"),
            max_steps=1,
            per_device_train_batch_size=2,
            num_generations=2,
            max_completion_length=2000,
            learning_rate=1e-5,
            temperature=0.2,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
        ),
        train_dataset=Dataset.from_list([row]),
        processing_class=tokenizer,
        environment_factory=Recorded,
    )
    trainer.train()
    result = {
        "versions": {"trl": trl.__version__, "transformers": transformers.__version__, "torch": torch.__version__},
        "loss": loss,
        "schemas": [get_json_schema(tool) for tool in trainer.tools],
        "asked_of": asked_of,
        "rewards": rewards,
        "logged": trainer.state.log_history,
        "steps": trainer.state.global_step,
    }
    out.write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
