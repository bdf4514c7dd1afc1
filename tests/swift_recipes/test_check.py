"""What the check of a recipe finds, on files that ms-swift would run or misread."""

import dataclasses
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ordebug.cli import recipes as command
from ordebug.core.errors import InputError, UsageError
from ordebug.swift_recipes.catalogue import FOLDER, find_recipe
from ordebug.swift_recipes.rules import WITHOUT_WARMUP
from ordebug.swift_recipes.spelling import KNOWN, misspelt_arguments, misspelt_variables

LORA = (FOLDER / "sft" / "qwen3_8b_lora.yaml").read_text()
INFER = (FOLDER / "infer" / "qwen3_8b_vllm.yaml").read_text()
MERGE = (FOLDER / "export" / "merge_lora.yaml").read_text()
GRPO = (FOLDER / "rlhf" / "qwen3_8b_grpo.yaml").read_text()


def found(folder: Path, kind: str, text: str) -> list[str]:
    from ordebug.swift_recipes.check import problems

    path = folder / kind / "own.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return problems(find_recipe(str(path)))


def replaced(text: str, key: str, line: str) -> str:
    lines = text.splitlines()
    at = next(index for index, old in enumerate(lines) if old.startswith(f"{key}:"))
    return "\n".join([*lines[:at], *line.splitlines(), *lines[at + 1 :]])


