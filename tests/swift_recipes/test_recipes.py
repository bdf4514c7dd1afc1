"""Recipes, read by ms-swift's own argument classes, and the rules that every one must keep."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGIN_FOLDER = ROOT / "swift_recipes" / "plugin"
RECIPES = sorted((ROOT / "swift_recipes").glob("*/*.yaml"))
PARSE = """
import json, sys, yaml
from transformers import HfArgumentParser
from swift.arguments import DeployArguments, InferArguments, RLHFArguments, SftArguments
KINDS = {"sft": SftArguments, "infer": InferArguments, "deploy": DeployArguments, "rlhf": RLHFArguments}
for path in sys.argv[1:]:
    recipe = yaml.safe_load(open(path))
    recipe.pop("ENV", None)
    kind = KINDS[path.split("/")[-2]]
    kind.__post_init__ = lambda self: None  # it would look for the model and the GPUs
    arguments = []
    for key, value in recipe.items():
        values = value if isinstance(value, list) else [json.dumps(value) if isinstance(value, dict) else value]
        arguments += [f"--{key}", *map(str, values)]
    parsed, rest = HfArgumentParser([kind]).parse_args_into_dataclasses(arguments, return_remaining_strings=True)
    print(path, "unknown:", rest)
"""


def load(path: Path) -> dict[str, object]:
    recipe = yaml.safe_load(path.read_text())
    assert isinstance(recipe, dict)
    return recipe


def test_all_recipes_are_here() -> None:
    names = {f"{path.parent.name}/{path.name}" for path in RECIPES}
    assert {"sft/tiny_cpu.yaml", "sft/qwen3_8b_lora.yaml", "infer/tiny_cpu.yaml", "infer/qwen3_8b_vllm.yaml"} <= names
    assert {"infer/tiny_cpu_vllm.yaml", "deploy/tiny_cpu.yaml", "deploy/qwen3_8b_vllm.yaml"} <= names


def test_ms_swift_knows_every_key() -> None:
    paths = [str(path) for path in RECIPES]
    run = subprocess.run([sys.executable, "-c", PARSE, *paths], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.splitlines()[-len(paths) :] == [f"{path} unknown: []" for path in paths]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_rules_of_ours(path: Path) -> None:
    recipe = load(path)
    assert recipe["enable_thinking"] is True, "the thought must be on wherever text is generated"
    assert recipe["seed"] == 42 and recipe["model_type"] == "qwen3" and recipe["template"] == "qwen3"
    assert None not in recipe.values(), "swift reads null as the text None"
    if path.parent.name in ("infer", "deploy"):
        assert isinstance(recipe["max_new_tokens"], int), "without a limit a bad reply never ends"
    else:
        assert recipe["strict"] is True and recipe["max_length"]
        assert recipe["deepspeed"] == "zero2" if "deepspeed" in recipe else recipe["use_cpu"] is True


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_value_has_its_reason(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip() and line != "ENV:"]
    assert [line for line in lines if "#" not in line] == []


@pytest.mark.parametrize("path", [p for p in RECIPES if p.parent.name == "rlhf"], ids=lambda path: path.name)
def test_grpo_counts_work_out(path: Path) -> None:
    recipe: dict[str, Any] = load(path)
    batch = recipe["per_device_train_batch_size"] * recipe.get("ENV", {}).get("NPROC_PER_NODE", 1)
    assert batch * recipe["gradient_accumulation_steps"] % recipe["num_generations"] == 0
    played = recipe.get("use_gym_env") is True
    assert len(recipe["reward_weights"]) == len(recipe["reward_funcs"]) + played
    assert ("ordebug_outcome" in recipe["reward_funcs"]) is not played, "the return would count twice, or not at all"
    assert "ordebug_plugin.py" in path.read_text().split("\nENV:")[0], "the command names the plugin"
    if recipe["use_vllm"]:
        assert recipe["vllm_max_model_len"] >= recipe["max_length"] + recipe["max_completion_length"]


def test_the_plugin_is_alone_in_its_folder() -> None:
    names = {path.name for path in PLUGIN_FOLDER.iterdir()} - {"__pycache__"}
    assert names == {"ordebug_plugin.py"}, "what lies beside it would shadow packages"
