"""Every recipe that comes with ordebug passes its own check, and says why each value is what it is."""

import re

import pytest

from ordebug.swift_recipes.catalogue import FOLDER, KINDS, Recipe, find_recipe, recipes

RECIPES = recipes()


def test_all_recipes_are_here() -> None:
    names = {recipe.name for recipe in RECIPES}
    assert {
        "sft/tiny_cpu",
        "sft/qwen3_8b_lora",
        "sft/qwen3_8b_qlora",
        "sft/qwen3_8b_full",
        "sft/qwen3_8b_base_lora",
        "sft/qwen3_8b_chat_lora",
        "sft/qwen3_4b_thinking_lora",
        "sft/qwen2_5_7b_lora",
        "infer/tiny_cpu",
        "infer/qwen3_8b_vllm",
        "infer/qwen3_4b_thinking_vllm",
        "infer/qwen2_5_7b_vllm",
        "export/merge_lora",
        "rollout/qwen3_8b_vllm",
        "rollout/qwen3_8b_multi_turn_vllm",
    } <= names
    assert len(names) == len(list(FOLDER.glob("*/*.yaml"))) == len(RECIPES), "a folder that no swift command has"
    assert {recipe.kind for recipe in RECIPES} <= set(KINDS.values())


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_ms_swift_takes_it_and_it_keeps_our_rules(recipe: Recipe) -> None:
    from ordebug.swift_recipes.check import problems

    assert problems(recipe) == []


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_value_has_its_reason(recipe: Recipe) -> None:
    lines = [line for line in recipe.path.read_text().splitlines() if line.strip() and line != "ENV:"]
    assert [line for line in lines if "#" not in line] == []
    assert set(recipe.reasons) - {"ENV"} == set(recipe.values) and all(recipe.reasons[key] for key in recipe.values)


def test_training_and_inference_agree() -> None:
    by_name = {recipe.name: recipe.values for recipe in RECIPES}
    for model in ("qwen3_4b_thinking", "qwen2_5_7b", "qwen3_8b"):
        trained, inferred = by_name[f"sft/{model}_lora"], by_name[f"infer/{model}_vllm"]
        for key in ("model", "model_type", "template", "torch_dtype"):
            assert trained[key] == inferred[key], (model, key)
        assert inferred["vllm_max_lora_rank"] >= trained["lora_rank"]


@pytest.mark.parametrize("served", [r for r in RECIPES if r.kind == "rollout"], ids=lambda recipe: recipe.name)
def test_a_rollout_server_takes_what_its_trainer_asks(served: Recipe) -> None:
    named = re.search(r"(rlhf/\w+)\+server", served.about)
    assert named, "a server says which recipe it is for"
    trained = find_recipe(named[1]).values
    for key in ("max_length", "vllm_max_model_len"):
        assert served.values[key] >= trained[key], key
    assert served.values["vllm_max_model_len"] >= served.values["max_length"] + trained["max_completion_length"]
    for key in ("model", "model_type", "template", "multi_turn_scheduler", "gym_env", "max_turns"):
        assert served.values.get(key) == trained.get(key), key


def test_a_step_has_the_same_rows_in_every_8b_recipe() -> None:
    for recipe in RECIPES:
        if recipe.kind == "sft":
            rows = recipe.values["per_device_train_batch_size"] * recipe.values["gradient_accumulation_steps"]
            assert rows * recipe.env["NPROC_PER_NODE"] == 32, recipe.name
