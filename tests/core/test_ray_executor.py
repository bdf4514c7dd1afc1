import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")

PROGRAM = """
import itertools, math, sys
from ordebug.core.errors import SolverError, ToolError
from ordebug.core.parallel import parallel_map
from ordebug.core.ray_executor import guarded_ray_map
from worker_functions import act
import ray

ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)  # one cluster for all
roots = parallel_map(math.isqrt, iter(range(50)), workers=2, label="roots", chunk=7, executor="ray")
assert list(roots) == [math.isqrt(value) for value in range(50)]
try:
    list(parallel_map(act, [("raise", "x")], workers=2, label="raising", executor="ray"))
except SolverError as error:
    assert (error.message, error.fix) == ("no x", "try another")
first = parallel_map(act, itertools.repeat(("say", 1)), workers=2, label="endless", executor="ray")
assert next(first) == 1
first.close()
jobs = [("say", 1), ("kill", 0), ("sleep", 60), ("say", 2)]
one, killed, hung, two = guarded_ray_map(act, jobs, workers=2, seconds=5, label="guarded")
assert (one, killed.reason, hung.reason, two) == (1, "killed", "hung", 2)
try:
    list(parallel_map(act, [("kill", 0)], workers=2, label="dying", executor="ray"))
except ToolError as error:
    assert error.message.startswith("dying: Ray lost a task") and "fewer --workers" in error.fix
ray.shutdown()
print("done")
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    own = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=own)


@pytest.mark.slow
def test_order_errors_and_accidents_on_two_workers() -> None:
    done = run(PROGRAM)
    assert done.stdout.endswith("done\n"), done.stderr


MAP = "import math; from ordebug.core.parallel import parallel_map; "
MAP += "print(list(parallel_map(math.isqrt, [4], workers=2, label='roots', executor='ray')))"


def test_without_ray_the_way_out_is_told() -> None:
    done = run(f"import sys; sys.modules['ray'] = None; {MAP}")
    assert "UsageError: --executor ray needs Ray" in done.stderr and "pip install 'ordebug[ray]'" in done.stderr


def test_a_cluster_that_is_not_there() -> None:
    done = run(MAP, RAY_ADDRESS="127.0.0.1:1")
    assert "ToolError: Ray cannot be reached at RAY_ADDRESS=127.0.0.1:1" in done.stderr
    assert "unset RAY_ADDRESS" in done.stderr