CASES = [
    ("sft", LORA, "lora_rank", "lora_rnak: 32", "lora_rnak: swift sft has no such argument. Did you mean lora_rank?"),
    ("sft", LORA, "lora_rank", "lora_ran: 32", "Did you mean lora_rank?"),
    ("sft", LORA, "model", "model: Qwen/Qwen3-8B-Instruct", "There is none: the post-trained model is Qwen/Qwen3-8B."),
    ("sft", LORA, "model", "model: Qwen/Qwen3-8b", "ms-swift knows no Qwen/Qwen3-8b. Did you mean Qwen/Qwen3-8B?"),
    ("sft", LORA, "template", "template: qwen3_thinkin", "Did you mean qwen3_thinking?"),
    ("sft", LORA, "template", "template: qwen3_thinking", "Qwen/Qwen3-8B has the template qwen3, not qwen3_thinking"),
    ("sft", LORA, "model_type", "model_type: qwen33", "model_type: ms-swift knows no qwen33"),
    ("sft", LORA, "loss_scale", "loss_scale: last_runde", "loss_scale: ms-swift knows no last_runde"),
    ("sft", LORA, "learning_rate", "learning_rate: fast", "learning_rate: 'fast' is refused"),
    ("sft", LORA, "tuner_type", "tuner_type: lorra", "tuner_type: ms-swift knows no lorra. Did you mean lora?"),
    ("sft", LORA, "deepspeed", "deepspeed: zero22", "deepspeed: zero22 is no preset of ms-swift and no file. Did you"),
    ("sft", LORA, "attn_impl", "quant_method: bnb\nquant_bits: 5", "quant_bits: 5 is refused: argument --quant_bits"),
    ("sft", LORA, "seed", "seed:", "seed: swift reads null as the text None"),
    ("sft", LORA, "strict", "strict: false", "strict: must be true"),
    ("sft", LORA, "max_length", "", "max_length: must be a number"),
    ("sft", LORA, "truncation_strategy", "truncation_strategy: left", "truncation_strategy: must be delete or raise"),
    ("sft", LORA, "data_seed", "", "data_seed: must be set"),
    ("sft", LORA, "tuner_type", "tuner_type: full", "lora_rank: is ignored with tuner_type full"),
    ("sft", LORA, "seed", "seed: 42\nmax_new_tokens: 9", "max_new_tokens: is ignored in training"),
    ("sft", LORA, "seed", "seed: 42\nmax_steps: 9", "num_train_epochs: is ignored with max_steps"),
    ("sft", LORA, "seed", "seed: 42\nbnb_4bit_quant_type: nf4", "is ignored without quant_method bnb"),
    ("sft", LORA, "seed", "seed: 42\nwarmup_steps: 9", "warmup_ratio: swift refuses it beside warmup_steps"),
    (
        "sft",
        LORA,
        "lr_scheduler_type",
        "lr_scheduler_type: constant",
        "warmup_ratio: is ignored by this lr_scheduler_type",
    ),
    (
        "rlhf",
        GRPO,
        "lr_scheduler_type",
        "lr_scheduler_type: greedy",
        "warmup_ratio: is ignored by this lr_scheduler_type",
    ),
    ("sft", LORA, "lr_scheduler_type", "lr_scheduler_type: cosin", "Transformers knows no cosin. Did you mean cosine?"),
    ("sft", LORA, "report_to", "report_to: [wandb, tensorbord]", "knows no tensorbord. Did you mean tensorboard?"),
    (
        "infer",
        INFER,
        "infer_backend",
        "attn_impl: flash_atn",
        "Transformers knows no flash_atn. Did you mean flash_attn?",
    ),
    ("sft", LORA, "seed", "seed: 42\npacking: true", "packing: swift refuses it unless attn_impl is one of flash_attn"),
    ("sft", LORA, "attn_impl", "padding_free: true", "padding_free: swift refuses it unless attn_impl is one of"),
    ("sft", LORA, "tuner_type", "train_type: lora", "no such argument. ms-swift 4 calls it tuner_type."),
    ("sft", LORA, "  NPROC_PER_NODE", "  NPROC_PER_NOD: 2", "ENV NPROC_PER_NOD: Did you mean NPROC_PER_NODE?"),
    ("sft", LORA, "  NPROC_PER_NODE", "  nproc_per_node: 2", "ENV nproc_per_node: Did you mean NPROC_PER_NODE?"),
    ("sft", LORA, "  NPROC_PER_NODE", "  CUDA_VISIBLE_DEVICE: 0", "Did you mean CUDA_VISIBLE_DEVICES?"),
    ("rlhf", GRPO, "truncation_strategy", "", "truncation_strategy: must be delete: a cut"),
    ("rlhf", GRPO, "truncation_strategy", "truncation_strategy: raise", "truncation_strategy: must be delete: a cut"),
    ("rlhf", GRPO, "max_length", "", "max_length: must be a number"),
    ("infer", INFER, "load_args", "", "load_args: must be false"),
    ("sft", LORA, "eval_strategy", "eval_strategy: no", "per_device_eval_batch_size: is ignored with eval_strategy no"),
    ("infer", INFER, "enable_thinking", "", "enable_thinking: must be true"),
    ("infer", INFER, "enable_thinking", "enable_thinking: false", "enable_thinking: must be true"),
    ("infer", INFER, "max_new_tokens", "", "max_new_tokens: must be a number"),
    ("infer", INFER, "infer_backend", "infer_backend: transformers", "vllm_max_model_len: is ignored without"),
    ("infer", INFER, "seed", "seed: 42\nmax_batch_size: 9", "max_batch_size: is ignored with vLLM"),
    ("infer", INFER, "seed", "", "seed: must be set"),
    ("infer", INFER, "seed", "seed: yes", "seed: must be set"),
    ("export", MERGE, "load_args", "load_args: true", "load_args: must be false"),
    ("export", MERGE, "seed", "seed: 42\nENV:\n  NPROC_PER_NODE: 2", "swift export is always one process"),
]


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize(("kind", "text", "key", "line", "said"), CASES, ids=[case[4][:50] for case in CASES])
def test_it_is_found(tmp_path: Path, kind: str, text: str, key: str, line: str, said: str) -> None:
    assert [each for each in found(tmp_path, kind, replaced(text, key, line)) if said in each]


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize(("kind", "text"), [("sft", LORA), ("infer", INFER), ("export", MERGE), ("rlhf", GRPO)])
def test_a_good_file_passes(tmp_path: Path, kind: str, text: str) -> None:
    assert found(tmp_path, kind, text) == []


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize(
    "key", ["model", "model_type", "template", "loss_scale", "deepspeed", "lora_rank", "help", "''"]
)
@pytest.mark.parametrize("value", ["[]", "{a: {b: 1}}", "[[1]]", ".nan", "--x", "''", "true"])
def test_odd_values_are_told_without_a_traceback(tmp_path: Path, key: str, value: str) -> None:
    text = replaced(LORA, key, "") if f"\n{key}:" in LORA else LORA
    assert all(isinstance(each, str) for each in found(tmp_path, "sft", f"{text}\n{key}: {value}\n"))


