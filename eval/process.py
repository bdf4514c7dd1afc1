"""A program that does not outlive us: in a process group of its own, ended with all it started when we are ended."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

GRACE_SECONDS = 30.0
"""How long a program may take to end; torchrun gives its workers, which stand in groups of their own, as long."""
POLL_SECONDS = 0.05


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


# SIGINT too: Gurobi, once it has solved, leaves a handler with which waiting for a program is not interrupted.
RAISED = {signal.SIGTERM: _leave, signal.SIGHUP: _leave, signal.SIGINT: signal.default_int_handler}


def run_logged(command: Sequence[str], log: Path) -> int:
    """Runs a program with its output in a file and returns its exit status; whatever ends us ends it as well.

    Raises:
        OSError: If it cannot be started.
    """
    with log.open("wb") as file, ending_signals_raised():
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            return process.wait()
        finally:
            end_group(process)


@contextmanager
def ending_signals_raised() -> Iterator[None]:
    """Turns the signals that would end us at once into exceptions, so that clean-up runs; ignored ones stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets no other thread set handlers
        return
    handlers = {number: signal.getsignal(number) for number in RAISED}
    before = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    try:
        for number in before:
            signal.signal(number, RAISED[number])
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Asks every process of the group to end, waits, and kills those that have not; does nothing where none is left."""
    with suppress(ProcessLookupError):
        try:
            os.killpg(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + GRACE_SECONDS
            while time.monotonic() < deadline:
                process.poll()  # a leader that nobody waits for would keep the group alive
                os.killpg(process.pid, 0)
                time.sleep(POLL_SECONDS)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
