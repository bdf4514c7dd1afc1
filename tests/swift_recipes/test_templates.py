"""What a recipe trains on is what its inference recipe shows and expects, token by token, by ms-swift's templates."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.messages import assistant_text
from ordebug.swift_recipes.catalogue import find_recipe
from ordebug.swift_recipes.serving import serving_words

SHAPE = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2}
NOT_IN_QWEN2_5 = ("<tool_response>", "</tool_response>", "<think>", "</think>")
ANSWER = assistant_text("(1) labor: at most, written >=, wrong", "Action: DROP_CONSTRAINT(labor)")
PROMPT = [{"role": "system", "content": "Repair."}, {"role": "user", "content": "labor: at most 40"}]
TEMPLATE_KEYS = ("loss_scale", "preserve_thinking", "enable_thinking", "response_prefix")

Template = Callable[..., Any]


@pytest.fixture
def template(ms_swift: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Template:
    """ms-swift's template of a recipe, on Qwen's tokenizer."""
    monkeypatch.setenv("USE_HF", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def build(name: str, mode: str, **more: Any) -> Any:
        values = find_recipe(name).values | more
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from swift.model import get_model_processor
            from swift.template import get_template

            folder = model_folder(tmp_path / values["model_type"], values["model_type"])
            _, processor = get_model_processor(str(folder), load_model=False, model_type=values["model_type"])
            keys = {key: values[key] for key in TEMPLATE_KEYS if key in values}
            made = get_template(processor, template_type=values["template"], **keys)
        made.set_mode(mode)
        return made

    return build


def model_folder(folder: Path, model_type: str) -> Path:
    """What ms-swift takes for a model, without weights; Qwen2.5's tokenizer has no tags for thoughts."""
    if folder.is_dir():
        return folder
    from ordebug.swift_recipes.qwen_tokens import save_qwen_tokenizer

    save_qwen_tokenizer(folder)
    class_name = {"qwen3": "Qwen3ForCausalLM", "qwen2": "Qwen2ForCausalLM"}[model_type]
    config = {"model_type": model_type, "vocab_size": 151936, "max_position_embeddings": 32768, **SHAPE}
    (folder / "config.json").write_text(json.dumps({**config, "architectures": [class_name]}))
    if model_type == "qwen2":
        path = folder / "tokenizer.json"
        document = json.loads(path.read_text())
        document["added_tokens"] = [t for t in document["added_tokens"] if t["content"] not in NOT_IN_QWEN2_5]
        path.write_text(json.dumps(document))
    return folder


def trained(template: Any, messages: list[dict[str, str]]) -> tuple[list[int], list[int]]:
    """The tokens of a row, and their labels."""
    encoded = template.encode({"messages": messages})
    return encoded["input_ids"], encoded["labels"]


@pytest.mark.parametrize(
    ("sft", "infer", "begins"),
    [
        ("sft/qwen3_8b_lora", "infer/qwen3_8b_vllm", ""),
        ("sft/qwen3_8b_base_lora", "infer/qwen3_8b_vllm", ""),
        ("sft/qwen3_8b_chat_lora", "infer/qwen3_8b_vllm", ""),
        ("sft/qwen3_4b_thinking_lora", "infer/qwen3_4b_thinking_vllm", "<think>\n"),
        ("sft/qwen2_5_7b_lora", "infer/qwen2_5_7b_vllm", "<think>\n"),
    ],
)
def test_the_prompt_is_given_and_the_rest_is_trained(sft: str, infer: str, begins: str, template: Template) -> None:
    training, inference = template(sft, "train"), template(infer, "vllm")
    ids, labels = trained(training, [*PROMPT, {"role": "assistant", "content": ANSWER}])
    start = next(at for at, label in enumerate(labels) if label != -100)
    assert labels[start:] == ids[start:], "all after the prompt is trained, and nothing of it is not"
    assert ids[:start] == inference.encode({"messages": PROMPT})["input_ids"]
    tokenizer = training.tokenizer
    assert tokenizer.decode(ids[:start]).endswith(f"<|im_start|>assistant\n{begins}")
    assert tokenizer.decode(ids[start:]) == f"{ANSWER.removeprefix(begins)}<|im_end|>\n"


@pytest.mark.parametrize(
    "sft", ["sft/qwen3_8b_lora", "sft/qwen3_8b_chat_lora", "sft/qwen3_4b_thinking_lora", "sft/qwen2_5_7b_lora"]
)
def test_a_server_is_told_so_that_its_prompt_is_the_one_that_was_trained(
    sft: str, template: Template, tmp_path: Path
) -> None:
    turns = [*PROMPT, {"role": "assistant", "content": ANSWER}]
    if sft == "sft/qwen3_8b_chat_lora":  # it is trained on earlier turns too
        turns += [{"role": "user", "content": "still infeasible"}, {"role": "assistant", "content": ANSWER}]
    training, deploy = template(sft, "train"), find_recipe("deploy/qwen3_8b_vllm")
    ids, labels = trained(training, turns)
    start = len(labels) - next(at for at, label in enumerate(reversed(labels)) if label == -100)
    (tmp_path / "args.json").write_text(json.dumps(find_recipe(sft).values))
    words = serving_words(str(tmp_path), "swift", deploy, [])
    told = {key.removeprefix("--"): value for key, value in zip(words[::2], words[1::2], strict=True)}
    given: dict[str, Any] = {
        key: value == "true" if value in ("true", "false") else value for key, value in told.items()
    }
    assert template(deploy.name, "vllm", **given).encode({"messages": turns[:-1]})["input_ids"] == ids[:start]


def test_a_thought_is_plain_text_to_qwen2_5(template: Template) -> None:
    tokenizer = template("sft/qwen2_5_7b_lora", "train").tokenizer
    assert len(tokenizer.encode("<think>")) > 1
    assert len(template("sft/qwen3_8b_lora", "train").tokenizer.encode("<think>")) == 1


def test_a_conversation_keeps_and_trains_every_thought(template: Template) -> None:
    turns = [*PROMPT]
    for text in ("still infeasible", "and again"):
        turns += [{"role": "assistant", "content": ANSWER}, {"role": "user", "content": text}]
    ids, labels = trained(
        template("sft/qwen3_8b_chat_lora", "train"), [*turns, {"role": "assistant", "content": ANSWER}]
    )
    tokenizer = template("sft/qwen3_8b_chat_lora", "train").tokenizer
    assert tokenizer.decode([label for label in labels if label != -100]) == f"{ANSWER}<|im_end|>\n" * 3
    kept = template("infer/qwen3_8b_vllm", "vllm", preserve_thinking=True).encode({"messages": turns})["input_ids"]
    assert ids[: len(kept)] == kept
    left_out = template("infer/qwen3_8b_vllm", "vllm").encode({"messages": turns})["input_ids"]
    assert "<think>" not in tokenizer.decode(left_out), "why --preserve_thinking true must be given"
