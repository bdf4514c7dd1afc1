"""The real tools, each started as a user would."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from ordebug.core.jsonl import read_rows, write_rows

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share is imported by its module's name

from engines import Answer, Case, build_qwen2_5, leave_arguments
from rollouts import Run, conversations, train

ROOT = Path(__file__).resolve().parent.parent.parent


def run_script(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "shell" / name), *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True)


@pytest.fixture(scope="session")
def tiny_job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 64 problems, their oracle rows and a small Qwen3."""
    folder = tmp_path_factory.mktemp("tiny-job")
    for command in (
        [
            "problems",
            "generate",
            "--out",
            f"{folder}/train",
            "--count",
            "64",
            "--types",
            "A,D",
            "--families",
            "production",
            "--seed",
            "7",
        ],
        [
            "rollout",
            "--policy",
            "oracle",
            "--problems",
            f"{folder}/train",
            "--out",
            f"{folder}/oracle",
            "--max-steps",
            "5",
        ],
        ["sft-data", f"{folder}/oracle", "--out", f"{folder}/train.jsonl"],
        ["tiny", "build", "--data", f"{folder}/train.jsonl", "--out", f"{folder}/tiny"],
    ):
        done = subprocess.run(["ordebug", *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def vllm_programs() -> Path:
    """The programs of the environment with vLLM on CPU."""
    done = run_script("setup_vllm_cpu.sh")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return ROOT / ".venv-vllm" / "bin"


def ordebug(*arguments: str) -> None:
    done = subprocess.run(["ordebug", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.fixture(scope="session")
def unseen(tiny_job: Path) -> Path:
    """Fifty problems that the small model was not trained on, in ``unseen``, with the oracle's rows beside them."""
    shape = ["--types", "A,D", "--families", "production", "--seed", "8"]
    ordebug("problems", "generate", "--out", f"{tiny_job}/unseen", "--count", "50", *shape)
    ordebug("rollout", "--policy", "oracle", "--problems", f"{tiny_job}/unseen", "--out", f"{tiny_job}/unseen-oracle")
    ordebug("sft-data", f"{tiny_job}/unseen-oracle", "--out", f"{tiny_job}/unseen.jsonl")
    return tiny_job / "unseen"


@pytest.fixture(scope="session")
def trained_tiny(tiny_job: Path) -> Path:
    """The small Qwen3 after a short training: it answers in form."""
    out = tiny_job / "sft"
    arguments = ["--model", f"{tiny_job}/tiny", "--dataset", f"{tiny_job}/train.jsonl", "--output_dir", str(out)]
    arguments += ["--max_steps", "200", "--lr_scheduler_kwargs", '{"num_decay_steps": 100, "min_lr_ratio": 0.03}']
    done = run_script("sft.sh", str(ROOT / "swift_recipes/sft/tiny_cpu.yaml"), *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out / "last-checkpoint"


@pytest.fixture(scope="session")
def qwen3(trained_tiny: Path, unseen: Path) -> Case:
    """The trained small Qwen3, fifty rows it never saw, and some it was trained on."""
    rows = [row for file in (unseen.with_suffix(".jsonl"), unseen.parent / "train.jsonl") for _, row in read_rows(file)]
    return Case(trained_tiny, trained_tiny, (), "qwen3", rows[:60], 160)


@pytest.fixture(scope="session")
def qwen2_5(tiny_job: Path, unseen: Path) -> Case:
    """A small Qwen2.5 of random weights with a LoRA adapter likewise, to be served as an adapter."""
    base, adapter = tiny_job / "qwen2_5", tiny_job / "adapter"
    build_qwen2_5(tiny_job / "tiny", base, adapter)
    leave_arguments(adapter, "last_round")
    rows = [row for _, row in read_rows(unseen.with_suffix(".jsonl"))]
    return Case(adapter, base, ("--model_type", "qwen2", "--template", "qwen2_5"), "qwen2_5", rows[:8], 8)


@pytest.fixture(scope="session")
def qwen3_answers(
    qwen3: Case, vllm_programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Answer]]:
    return qwen3.answers(vllm_programs, tmp_path_factory.mktemp("qwen3-answers"))


@pytest.fixture(scope="session")
def qwen2_5_answers(
    qwen2_5: Case, vllm_programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Answer]]:
    return qwen2_5.answers(vllm_programs, tmp_path_factory.mktemp("qwen2_5-answers"))


@pytest.fixture(scope="session")
def two_decisions(tiny_job: Path) -> Path:
    """A folder with problems that no single action repairs, ``problems``, and their rows.

    ``sft.jsonl`` has a row for each of the oracle's decisions, ``chat.jsonl`` one for each episode, ``grpo.jsonl`` the
    prompts.
    """
    folder = tiny_job / "two-decisions"
    shape = ["--types", "E", "--rows", "5-7", "--most-conflict-rows", "3", "--families", "production", "--seed", "9"]
    ordebug("problems", "generate", "--out", f"{folder}/problems", "--count", "48", *shape)
    few = ["--problems", f"{folder}/problems", "--max-steps", "4"]
    ordebug("rollout", "--policy", "oracle", "--alone", *few, "--out", f"{folder}/oracle")
    ordebug("sft-data", f"{folder}/oracle", "--out", f"{folder}/sft.jsonl")
    ordebug("grpo-data", *few, "--profile", "algebra", "--actions", "core", "--out", f"{folder}/grpo.jsonl")
    write_rows(folder / "chat.jsonl", conversations([row for _, row in read_rows(folder / "sft.jsonl")]))
    return folder


@pytest.fixture(scope="session")
def chat_tiny(trained_tiny: Path, two_decisions: Path) -> Path:
    """The small Qwen3 after some more steps on conversations: it answers in form in later turns too."""
    out = two_decisions / "sft"
    rows = [f"{two_decisions}/chat.jsonl", f"{two_decisions}/sft.jsonl"]
    arguments = ["--model", str(trained_tiny), "--dataset", *rows, "--output_dir", str(out), "--max_steps", "100"]
    arguments += ["--loss_scale", "default", "--preserve_thinking", "true", "--learning_rate", "2e-3"]
    arguments += ["--lr_scheduler_kwargs", '{"num_decay_steps": 50, "min_lr_ratio": 0.03}']
    done = run_script("sft.sh", str(ROOT / "swift_recipes/sft/tiny_cpu.yaml"), *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out / "last-checkpoint"


@pytest.fixture(scope="session")
def whole_episodes(
    chat_tiny: Path, two_decisions: Path, vllm_programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Three steps of GRPO in whole episodes, with vLLM; every step's weights are kept."""
    kept = ["--save_strategy", "steps", "--save_steps", "1", "--save_only_model", "true", "--max_steps", "3"]
    folder, rows = tmp_path_factory.mktemp("grpo") / "whole", two_decisions / "grpo.jsonl"
    swift = vllm_programs / "swift"
    return train(swift, "tiny_cpu_grpo_multi_turn", chat_tiny, rows, folder, *kept, "--learning_rate", "2e-3")


@pytest.fixture(scope="session")
def single_decisions(chat_tiny: Path, two_decisions: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A step of GRPO of one decision a prompt, generated with Transformers."""
    swift, folder = Path(sys.executable).with_name("swift"), tmp_path_factory.mktemp("grpo") / "single"
    few = ["--max_steps", "1", "--per_device_train_batch_size", "32"]
    return train(swift, "tiny_cpu_grpo", chat_tiny, two_decisions / "grpo.jsonl", folder, *few)
