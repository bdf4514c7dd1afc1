"""Checkpoints asked greedily through every engine, and servers that are started and stopped as a user would."""

import json
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from ordebug.core.jsonl import read_rows, write_rows

ROOT = Path(__file__).resolve().parent.parent.parent


class Answer(NamedTuple):
    """One reply, its tokens and its prompt's as the engine had them."""

    prompt: list[int]
    tokens: list[int]
    text: str


@dataclass(frozen=True)
class Case:
    """One checkpoint, asked greedily through every way there is.

    Attributes:
        checkpoint: The model's folder, or the adapter's.
        base: The model's folder.
        flags: What ms-swift must be told of it.
        template: Its name in ms-swift.
        rows: SFT rows that were not trained on.
        max_tokens: Limit of a reply.
        loss_scale: What it was trained with.
    """

    checkpoint: Path
    base: Path
    flags: tuple[str, ...]
    template: str
    rows: list[dict[str, Any]]
    max_tokens: int
    loss_scale: str = "last_round"

    def trained(self) -> list[tuple[list[int], list[int]]]:
        """Prompt and labels of each row, as ``swift sft`` has them."""
        template = sft_template(self, self.loss_scale)
        found = []
        for row in self.rows:
            encoded = template.encode({"messages": row["messages"]})
            start = next(index for index, label in enumerate(encoded["labels"]) if label != -100)
            found.append((list(encoded["input_ids"][:start]), list(encoded["labels"][start:])))
        return found

    def answers(self, vllm: Path, folder: Path) -> dict[str, list[Answer]]:
        """The answers to the rows by who gave them; two run at a time."""
        here = Path(sys.executable).parent
        ways: dict[str, Callable[[], list[Answer]]] = {
            "swift infer, transformers": lambda: self._infer(here, "tiny_cpu", folder / "transformers"),
            "swift infer, vllm": lambda: self._infer(vllm, "tiny_cpu_vllm", folder / "vllm"),
            "swift deploy": lambda: self.served("swift"),
            "vllm serve": lambda: self.served("vllm"),
        }
        with ThreadPoolExecutor(2) as pool:
            futures = {name: pool.submit(way) for name, way in ways.items()}
            return {name: future.result() for name, future in futures.items()}

    def _infer(self, programs: Path, recipe: str, folder: Path) -> list[Answer]:
        folder.mkdir()
        write_rows(folder / "rows.jsonl", self.rows)
        kind = ["--adapters", str(self.checkpoint)] if self.base != self.checkpoint else []
        command = [str(programs / "swift"), "infer", str(ROOT / f"swift_recipes/infer/{recipe}.yaml"), *kind]
        command += ["--model", str(self.base), "--val_dataset", f"{folder}/rows.jsonl", *self.flags]
        command += ["--result_path", f"{folder}/result.jsonl", "--max_new_tokens", str(self.max_tokens)]
        command += ["--external_plugins", str(ROOT / "tests/e2e/plugins/engine_tokens.py")]
        env = {**os.environ, "ENGINE_TOKENS": f"{folder}/tokens.jsonl", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        results = [row for _, row in read_rows(folder / "result.jsonl")]
        tokens = [row for _, row in read_rows(folder / "tokens.jsonl")]
        pairs = zip(tokens, results, strict=True)
        return [Answer(ids["prompt_token_ids"], ids["token_ids"], row["response"]) for ids, row in pairs]

    def served(self, engine: str) -> list[Answer]:
        """The answers of ``deploy.sh``, which finds out by itself what kind of checkpoint it is."""
        with deployed(self.checkpoint, "--engine", engine) as url, ThreadPoolExecutor(16) as pool:
            return list(pool.map(lambda row: self._ask(url, engine, row["messages"][:2]), self.rows))

    def _ask(self, url: str, engine: str, messages: list[dict[str, str]]) -> Answer:
        told = {"swift": "return_details", "vllm": "return_token_ids"}[engine]
        body = {"model": str(self.checkpoint), "messages": messages, "temperature": 0, "max_tokens": self.max_tokens}
        with httpx.Client(trust_env=False, timeout=300) as client:
            reply = client.post(f"{url}/chat/completions", json={**body, told: True}).raise_for_status().json()
        choice = reply["choices"][0]
        return Answer(reply["prompt_token_ids"], choice["token_ids"], choice["message"]["content"])


def sft_template(case: Case, loss_scale: str, **settings: Any) -> Any:
    """ms-swift's template of a checkpoint, as ``swift sft`` has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what ms-swift and torch deprecate among themselves is not ours to mend
        from swift.model import get_model_processor
        from swift.template import get_template

        kind = case.flags[1] if case.flags else "qwen3"
        _, processor = get_model_processor(str(case.base), load_model=False, model_type=kind)
        template = get_template(processor, template_type=case.template, loss_scale=loss_scale, **settings)
    template.set_mode("train")
    return template


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def deployed(checkpoint: Path, *arguments: str) -> Iterator[str]:
    """Serves a checkpoint; gives the base URL, and sees to it that nothing is left running."""
    port = free_port()
    log = checkpoint.parent / f"deploy-{port}.log"
    env = {**os.environ, "PORT": str(port), "LOG": str(log)}
    command = ["bash", str(ROOT / "shell" / "deploy.sh"), str(checkpoint), *arguments]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            url = server.stdout.readline().strip()
            assert url == f"http://127.0.0.1:{port}/v1", server.stderr.read()
            yield url
        finally:
            server.terminate()
            assert server.wait(60) == 143
    assert still_running(port) == []


def still_running(port: int, group: int | None = None) -> list[str]:
    """The command lines of what runs in a process group, or in that of a command with the port as an argument."""
    listed = subprocess.run(["ps", "-wweo", "pgid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 1) for line in listed.splitlines()]
    groups = {row[0] for row in rows if str(port) in row[-1].split()} | {str(group)}
    return [row[-1] for row in rows if row[0] in groups]


def build_qwen2_5(tiny: Path, base: Path, adapter: Path) -> None:
    """From the small Qwen3's tokenizer: ``<think>`` is plain text, the chat format Qwen2.5's."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    base.mkdir()
    document = json.loads((tiny / "tokenizer.json").read_text())
    thought = ("<think>", "</think>")
    document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] not in thought]
    (base / "tokenizer.json").write_text(json.dumps(document))
    (base / "tokenizer_config.json").write_text((tiny / "tokenizer_config.json").read_text())
    (base / "chat_template.jinja").write_text((ROOT / "tests/swift_recipes/qwen2_5_chat.jinja").read_text())
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(1)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    config = Qwen2Config(
        vocab_size=len(tokenizer), eos_token_id=end, num_key_value_heads=2, initializer_range=0.2, **shape
    )
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(base)
    tuned = get_peft_model(model, LoraConfig(r=8, target_modules=["q_proj", "v_proj", "down_proj"]))
    for name, weight in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.3)
    tuned.peft_config["default"].base_model_name_or_path = str(base)
    tuned.save_pretrained(adapter)


def leave_arguments(adapter: Path, loss_scale: str) -> None:
    """What ms-swift leaves beside a checkpoint of Qwen2.5."""
    arguments = {"model_type": "qwen2", "template": "qwen2_5", "loss_scale": loss_scale, "response_prefix": None}
    (adapter / "args.json").write_text(json.dumps(arguments))
