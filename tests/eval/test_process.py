import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ordebug.eval import process
from ordebug.eval.process import run_logged

MakeSet = Callable[..., Path]
# Like swift: a program that starts another one, which does the work and then appends to the result.
SLOW = """#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --result_path ] && result=$2; shift; done
(sleep 60; echo done >> "$result") &
echo $$ $! > {pids}
wait
"""
ROLLOUT = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup, and what is ignored stays so
import ordebug.eval.swift_infer as called
from ordebug.cli.main import main
called.swift_program = lambda: {program!r}
main()
"""


def started(file: Path) -> list[int]:
    """The process ids that a slow program wrote."""
    deadline = time.monotonic() + 60
    while not (file.exists() and len(file.read_text().split()) == 2):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(word) for word in file.read_text().split()]


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    program = tmp_path / "slow"
    program.write_text(SLOW.format(pids=tmp_path / "pids"))
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_stopped_rollout_ends_swift(
    make_set: MakeSet, tmp_path: Path, slow: Path, number: signal.Signals, status: int
) -> None:
    (tmp_path / "infer.yaml").touch()
    command = [sys.executable, "-c", ROLLOUT.format(program=str(slow)), "rollout", "--policy", "swift-infer"]
    command += ["--model", "m", "--recipe", str(tmp_path / "infer.yaml"), "--workers", "1"]
    command += ["--problems", str(make_set(1)), "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as rollout:
        pids = started(tmp_path / "pids")
        rollout.send_signal(number)
        output, _ = rollout.communicate(timeout=30)
    assert rollout.returncode == status, output
    assert b"Traceback" not in output
    assert all(map(gone, pids))
    assert not list((tmp_path / "run/infer").glob("*result*"))


def test_what_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)
    deaf = "trap '' TERM; echo $$; sleep 60 & wait; wait"
    with subprocess.Popen(["sh", "-c", deaf], stdout=subprocess.PIPE, start_new_session=True) as running:
        assert running.stdout is not None
        pid = int(running.stdout.readline())
        process.end_group(running)
    assert running.returncode == -signal.SIGKILL
    assert gone(pid)


def test_status_and_output_of_a_program_that_ends(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run_logged(["sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path / "log") == 3
    assert (tmp_path / "log").read_text() == "out\nerr\n"
    assert signal.getsignal(signal.SIGTERM) is before