BROKEN = [
    "a: [",
    "- a",
    "text",
    "",
    "a: 1\na: 2",
    "ENV: 3\na: 1",
    "a: 2026-13-45",
    "\x00",
    "&a [*a, *b]",
    "? {a: 1}\n: 2",
]


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(InputError):
        find_recipe(str(path), "sft")


def test_bytes_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00a")
    (tmp_path / "y.yaml").mkdir()
    for name in ("x.yaml", "y.yaml", "none.yaml"):
        with pytest.raises(InputError):
            find_recipe(str(tmp_path / name), "sft")


def test_names_and_commands_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean sft/qwen3_8b_lora"):
        find_recipe("sft/qwen3_8b_lor")
    path = tmp_path / "own.yaml"
    path.write_text(LORA)
    with pytest.raises(UsageError, match="--kind"):
        find_recipe(str(path))
    assert find_recipe(str(path), "sft").kind == "sft"


@pytest.mark.usefixtures("ms_swift")
def test_the_command_says_no_with_1(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(replaced(LORA, "lora_rank", "lora_rnak: 32"))
    done = CliRunner().invoke(command.app, ["check", str(path), "--kind", "sft"])
    assert done.exit_code == 1
    assert done.output.startswith(f"wrong {path}\n") and "Did you mean lora_rank?" in done.output
    assert CliRunner().invoke(command.app, ["check", "sft/qwen3_8b_lora"]).exit_code == 0
    done = CliRunner().invoke(command.app, ["check", str(path), "--kind", "sft", "--json"])
    assert done.exit_code == 1 and '"lora_rnak' in done.output


@pytest.mark.usefixtures("ms_swift")
@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("attn_impl", "attn_impl: flash_attention_2\npacking: true"),
        ("attn_impl", "attn_impl: kernels-community/flash-attn"),
        ("report_to", "report_to: none"),
        ("  NPROC_PER_NODE", "  NPROC_PER_NODE: 2\n  NODE_RANK: 0\n  NCCL_IB_DISABLE: 1\n  MY_OWN: 3\n  HF_HOME: /x"),
    ],
)
def test_what_is_right_is_not_found(tmp_path: Path, key: str, line: str) -> None:
    assert found(tmp_path, "sft", replaced(LORA, key, line)) == []


def test_the_known_variables_are_not_taken_for_each_other() -> None:
    assert list(misspelt_variables(dict.fromkeys(KNOWN, 1))) == []


@pytest.mark.usefixtures("ms_swift")
def test_no_argument_of_ms_swift_is_taken_for_a_misspelt_one(tmp_path: Path) -> None:
    from swift.arguments import SftArguments

    names = [field.name for field in dataclasses.fields(SftArguments)]
    (tmp_path / "own.yaml").write_text("\n".join(f"{name}: 1" for name in names))
    assert len(names) > 100 and list(misspelt_arguments(find_recipe(str(tmp_path / "own.yaml"), "sft"))) == []


def test_the_check_says_nothing_beside_what_is_wrong() -> None:
    done = subprocess.run(["ordebug", "recipes", "check", "export/merge_lora"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok    export/merge_lora\n", "")


@pytest.mark.usefixtures("ms_swift")
def test_the_schedules_without_a_warmup_are_those_of_transformers() -> None:
    import torch
    from transformers import get_scheduler
    from transformers.trainer_utils import SchedulerType

    def first_rate(name: str) -> float:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        more = {"num_decay_steps": 10} if name == "warmup_stable_decay" else {}
        more |= {"min_lr": 0.1} if "min_lr" in name else {}
        get_scheduler(name, optimizer, 10, 100, more)
        return float(optimizer.param_groups[0]["lr"])

    assert {each.value for each in SchedulerType if first_rate(each.value) == 1} == set(WITHOUT_WARMUP)


def test_show() -> None:
    shown = CliRunner().invoke(command.app, ["show", "sft/qwen3_8b_lora"]).output
    assert "lora_rank = 32\n    87 million parameters" in shown
