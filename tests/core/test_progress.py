import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest

from ordebug.core import progress
from ordebug.core.progress import Progress, duration, pace, track


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(range(5), 5, "items")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_a_line_says_how_fast_and_how_long(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(400, "episodes") as shown:
        clock.now = 9.0
        shown.update(90, "RR 0.500")
        clock.now = 10.0
        shown.update(100, "RR 0.500")
    assert capsys.readouterr().err == "episodes: 100/400, 10.0 a second, 30 s left, RR 0.500\n"


def test_work_that_has_not_begun_to_give_says_so(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(400, "episodes") as shown:
        clock.now = 11.0
        shown.update(0, "8 replies")
    assert capsys.readouterr().err == "episodes: 0/400, none done yet, 8 replies\n"


def test_a_night_leaves_about_a_hundred_lines(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(36_000, "episodes") as shown:
        for second in range(36_000):
            clock.now = float(second)
            shown.update(second)
    lines = capsys.readouterr().err.splitlines()
    assert 50 < len(lines) < 120 and lines[0].startswith("episodes: 10/36000, 1.0 a second, 10.0 h left")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((1, 10, 30.0), "2.0 a minute, 4 min left"),
        ((10, 10, 5.0), "2.0 a second, 0 s left"),
        ((0, 3, 9.0), "none done yet"),
    ],
)
def test_pace(given: tuple[int, int, float], said: str) -> None:
    assert pace(*given) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.0, "0 s"), (59.4, "59 s"), (90.0, "2 min"), (5400.0, "1.5 h")])
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


CODE = """
import time
from ordebug.core.progress import Progress
with Progress(4, "episodes") as shown:
    for done in range(5):
        shown.update(done, "RR 0.750, 3 in flight")
        time.sleep(0.2)
"""


def test_a_terminal_has_a_bar_that_goes_away() -> None:
    ours, theirs = pty.openpty()
    environment: dict[str, Any] = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stderr=theirs, stdout=subprocess.PIPE, env=environment
    ) as process:
        os.close(theirs)
        seen = b""
        while chunk := _read(ours):
            seen += chunk
        assert process.wait() == 0
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert re.search(r"episodes .*2/4 .* a second, .* left, RR 0\.750, 3 in flight", text), text
    assert seen.decode().rstrip().endswith(("\x1b[2K", "\x1b[?25h", "\x1b[1A\x1b[2K"))


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""
