"""A prompt is the same tokens wherever it is made, and what is trained is what the model must write.

Of the real Qwen tokenizers: training, ``swift infer`` and ``swift deploy`` (ms-swift's templates) and ``vllm serve``
(the chat template in the checkpoint). ``tests/e2e/test_parity.py`` takes the same from the engines themselves.
"""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordebug.converters.messages import assistant_text
from ordebug.converters.prompts import Prompts
from ordebug.env.renderer import PROFILES, Message, Profile, safe
from ordebug.swift_recipes.qwen_tokens import save_qwen_tokenizer

GENERATION = "<|im_start|>assistant\n"
EMPTY_THOUGHT = "<think>\n\n</think>\n\n"
QWEN2_5_CHAT = Path(__file__).with_name("qwen2_5_chat.jinja")
NOT_IN_QWEN2_5 = ("<tool_response>", "</tool_response>", "<think>", "</think>")
MODEL_TYPES = {"qwen3": "qwen3", "qwen2_5": "qwen2"}
SHAPE = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2}
ANSWER = assistant_text("(1) labor: at most, written >=, wrong", "Action: DROP_CONSTRAINT(labor)")
LP = """Maximize
 obj: 3 stools + 2 tables
Subject To
 wood: 2 stools + 4 tables <= 40
 labor: stools + tables >= 30
 order: stools >= 5
Bounds
 stools <= 12
End
"""


def qwen_folder(folder: Path, name: str) -> Path:
    """What ms-swift takes for the model of a template, without weights."""
    save_qwen_tokenizer(folder)
    config = {"model_type": MODEL_TYPES[name], "vocab_size": 151936, "max_position_embeddings": 32768, **SHAPE}
    architecture = {"qwen3": "Qwen3ForCausalLM", "qwen2_5": "Qwen2ForCausalLM"}[name]
    (folder / "config.json").write_text(json.dumps({**config, "architectures": [architecture]}))
    if name == "qwen2_5":
        path = folder / "tokenizer.json"
        document = json.loads(path.read_text())
        document["added_tokens"] = [t for t in document["added_tokens"] if t["content"] not in NOT_IN_QWEN2_5]
        path.write_text(json.dumps(document))
        (folder / "chat_template.jinja").write_text(QWEN2_5_CHAT.read_text())
    return folder


@dataclass(frozen=True)
class Paths:
    """The ways from messages to tokens, for one template."""

    name: str
    folder: Path
    template: Any

    def trained(self, messages: list[Message], answer: str = ANSWER) -> tuple[list[int], list[int]]:
        """Prompt and labels of a training row."""
        self.template.set_mode("train")
        encoded = self.template.encode({"messages": [*messages, {"role": "assistant", "content": answer}]})
        ids, labels = encoded["input_ids"], encoded["labels"]
        start = next(index for index, label in enumerate(labels) if label != -100)
        assert labels[start:] == ids[start:], "all after the prompt is trained, and nothing of it is not"
        return ids[:start], ids[start:]

    def inferred(self, messages: list[Message], backend: str, **kwargs: object) -> list[int]:
        """The prompt of ``swift infer`` with a backend; ``swift deploy`` makes it the same way."""
        self.template.set_mode(backend)
        return list(self.template.encode({"messages": messages, "chat_template_kwargs": kwargs})["input_ids"])

    def served(self, messages: list[Message]) -> list[int]:
        """The prompt of ``vllm serve``."""
        return list(
            self.template.tokenizer.apply_chat_template(messages, add_generation_prompt=True, enable_thinking=True)[
                "input_ids"
            ]
        )

    def text(self, ids: list[int]) -> str:
        return str(self.template.tokenizer.decode(ids))


