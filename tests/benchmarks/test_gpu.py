"""The GPU benchmark end to end, on a CPU with the small model."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ordebug.swift_recipes import machine

FOLDER = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "gpu"


def test_peaks_go_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from peaks import peak

    known = {
        "NVIDIA A800-SXM4-80GB": 312e12,
        "NVIDIA A100 80GB PCIe": 312e12,
        "NVIDIA H100 80GB HBM3": 989e12,
        "NVIDIA H100 PCIe": 756e12,
        "NVIDIA H20": 148e12,
        "NVIDIA H200": 989e12,
        "NVIDIA L40S": 362e12,
        "NVIDIA GeForce RTX 4090": 165.2e12,
    }
    assert {name: (peak(name) or (None,))[0] for name in known} == known
    assert peak("NVIDIA A1000 Laptop GPU") is None and peak("") is None


@pytest.mark.slow
def test_three_frameworks_on_a_cpu(tmp_path: Path) -> None:
    if find_spec("swift") is None or machine.gpus():
        pytest.skip("wants ms-swift, and no GPU")
    command = [sys.executable, str(FOLDER / "measure.py"), "--out", str(tmp_path), "--steps", "2"]
    command += ["--recipes", "sft/qwen3_8b_lora", "sft/qwen3_8b_full"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "these figures mean nothing for GPUs" in done.stdout
    result = json.loads((tmp_path / "result.json").read_text())
    runs = {(row["recipe"], row["framework"]): row for row in result["runs"]}
    tokens = set()
    for framework in ("swift", "transformers", "trl"):
        row = runs["sft/qwen3_8b_lora", framework]
        assert row["tokens_a_second"] > 0 and row["mfu"] is None and row["memory_gib"]["resident"] > 0
        tokens.add(round(row["tokens_a_step"] / 100))
        assert runs["sft/qwen3_8b_full", framework]["skipped"] == "ZeRO-3 needs GPUs here"
    assert len(tokens) <= 2  # four rows of like length each, in another order
    assert (tmp_path / "table.md").read_text().count("| sft/qwen3_8b_lora |") == 3
