"""An adapter is merged into the model it was trained on, and into no other."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError, UsageError
from ordebug.swift_recipes.catalogue import FOLDER
from ordebug.swift_recipes.merge import base_words
from ordebug.swift_recipes.model_names import same_model

MERGE = Path(__file__).resolve().parent.parent.parent / "shell" / "merge.sh"
OFFLINE = {"USE_HF": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
BASE = {"model": "Qwen/Qwen3-8B-Base", "model_type": "qwen3", "template": "qwen3"}


def checkpoint(folder: Path, peft: Any, swift: Any = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(peft))
    if swift is not None:
        (folder / "args.json").write_text(json.dumps(swift))
    return folder


def test_the_checkpoint_names_its_model(tmp_path: Path) -> None:
    adapter = checkpoint(tmp_path, {"base_model_name_or_path": "/cache/models/Qwen/Qwen3-8B-Base"}, BASE)
    words = ["--model", "Qwen/Qwen3-8B-Base", "--model_type", "qwen3", "--template", "qwen3"]
    assert base_words(adapter) == base_words(adapter, words) == base_words(adapter, ["--template=qwen3"]) == words
    checkpoint(tmp_path, {}, BASE | {"use_hf": True})
    assert base_words(adapter) == [*words, "--use_hf", "true"], "from the hub that it was trained from"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "Qwen/Qwen3-8B"], "trained with model Qwen/Qwen3-8B-Base, not Qwen/Qwen3-8B."),
        (["--model=Qwen/Qwen3-8B"], "not Qwen/Qwen3-8B."),
        (["--model", "other/Qwen3-8B-Base"], "not other/Qwen3-8B-Base."),
        (["--template", "qwen3_thinking"], "trained with template qwen3, not qwen3_thinking."),
        (["--model-type", "qwen2"], "trained with model_type qwen3, not qwen2."),
    ],
)
def test_another_model_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        base_words(checkpoint(tmp_path, {}, BASE), words)
    assert said in raised.value.message


def test_an_adapter_without_ms_swift_says_its_model_alone(tmp_path: Path) -> None:
    adapter = checkpoint(tmp_path, {"base_model_name_or_path": "Qwen/Qwen2.5-7B-Instruct"})
    with pytest.raises(UsageError, match="does not say its model_type"):
        base_words(adapter)
    words = ["--model_type", "qwen2", "--template", "qwen2_5"]
    assert base_words(adapter, words) == ["--model", "Qwen/Qwen2.5-7B-Instruct", *words]


def test_a_model_that_was_moved(tmp_path: Path) -> None:
    adapter = checkpoint(tmp_path / "adapter", {}, BASE | {"model": "/gone/Qwen3-8B-Base"})
    with pytest.raises(UsageError, match="which is not here"):
        base_words(adapter)
    here, wrong = tmp_path / "Qwen3-8B-Base", tmp_path / "Qwen3-8B"
    here.mkdir()
    wrong.mkdir()
    assert base_words(adapter, ["--model", str(here)])[:2] == ["--model", str(here)]
    with pytest.raises(UsageError, match=r"not .*Qwen3-8B"):
        base_words(adapter, ["--model", str(wrong)])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "/cache/hub/models/Qwen/Qwen2___5-7B-Instruct", True),
        ("Qwen/Qwen3-8B", "/cache/models--Qwen--Qwen3-8B/snapshots/0f1e", True),
        ("Qwen/Qwen3-8B-Base", "/cache/models--Qwen--Qwen3-8B/snapshots/0f1e", False),
        ("/gone/v0-1/checkpoint-9", "/here/v1-2/checkpoint-9", False),
        ("/gone/v0-1/checkpoint-9", "/here/v0-1/checkpoint-9", True),
    ],
)
def test_names_of_one_model(one: str, other: str, same: bool) -> None:
    assert same_model(one, other) is same_model(other, one) is same


@pytest.mark.parametrize("config", [None, [], 3])
def test_what_is_no_adapter(tmp_path: Path, config: Any) -> None:
    if config is not None:
        checkpoint(tmp_path, config)
    with pytest.raises(InputError):
        base_words(tmp_path)


@pytest.fixture(scope="module")
def folder(ms_swift: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small models of one shape, ``right`` and ``wrong``, and an adapter of the first, not zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from ordebug.swift_recipes.tiny import build

    folder = tmp_path_factory.mktemp("merge")
    (folder / "rows.jsonl").write_text(json.dumps({"messages": [{"role": "user", "content": "labor at most 40"}]}))
    for seed, name in enumerate(("right", "wrong")):
        build(folder / "rows.jsonl", folder / name, seed)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(folder / "right")
    adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"], init_lora_weights=False))
    adapted.save_pretrained(folder / "adapter")
    arguments = {"model": str(folder / "right"), "model_type": "qwen3", "template": "qwen3"}
    (folder / "adapter" / "args.json").write_text(json.dumps(arguments | {"quant_method": "bnb", "quant_bits": 4}))
    return folder


def merged(folder: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(MERGE), str(folder / "adapter"), str(out), *more]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **OFFLINE})


@pytest.mark.slow
def test_the_merged_model_is_the_right_one_with_the_adapter_in_it(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    done = merged(folder, tmp_path / "out", "--torch_dtype", "float32", "--load_args", "true")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    whole, adapter = (
        load_file(tmp_path / "out/model.safetensors"),
        load_file(folder / "adapter/adapter_model.safetensors"),
    )
    for name, weight in load_file(folder / "right" / "model.safetensors").items():
        if "q_proj" in name:
            first, second = (adapter[f"base_model.model.{name[:-7]}.lora_{side}.weight"] for side in "AB")
            added = 8 / 4 * second @ first
            assert added.abs().max() > 0.01
            weight = weight + added
        assert torch.allclose(whole[name], weight, atol=1e-5), name
    again = merged(folder, tmp_path / "out")
    assert again.returncode == 2 and "is there already" in again.stderr


def test_the_wrong_one_is_refused_before_swift_starts(folder: Path, tmp_path: Path) -> None:
    done = merged(folder, tmp_path / "out", "--model", str(folder / "wrong"))
    assert done.returncode == 2 and f"not {folder / 'wrong'}" in done.stderr
    assert "swift export" not in done.stderr and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_recipe_alone_stops_without_a_model(folder: Path, tmp_path: Path) -> None:
    adapter = shutil.copytree(folder / "adapter", tmp_path / "adapter")
    command = ["swift", "export", str(FOLDER / "export/merge_lora.yaml"), "--adapters", str(adapter)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **OFFLINE})
    assert done.returncode != 0 and "Please set --model" in done.stderr
    assert not (tmp_path / "adapter-merged").exists()
