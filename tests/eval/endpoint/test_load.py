"""The load benchmark for twenty seconds instead of ten minutes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20


@pytest.mark.slow
def test_a_storm_loses_nothing(make_set: Callable[..., Path]) -> None:
    command = [sys.executable, str(ROOT / "benchmarks/endpoint_load.py"), str(make_set(8)), str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "lost 0, double 0" in done.stdout, done.stdout + done.stderr
    assert "'error'" not in done.stdout
    faults = done.stdout.partition("failed ")[2].partition(":")[0]
    assert int(faults) > 50 and done.returncode == 0, done.stdout
