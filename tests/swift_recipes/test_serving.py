"""What a server is told of a checkpoint, and which it is not given to."""

import json
import subprocess
from pathlib import Path

import pytest

from ordebug.core.errors import UsageError
from ordebug.swift_recipes.catalogue import find_recipe
from ordebug.swift_recipes.serving import serving_words

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = find_recipe("deploy/qwen3_8b_vllm")
KEYS = ("model_type", "template", "response_prefix", "preserve_thinking")


def checkpoint(folder: Path, sft: str, **more: object) -> str:
    """A folder with what ms-swift leaves of a recipe's arguments."""
    folder.mkdir(exist_ok=True)
    (folder / "args.json").write_text(json.dumps(dict.fromkeys(KEYS) | find_recipe(sft).values | more))
    return str(folder)


def told(model: str, *given: str) -> dict[str, str]:
    words = serving_words(model, "swift", DEPLOY, given)
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    ("sft", "infer"),
    [
        ("sft/qwen3_8b_lora", "infer/qwen3_8b_vllm"),
        ("sft/qwen3_4b_thinking_lora", "infer/qwen3_4b_thinking_vllm"),
        ("sft/qwen2_5_7b_lora", "infer/qwen2_5_7b_vllm"),
    ],
)
def test_a_server_is_told_what_the_recipe_for_inference_says(sft: str, infer: str, tmp_path: Path) -> None:
    wanted = {key: value for key, value in find_recipe(infer).values.items() if key in KEYS}
    in_force = DEPLOY.values | {key[2:]: value for key, value in told(checkpoint(tmp_path, sft)).items()}
    assert {key: in_force.get(key) for key in KEYS} == {key: wanted.get(key) for key in KEYS}


def test_nothing_is_told_that_the_recipe_says_already(tmp_path: Path) -> None:
    assert told(checkpoint(tmp_path, "sft/qwen3_8b_lora")) == {}
    assert told(checkpoint(tmp_path, "sft/qwen3_8b_lora", response_prefix="<think>\nI")) == {
        "--response_prefix": "<think>\nI"
    }
    assert told(checkpoint(tmp_path, "sft/qwen3_8b_chat_lora")) == {"--preserve_thinking": "true"}


def test_an_adapter_without_arguments_is_as_its_base(tmp_path: Path) -> None:
    base, adapter = checkpoint(tmp_path / "base", "sft/qwen3_4b_thinking_lora"), tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    assert told(str(adapter)) == {"--template": "qwen3_thinking"}


def test_an_adapter_with_whole_layers_is_to_be_merged_first(tmp_path: Path) -> None:
    config = {"base_model_name_or_path": "Qwen/Qwen3-8B-Base", "modules_to_save": ["lm_head"]}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    for engine in ("swift", "vllm"):
        with pytest.raises(UsageError, match=r"holds whole layers \(lm_head\)"):
            serving_words(str(tmp_path), engine, DEPLOY, [])
    assert told(str(tmp_path), "--merge_lora", "true") == {}


def test_vllm_is_not_given_what_it_cannot_begin(tmp_path: Path) -> None:
    model = checkpoint(tmp_path, "sft/qwen2_5_7b_lora")
    with pytest.raises(UsageError, match=r"trained behind '<think>\\n'"):
        serving_words(model, "vllm", DEPLOY, [])
    assert serving_words(model, "vllm", DEPLOY, ["--chat-template=mine.jinja"]) == []
    for sft in ("sft/qwen3_8b_lora", "sft/qwen3_4b_thinking_lora"):  # the chat template in the checkpoint does it
        assert serving_words(checkpoint(tmp_path, sft), "vllm", DEPLOY, []) == []


@pytest.mark.parametrize(
    ("model", "fix"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "--model_type qwen2 --template qwen2_5"),
        ("Qwen/Qwen3-4B-Thinking-2507", "--model_type qwen3 --template qwen3_thinking"),
        ("someone/else", "--model_type MODEL_TYPE --template TEMPLATE"),
    ],
)
def test_a_hubs_model_of_another_kind_is_refused_until_it_is_said(model: str, fix: str) -> None:
    with pytest.raises(UsageError, match=f"{model} is not what deploy/qwen3_8b_vllm is for") as caught:
        told(model)
    assert caught.value.fix == f"Say so: {fix}"
    assert told(model, "--template=qwen2_5") == {}
    assert told("Qwen/Qwen3-8B") == told("Qwen/Qwen3-0.6B-Base") == {}


def test_a_folder_is_told_by_its_files(tmp_path: Path) -> None:
    config, chat = tmp_path / "config.json", tmp_path / "tokenizer_config.json"
    config.write_text('{"model_type": "qwen2"}')
    with pytest.raises(UsageError) as caught:
        told(str(tmp_path))
    assert caught.value.fix.endswith("--template qwen2_5")
    config.write_text('{"model_type": "qwen3"}')
    assert told(str(tmp_path)) == {}
    chat.write_text(json.dumps({"chat_template": r"{{- '<|im_start|>assistant\n<think>\n' }}"}))
    with pytest.raises(UsageError) as caught:
        told(str(tmp_path))
    assert caught.value.fix.endswith("--template qwen3_thinking")


def test_the_script_stops_before_a_server_starts(tmp_path: Path) -> None:
    model = checkpoint(tmp_path / "model", "sft/qwen2_5_7b_lora")
    for script, words in (("deploy.sh", []), ("eval.sh", ["--problems", "p", "--out", str(tmp_path / "out"), "--"])):
        command = ["bash", f"shell/{script}", model, *words, "--engine", "vllm"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2 and "cannot begin replies" in done.stderr, done.stderr
        assert "+ vllm" not in done.stderr
