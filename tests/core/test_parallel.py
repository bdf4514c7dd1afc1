import math
import pickle
import signal
from pathlib import Path

import pytest

from ordebug.core.errors import LicenceError, ToolError
from ordebug.core.manifest import git_commit, manifest, package_versions
from ordebug.core.parallel import parallel_map


def test_order_does_not_depend_on_workers() -> None:
    # a function of a library: workers cannot import this file
    alone = list(parallel_map(math.isqrt, range(50), workers=1, label="roots"))
    together = list(parallel_map(math.isqrt, range(50), workers=2, label="roots"))
    assert alone == together == [math.isqrt(value) for value in range(50)]


def test_a_killed_worker_is_told_with_the_way_out() -> None:
    with pytest.raises(ToolError, match="dying: a worker process was killed") as caught:
        list(parallel_map(signal.raise_signal, [signal.SIGKILL] * 4, workers=2, label="dying"))
    assert "fewer --workers" in caught.value.fix


def test_errors_keep_their_way_out_across_processes() -> None:
    error = pickle.loads(pickle.dumps(LicenceError("no licence", "get one")))
    assert isinstance(error, LicenceError) and (error.message, error.fix) == ("no licence", "get one")


def test_a_manifest_says_what_produced_it(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("{}\n")
    made = manifest({"seed": 1}, {"rows": data}, solver={"name": "gurobi"})
    assert made["config"] == {"seed": 1} and made["solver"] == {"name": "gurobi"}
    assert made["data"]["rows"]["sha256"].startswith("ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356")
    assert package_versions()["gurobi"] and made["hardware"]["cpus"] >= 1


def test_the_commit_is_ours_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordebug.core.manifest.SOURCE", Path(__file__).parent)  # as installed inside another repository
    assert git_commit() is None
