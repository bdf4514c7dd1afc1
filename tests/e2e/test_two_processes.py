"""Two processes with ZeRO-2 train one model, and the one that a single process trains.

Without ``--use_cpu true`` ms-swift exits 0 with two models that never met; so their parameters are compared.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
RECIPE = ROOT / "swift_recipes" / "sft" / "tiny_cpu.yaml"
STEPS = 6
BATCH = 8


def train(job: Path, out: Path, *, processes: int, recipe: Path = RECIPE) -> tuple[list[float], set[str]]:
    """Losses by step, and the parameter digests of the processes."""
    hashes = out / "hashes"
    hashes.mkdir(parents=True)
    env = {**os.environ, "NPROC_PER_NODE": str(processes), "PARAMETER_HASH_DIR": str(hashes)}
    plugin = str(ROOT / "tests" / "e2e" / "plugins" / "parameter_hash.py")
    command = ["bash", str(ROOT / "shell" / "sft.sh"), str(recipe)]
    command += ["--model", f"{job}/tiny", "--dataset", f"{job}/train.jsonl", "--output_dir", str(out / "sft")]
    command += ["--max_steps", str(STEPS), "--logging_steps", "1", "--external_plugins", plugin]
    command += ["--callbacks", "parameter_hash", "--per_device_train_batch_size", str(BATCH // processes)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [json.loads(line) for line in (out / "sft" / "logging.jsonl").read_text().splitlines()]
    digests = [path.read_text() for path in hashes.iterdir()]
    assert len(digests) == processes
    return [row["loss"] for row in rows if "loss" in row][:STEPS], set(digests)


@pytest.fixture(scope="module")
def zero2(tiny_job: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[float], set[str]]:
    return train(tiny_job, tmp_path_factory.mktemp("zero2"), processes=2)


def test_both_processes_end_with_the_same_parameters(zero2: tuple[list[float], set[str]]) -> None:
    assert len(zero2[1]) == 1


def test_losses_are_those_of_one_process_with_the_same_global_batch(
    zero2: tuple[list[float], set[str]], tiny_job: Path, tmp_path: Path
) -> None:
    recipe = RECIPE.read_text()
    assert "deepspeed: zero2" in recipe
    plain = tmp_path / "plain.yaml"
    plain.write_text(recipe.replace("deepspeed: zero2", ""))
    losses, _ = train(tiny_job, tmp_path / "alone", processes=1, recipe=plain)
    assert len(losses) == len(zero2[0]) == STEPS
    assert losses == pytest.approx(zero2[0], abs=2e-3)
    assert losses[-1] < losses[0]
