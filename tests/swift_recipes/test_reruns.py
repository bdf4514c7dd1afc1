"""The LoRA recipe on two processes with ZeRO-2: run twice it is the same run, and killed and resumed it is too.

Only model, size and device are overridden; dropout, shuffling and a second epoch are in it.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from ordebug.converters.messages import assistant_text
from ordebug.core.manifest import sha256_file
from ordebug.swift_recipes.catalogue import FOLDER

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
STEPS = 12
ROWS = 64
"""Eight steps an epoch."""

SMALL = (
    "--check_model false --use_cpu true --ddp_backend gloo --max_steps 12 --gradient_accumulation_steps 1 "
    "--dataloader_num_workers 0 --dataset_num_proc 1 --logging_steps 1 --save_strategy steps --save_steps 4 "
    "--eval_strategy no"
)
ENVIRONMENT = {"USE_HF": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"}
NOT_EQUAL = ("started", "config", "command")
"""In a rerun's manifest; of the last two the folder alone."""


class Run(NamedTuple):
    """A finished run: loss and gradient norm by step, the trained weights' digest, the manifest without the folder."""

    curve: dict[int, tuple[float, float]]
    weights: str
    manifest: dict[str, object]


@pytest.fixture(scope="module")
def job(ms_swift: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows, each another, and a small Qwen3."""
    from ordebug.swift_recipes.tiny import build

    folder = tmp_path_factory.mktemp("reruns")
    rows = []
    for number in range(ROWS):
        answer = assistant_text(f"(1) row{number}: at most, written >=, wrong", f"Action: DROP_CONSTRAINT(row{number})")
        turns = (("system", "Repair."), ("user", f"row{number}: at most {number + 40}"), ("assistant", answer))
        rows.append(json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]}))
    (folder / "rows.jsonl").write_text("\n".join(rows))
    build(folder / "rows.jsonl", folder / "qwen3")
    return folder


def command(job: Path, out: Path, *more: str) -> list[str]:
    words = ["bash", str(ROOT / "shell/sft.sh"), str(FOLDER / "sft/qwen3_8b_lora.yaml"), "--model", f"{job}/qwen3"]
    return [*words, "--dataset", f"{job}/rows.jsonl", "--output_dir", str(out), *SMALL.split(), *more]


def start(words: list[str], log: Path) -> subprocess.Popen[str]:
    with log.open("w") as file:
        env = {**os.environ, **ENVIRONMENT}
        return subprocess.Popen(words, env=env, stdout=file, stderr=subprocess.STDOUT, text=True)


def train(job: Path, out: Path, *more: str) -> Run:
    log = out.with_suffix(".log")
    assert start(command(job, out, *more), log).wait(600) == 0, log.read_text()[-4000:]
    return read(max(out.glob("v*-*")))


def read(folder: Path) -> Run:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["config"].pop("output_dir")
    for name in ("started", "command"):
        manifest.pop(name)
    weights = sha256_file(folder / f"checkpoint-{STEPS}" / "adapter_model.safetensors")
    return Run(curve(folder), weights, manifest)


def curve(folder: Path) -> dict[int, tuple[float, float]]:
    rows = [json.loads(line) for line in (folder / "logging.jsonl").read_text().splitlines()]
    rows = [row for row in rows if "loss" in row]
    return {int(row["global_step/max_steps"].partition("/")[0]): (row["loss"], row["grad_norm"]) for row in rows}


@pytest.fixture(scope="module")
def whole(job: Path) -> Run:
    return train(job, job / "whole")


def test_a_rerun_has_the_same_loss_curve_and_weights(job: Path, whole: Run) -> None:
    again = train(job, job / "again")
    assert again.manifest == whole.manifest
    assert list(whole.curve) == list(range(1, STEPS + 1)) and whole.curve[STEPS][0] < whole.curve[1][0]
    assert again.curve == whole.curve
    assert again.weights == whole.weights


def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(job: Path, whole: Run) -> None:
    out = job / "killed"
    process = start(command(job, out), job / "killed.log")
    last = kill_after_a_checkpoint(process, out)
    assert STEPS not in curve(last.parent)
    resumed = train(job, out, "--resume_from_checkpoint", str(last))
    first = int(last.resolve().name.removeprefix("checkpoint-")) + 1
    assert list(resumed.curve) == list(range(first, STEPS + 1))
    assert resumed.curve == {step: whole.curve[step] for step in resumed.curve}
    assert resumed.weights == whole.weights


def kill_after_a_checkpoint(process: subprocess.Popen[str], out: Path) -> Path:
    """Ends everything at once, as a power cut would, when there is a whole checkpoint; returns it."""
    while not (found := list(out.glob("v*/last-checkpoint"))):
        assert process.poll() is None, out.with_suffix(".log").read_text()[-4000:]
        time.sleep(0.01)
    everything = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in everything:
        each.send_signal(signal.SIGSTOP)  # none sees another die
    for each in everything:
        each.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(everything, timeout=60)
    return found[0]
