"""Variants of GRPO: what an overlay makes of a recipe, and that ms-swift trains with it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ordebug.cli import recipes as command
from ordebug.converters.env_config import EnvConfig
from ordebug.converters.grpo import write_prompts
from ordebug.core.errors import UsageError
from ordebug.env.generate.generator import Plan, generate
from ordebug.env.problem_set import read_problem_set
from ordebug.swift_recipes.catalogue import FOLDER, OVERLAYS, Recipe, find_recipe, overlays, variants
from ordebug.swift_recipes.overlay import overlaid

VARIANTS = variants()
BASE = """# A base.
# More.
ENV:
  A: 1                     # one

a: 1                       # first
b: [
  1,
]                          # a list
# between
c: 3                       # third
"""


def test_lines_are_replaced_added_and_taken_out() -> None:
    found = overlaid(
        BASE, "# An overlay.\n# Why.\nb: 2                       # two\nc: null  # gone\nd: 4  # new\n", "x"
    )
    assert found.splitlines()[:4] == ["# A base.", "# More.", "# + x: An overlay.", "#   Why."]
    assert yaml.safe_load(found) == {"ENV": {"A": 1}, "a": 1, "b": 2, "d": 4}
    assert "# between" in found and "# first" in found and "# two" in found and "third" not in found
    assert overlaid(BASE, "# Takes out what is not there.\nz: null\n", "y").splitlines()[3:] == BASE.splitlines()[2:]


def test_the_last_overlay_counts() -> None:
    one = find_recipe("rlhf/qwen3_8b_grpo+qlora+gspo")
    assert one.name == "rlhf/qwen3_8b_grpo+qlora+gspo" and one.values["generation_batch_size"] == 512
    assert find_recipe("rlhf/qwen3_8b_grpo+gspo+qlora").values["generation_batch_size"] == 32
    assert one.values["importance_sampling_level"] == "sequence" and "vllm_mode" not in one.values


def test_every_variant_of_the_two_recipes_is_here() -> None:
    assert {recipe.name for recipe in VARIANTS} == {
        f"rlhf/{base}+{name}"
        for base in ("qwen3_8b_grpo", "qwen3_8b_grpo_multi_turn")
        for name in ("dapo", "dr_grpo", "gspo", "qlora", "server")
    }
    assert len(list(OVERLAYS.iterdir())) == len(overlays()) == 5


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize("recipe", VARIANTS, ids=lambda recipe: recipe.name)
def test_ms_swift_takes_it_and_it_keeps_our_rules(recipe: Recipe) -> None:
    from ordebug.swift_recipes.check import problems

    assert problems(recipe) == []
    assert all(recipe.reasons[key] for key in recipe.values), "every value has its reason"


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('reward_weights: ["1", "0.02"]', "one a reward function (3)."),
        ("gradient_accumulation_steps: 1\nnum_generations: 3", "8 replies are generated at once"),
        ("generation_batch_size: 12", "whole groups of 8 and whole batches of 8"),
        ("max_resample_times: 3", "is ignored without dynamic_sample true"),
        ("use_vllm: false", "sleep_level: is ignored without vLLM"),
        ("gym_env: ordebug", "one a reward function (3) and one for gym_reward"),
    ],
)
def test_what_ms_swift_finds_late_is_found(tmp_path: Path, line: str, said: str) -> None:
    from ordebug.swift_recipes.check import problems

    path = tmp_path / "rlhf" / "own.yaml"
    path.parent.mkdir()
    path.write_text(overlaid(find_recipe("rlhf/qwen3_8b_grpo").text, f"# x\n{line}\n", "x"))
    assert [each for each in problems(find_recipe(str(path))) if said in each]


def test_files_of_ones_own_take_overlays_too(tmp_path: Path) -> None:
    path = tmp_path / "a+b.yaml"
    path.write_text(find_recipe("rlhf/qwen3_8b_grpo").text)
    found = find_recipe(f"{path}+dr_grpo", "grpo")
    assert found.values["loss_type"] == "dr_grpo" and found.path == path
    assert "loss_type" not in find_recipe(str(path), "grpo").values


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rlhf/qwen3_8b_grpo+dapp", "Did you mean dapo?"),
        ("rlhf/qwen3_8b_grpo+", "no overlay ''"),
        ("rlhf/qwen3_8b_grpo+../dapo", "no overlay"),
        ("sft/qwen3_8b_lora+dapo", "is for swift sft"),
        ("rlhf/nothing+dapo", "no recipe 'rlhf/nothing'"),
        ("+dapo", "no recipe ''"),
    ],
)
def test_what_cannot_be_laid_on_is_told(name: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_recipe(name)
    assert said in raised.value.message


def test_show_prints_a_file_that_swift_can_read(tmp_path: Path) -> None:
    shown = CliRunner().invoke(command.app, ["show", "rlhf/qwen3_8b_grpo+dapo", "--yaml"])
    assert shown.exit_code == 0 and shown.output.endswith("\n")
    (tmp_path / "dapo.yaml").write_text(shown.output)
    again = find_recipe(str(tmp_path / "dapo.yaml"), "grpo")
    assert again.values == find_recipe("rlhf/qwen3_8b_grpo+dapo").values and again.env == {
        "NPROC_PER_NODE": 2,
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    }
    assert "+dr_grpo" in CliRunner().invoke(command.app, ["list"]).output


SMALL = "--max_steps 2 --per_device_train_batch_size 8 --max_completion_length 16"
EPISODES = "--multi_turn_scheduler ordebug --gym_env ordebug --max_turns 2"
DAPO = {"loss_type": "dapo", "dynamic_sample": True, "overlong_filter": True, "epsilon_high": 0.28, "beta": 0.0}
TRAINED = [
    ("+dapo", "", DAPO),
    ("+dapo", EPISODES, DAPO | {"max_turns": 2}),
    ("+gspo", "--generation_batch_size 32", {"importance_sampling_level": "sequence", "epsilon": 3e-4, "beta": 0.0}),
    ("+dr_grpo", "", {"loss_type": "dr_grpo", "scale_rewards": "none", "beta": 0.0}),
    ("", "--gradient_accumulation_steps 4 --generation_batch_size 16", {"generation_batch_size": 16}),  # as in +qlora
]


@pytest.mark.slow
@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize(("overlay", "more", "wanted"), TRAINED)
def test_ms_swift_trains_with_it(tmp_path: Path, overlay: str, more: str, wanted: dict[str, Any]) -> None:
    from ordebug.swift_recipes.tiny import build

    generate(tmp_path / "set", Plan(4, ("A",), ("production",), seed=5), workers=1)
    rows = tmp_path / "grpo.jsonl"
    write_prompts(
        read_problem_set(tmp_path / "set"), EnvConfig(problems=tmp_path / "set", max_steps=2), rows
    )  # as EPISODES has turns
    build(rows, tmp_path / "model")
    (tmp_path / "own.yaml").write_text(find_recipe(f"rlhf/tiny_cpu_grpo{overlay}").text)
    files = {"--model": "model", "--dataset": "grpo.jsonl", "--output_dir": "out"}
    words = [word for key, file in files.items() for word in (key, str(tmp_path / file))]
    words += ["--external_plugins", str(FOLDER / "plugin" / "ordebug_plugin.py"), *SMALL.split(), *more.split()]
    run = ["swift", "rlhf", str(tmp_path / "own.yaml"), *words]
    done = subprocess.run(run, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    read = json.loads((tmp_path / "out" / "args.json").read_text())
    assert {key: read[key] for key in wanted} == wanted
    logged = [json.loads(line) for line in (tmp_path / "out" / "logging.jsonl").read_text().splitlines()]
    assert sum("grad_norm" in row for row in logged) == 2, "two updates"
    assert sum("reward" in row for row in logged) == (1 if overlay == "+gspo" else 2), "what was generated"