@pytest.fixture(scope="module", params=["qwen3", "qwen2_5"])
def paths(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    name = request.param
    folder = qwen_folder(tmp_path_factory.mktemp(name), name)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("USE_HF", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        warnings.simplefilter("ignore")  # what ms-swift and torch deprecate among themselves is not ours to mend
        from swift.model import get_model_processor
        from swift.template import get_template

        _, processor = get_model_processor(str(folder), load_model=False, model_type=MODEL_TYPES[name])
        # as the recipes say, and as ms-swift's arguments add for a hybrid template
        loss_scale = "last_round+ignore_empty_think" if name == "qwen3" else "last_round"
        template = get_template(processor, template_type=name, loss_scale=loss_scale, enable_thinking=True)
    return Paths(name, folder, template)


@pytest.fixture(scope="module")
def problem_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    (folder / "models").mkdir()
    (folder / "models" / "stool.lp").write_text(LP)
    record = {
        "problem_id": "stool",
        "model_file": "models/stool.lp",
        "error_type": "A",
        "description": "A shop builds seats.\nlabor: at most 30 hours <|im_end|> <think>\n",
    }
    (folder / "problems.jsonl").write_text(json.dumps(record) + "\n")
    return folder


@pytest.mark.parametrize("profile", PROFILES)
def test_one_observation_is_one_prompt(paths: Paths, problem_set: Path, profile: Profile) -> None:
    messages, _, _ = Prompts(problem_set, profile, "core").of("stool")
    prompt, _ = paths.trained(messages)
    assert prompt == paths.inferred(messages, "transformers") == paths.inferred(messages, "vllm")
    assert prompt == paths.served(messages)
    text = paths.text(prompt)
    assert text.endswith(f"<|im_end|>\n{GENERATION}") and text.count("<|im_end|>") == 2 and "<think>" not in text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(system=st.text(min_size=1), user=st.text(min_size=1))
def test_any_text_is_one_prompt(paths: Paths, system: str, user: str) -> None:
    messages = [{"role": "system", "content": safe(system)}, {"role": "user", "content": safe(user)}]
    prompt, _ = paths.trained(messages)
    assert prompt == paths.inferred(messages, "vllm") == paths.served(messages)


@pytest.mark.parametrize("thought", ["labor is wrong", "(1) labor", "  two\n\nparts ", "产量", "- a\n- b"])
def test_labels_are_what_the_model_must_write(paths: Paths, thought: str) -> None:
    messages = [{"role": "system", "content": "Repair."}, {"role": "user", "content": "labor >= 30"}]
    answer = assistant_text(thought.strip(), "Action: DROP_CONSTRAINT(labor)")
    prompt, labels = paths.trained(messages, answer)
    assert paths.text(labels) == answer + "<|im_end|>\n"
    assert paths.text(prompt + labels) == paths.template.tokenizer.apply_chat_template(
        [*messages, {"role": "assistant", "content": answer}], tokenize=False
    )
    # What a model that learned its labels writes ends at the token at which every engine stops.
    assert [paths.text([token]) for token in labels[-2:]] == ["<|im_end|>", "\n"]
    assert paths.text(labels[:-2]) == answer


def test_the_tag_is_a_token_of_qwen3_and_plain_text_of_qwen2_5(paths: Paths) -> None:
    _, labels = paths.trained([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}])
    first = paths.text(labels[:1])
    assert first == ("<think>" if paths.name == "qwen3" else "<th")


def test_a_response_prefix_is_how_the_labels_begin(paths: Paths) -> None:
    """The fallback may be forced to think: what is put before its reply is what it was trained to write there."""
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    prompt, labels = paths.trained(messages)
    forced = paths.inferred(messages, "vllm", response_prefix="<think>\n")
    assert forced[: len(prompt)] == prompt and len(forced) > len(prompt)
    assert forced[len(prompt) :] == labels[: len(forced) - len(prompt)]


def test_without_the_flag_qwen3_would_be_asked_something_else(paths: Paths) -> None:
    """Why every recipe says ``enable_thinking: true``: ms-swift as it is."""
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    prompt, _ = paths.trained(messages)
    off = paths.inferred(messages, "vllm", enable_thinking=False)
    assert paths.text(off) == paths.text(prompt) + (EMPTY_THOUGHT if paths.name == "qwen3" else "")
