import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import write_json, write_rows
from ordebug.core.manifest import weights_sha256
from ordebug.env.problem_set import read_problem_set
from ordebug.eval.metrics import METRICS, METRICS_VERSION
from ordebug.eval.run_folder import METRICS_HOLD, RunFolder, locked
from ordebug.eval.run_manifest import models_sha256

MakeSet = Callable[..., Path]


def episode(problem_id: str, stop: str, sample: int = 0) -> dict[str, Any]:
    return {"problem_id": problem_id, "sample": sample, "policy": "x", "steps": [], "stop": stop}


def run_with(tmp_path: Path, *rows: dict[str, Any]) -> RunFolder:
    write_rows(tmp_path / "episodes.jsonl", rows)
    return RunFolder(tmp_path)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    code = "import sys, pathlib; from ordebug.eval.run_folder import locked\n"
    code += "with locked(pathlib.Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"in\n"
        with pytest.raises(UsageError, match=f"another process is at work in .*: process {other.pid}") as error:
            locked(tmp_path).__enter__()
        assert "--out" in error.value.fix
        other.kill()
    with locked(tmp_path):
        pass


def test_the_lock_is_held_for_the_whole_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    settings = {"config": {}, "data": {}}
    with run.open(settings), pytest.raises(UsageError, match="another process"), run.open(settings):
        pass
    with pytest.raises(ZeroDivisionError), run.open(settings):
        _ = 1 / 0
    with run.open(settings):
        pass


def test_a_repeated_episode_is_refused(tmp_path: Path) -> None:
    run = run_with(tmp_path, episode("p", "recovered"), episode("q", "error"), episode("p", "recovered"))
    with pytest.raises(InputError, match=r"episodes\.jsonl: a second episode of 'p', sample 0") as error:
        run.episodes()
    assert "delete that file" in error.value.fix
    with pytest.raises(InputError, match="a second episode"):
        run.finished()


def test_the_last_record_after_an_error_counts(tmp_path: Path) -> None:
    run = run_with(
        tmp_path,
        episode("p", "error"),
        episode("p", "error"),
        episode("p", "recovered"),
        episode("p", "max_steps", sample=1),
        episode("q", "error"),
    )
    assert [(e.problem_id, e.sample, e.stop) for e in run.episodes()] == [
        ("p", 0, "recovered"),
        ("p", 1, "max_steps"),
        ("q", 0, "error"),
    ]
    assert run.finished() == {("p", 0), ("p", 1)}


@pytest.mark.parametrize("name", ["episodes.jsonl", "anchors", "infer", "metrics.json"])
def test_remains_without_a_manifest_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "sft").mkdir()
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=rf"holds {name} but no manifest\.json") as error:
        RunFolder(tmp_path).open({}).__enter__()
    assert "--out" in error.value.fix and error.value.fix.endswith(f"{name}.")


FOREIGN = [
    ([], "not a run's metrics"),
    ({"overall": {}}, "not a run's metrics"),
    ({"overall": {}, "version": 0}, f"metrics of version 0, and this ordebug reads {METRICS_VERSION}"),
    ({"overall": {}, "version": METRICS_VERSION, "policy": "x"}, "problems, episodes.* missing"),
    ({"overall": {"op": {}}, "version": METRICS_VERSION} | dict.fromkeys(METRICS_HOLD, 0), "rr_at_1.* missing"),
]


@pytest.mark.parametrize(("content", "says"), FOREIGN)
def test_metrics_that_cannot_be_read(tmp_path: Path, content: Any, says: str) -> None:
    write_json(tmp_path / "metrics.json", content)
    with pytest.raises(InputError, match=says) as error:
        RunFolder(tmp_path).read_metrics()
    assert "ordebug score" in error.value.fix


def test_metrics_that_can_be_read(tmp_path: Path) -> None:
    content = {"version": METRICS_VERSION, **dict.fromkeys(METRICS_HOLD, 0), "overall": {name: {} for name in METRICS}}
    write_json(tmp_path / "metrics.json", content)
    assert RunFolder(tmp_path).read_metrics() == content


def test_weights_are_told_from_training_state(tmp_path: Path) -> None:
    for name in ("model.safetensors", "optimizer.pt", "training_args.bin", "config.json"):
        (tmp_path / name).touch()
    assert list(weights_sha256(str(tmp_path))) == ["model.safetensors"]
    assert weights_sha256("Qwen/Qwen3-8B") == {}


def test_every_model_file_counts(make_set: MakeSet) -> None:
    folder = make_set(3)
    problems = read_problem_set(folder)
    seen = {models_sha256(problems)}
    for name in ("p1.mps", "p2_clean.mps"):
        file = folder / "models" / name
        content = file.read_bytes()
        file.write_bytes(content + b"\n")
        seen.add(models_sha256(problems))
        file.unlink()
        seen.add(models_sha256(problems))
        file.write_bytes(content)
        assert models_sha256(problems) in seen
    assert len(seen) == 5
    assert models_sha256(problems.only(["p0"])) not in seen
