"""The table of hyper-parameters, of a recipe and of the run that it became."""

import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from ordebug.core.errors import InputError, UsageError
from ordebug.swift_recipes.catalogue import FOLDER, find_recipe
from ordebug.swift_recipes.latex import hyperparameters, recipe_settings, run_settings
from ordebug.swift_recipes.training_run import begin, training_run

LORA = str(FOLDER / "sft" / "qwen3_8b_lora.yaml")
GRPO = str(FOLDER / "rlhf" / "qwen3_8b_grpo.yaml")
NOW = datetime(2026, 1, 31, 12, 0, 0)


def of(name: str) -> str:
    return hyperparameters(recipe_settings(find_recipe(name)))


def rows(table: str) -> dict[str, str]:
    pairs = (line.removesuffix(r" \\").split(" & ") for line in table.splitlines() if " & " in line)
    return {line[0]: line[1] for line in pairs}


def test_of_a_recipe() -> None:
    table = rows(of("infer/qwen2_5_7b_vllm"))
    assert table["Replies begin with"] == r"\textless{}think\textgreater{}\textbackslash{}n"
    table = rows(of("sft/qwen3_8b_full"))
    assert table["Learning rate"] == r"$1 \times 10^{-5}$" and table["Rows a step"] == r"32 ($2 \times 1 \times 16$)"


def test_grpo_names_what_it_optimises() -> None:
    table = rows(of("rlhf/qwen3_8b_grpo+gspo"))
    assert table["Rewards"] == r"ordebug\_outcome ordebug\_format ordebug\_think"
    assert table["Weights of rewards"] == "1 0.02 0.02" and table["Rewards scaled by"] == "group"
    assert table[r"KL coefficient $\beta$"] == "0" and table[r"Clipping $\epsilon$"] == r"$3 \times 10^{-4}$"
    assert table[r"Upper clipping $\epsilon_\mathrm{high}$"] == r"$4 \times 10^{-4}$"
    assert table["Replies to a prompt"] == "8" and table["Reply at most (tokens)"] == "1024"
    assert table["Replies a step"] == r"128 ($2 \times 4 \times 16$)" and "Rows a step" not in table


def test_what_has_no_row_is_listed() -> None:
    first, second, *_ = of("sft/qwen3_8b_lora").splitlines()
    assert first == "% ordebug recipes show sft/qwen3_8b_lora --latex"
    assert second.startswith("% not in the table: model_type, ") and "attn_impl" in second and "lora_rank" not in second


def test_a_run_is_told_as_it_was_started(tmp_path: Path) -> None:
    words = ["--output_dir", str(tmp_path), "--learning_rate", "2e-4", "--lora_rank=16", "--max_steps", "7"]
    folder = begin(training_run("sft", [LORA, *words]), {"NPROC_PER_NODE": "4"}, NOW)
    table = rows(hyperparameters(run_settings(str(folder))))
    assert table == rows(hyperparameters(run_settings(str(folder / "manifest.json"))))
    assert table["Learning rate"] == r"$2 \times 10^{-4}$" and table["LoRA rank $r$"] == "16" and table["Steps"] == "7"
    assert table["Rows a step"] == r"64 ($4 \times 4 \times 4$)", "the environment's processes, not the recipe's"
    untouched = ("Learning rate", "LoRA rank $r$", "Steps", "Rows a step")
    recipe = rows(of("sft/qwen3_8b_lora"))
    assert {k: v for k, v in table.items() if k not in untouched} == {
        k: v for k, v in recipe.items() if k not in untouched
    }


def test_a_run_without_a_recipe_has_its_table(tmp_path: Path) -> None:
    words = ["--rlhf_type", "grpo", "--output_dir", str(tmp_path), "--per_device_train_batch_size", "8"]
    folder = begin(training_run("rlhf", words), {}, NOW)
    table = rows(hyperparameters(run_settings(str(folder))))
    assert table["Replies a step"] == r"8 ($1 \times 8 \times 1$)" and table["Seed"] == "42"


def test_the_command_prints_a_runs_table(tmp_path: Path) -> None:
    folder = begin(training_run("rlhf", [GRPO, "--output_dir", str(tmp_path), "--beta", "0.04"]), {}, NOW)
    ordebug = shutil.which("ordebug")
    done = subprocess.run([ordebug, "recipes", "show", folder, "--latex"], capture_output=True, text=True)
    assert done.returncode == 0 and r"KL coefficient $\beta$ & 0.04 \\" in done.stdout, done.stderr


def test_what_has_no_table_is_refused(tmp_path: Path) -> None:
    own, evaluation = tmp_path / "own.yaml", tmp_path / "manifest.json"
    own.write_text("report_to: none\n")
    with pytest.raises(UsageError, match="names no hyper-parameter") as caught:
        hyperparameters(recipe_settings(find_recipe(str(own), "sft")))
    assert "run's folder" in caught.value.fix
    with pytest.raises(InputError, match="does not exist") as caught_too:
        run_settings(str(tmp_path))
    assert "beside the checkpoints" in caught_too.value.fix
    for content in ({"config": {"seed": 1}, "data": {}}, [], {"config": [], "environment": {}}):
        evaluation.write_text(json.dumps(content))
        with pytest.raises(InputError, match="no manifest of a training run"):
            run_settings(str(tmp_path))
