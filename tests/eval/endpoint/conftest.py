"""A real server on 127.0.0.1 (``tests/eval/faulty_server.py``), in a process of its own."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Setting
from ordebug.eval.endpoint import client
from ordebug.eval.endpoint.settings import Endpoint
from ordebug.eval.rollout import Rollout, rollout

PROGRAM = Path(__file__).parent.parent / "faulty_server.py"
START_SECONDS = 60.0


class Server:
    """The process; ``plan`` tells it what to do from then on, and forgets its log."""

    def __init__(self, folder: Path) -> None:
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen([sys.executable, str(PROGRAM), str(port_file)])
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.address = f"http://127.0.0.1:{port_file.read_text()}"

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    def plan(self, **what: Any) -> None:
        self._call("/plan", json.dumps(what).encode())

    @property
    def log(self) -> dict[str, Any]:
        found: dict[str, Any] = self._call("/log")
        return found

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _call(self, path: str, body: bytes | None = None) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        headers = {"content-type": "application/json"}
        with opener.open(urllib.request.Request(self.address + path, body, headers), timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("server"))
    yield found
    found.stop()


@pytest.fixture
def server(one_server: Server) -> Server:
    """A server in good health."""
    one_server.plan()
    return one_server


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Starts a server that the test may let die."""
    started: list[Server] = []

    def start() -> Server:
        started.append(Server(tmp_path))
        return started[-1]

    yield start
    for found in started:
        found.stop()


@pytest.fixture(autouse=True)
def soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for half a minute between two tries."""
    monkeypatch.setattr(client, "FIRST_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(client, "LONGEST_WAIT_SECONDS", 0.2)


Play = Callable[..., dict[str, Any]]


@pytest.fixture
def play(server: Server) -> Play:
    """A function that plays a rollout against the server: problems, folder, and what is not as usual."""

    def found(problems: Path, out: Path, **changes: Any) -> dict[str, Any]:
        own = {name: changes.pop(name) for name in tuple(changes) if name in Rollout.__dataclass_fields__}
        endpoint = replace(Endpoint(server.url, "tiny", patience=20.0, concurrency=8), **changes)
        request = {"setting": Setting(rules=Rules(max_steps=3)), "workers": 1, "endpoint": endpoint} | own
        return rollout(Rollout("endpoint", problems, out, **request))

    return found
