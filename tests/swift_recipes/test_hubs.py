"""Models and data by the hubs' own commands: right as far as that can be seen without a hub."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ordebug.core.errors import ToolError, UsageError
from ordebug.swift_recipes.hubs import HUBS, HubName, fetch, fetch_command

BIN = Path(sys.executable).parent
MODEL = "Qwen/Qwen3-8B"


class Empty(BaseHTTPRequestHandler):
    """A hub that answers and has nothing; it keeps what it was asked for."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def empty_hub() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Empty,), {"asked": asked})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize("hub", list(HUBS))
def test_the_hubs_commands_have_what_is_asked_of_them(hub: HubName) -> None:
    program = BIN / HUBS[hub].command
    if not program.is_file():
        pytest.skip(f"{program.name} is not installed")
    command = fetch_command(hub, "owner/name", Path("data"))
    assert command == [program.name, "download", "owner/name", "--repo-type", "dataset", "--local-dir", "data"]
    assert fetch_command(hub, MODEL) == [program.name, "download", MODEL]
    assert fetch_command(hub, MODEL, revision="v1")[3:] == ["--revision", "v1"]
    told = subprocess.run([program, "download", "--help"], capture_output=True, text=True, check=True).stdout
    assert "--repo-type" in told and "--local-dir" in told and "--revision" in told


def test_hugging_face_is_asked_for_the_model_and_its_refusal_is_told(
    empty_hub: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (BIN / "hf").is_file():
        pytest.skip("hf is not installed")
    url, asked = empty_hub
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(ToolError, match=f"hf download {MODEL} failed with status 1"):
        fetch("hf", MODEL)
    assert any(path.startswith(f"/api/models/{MODEL}") for path in asked)


@pytest.mark.parametrize("hub", list(HUBS))
def test_a_hub_that_does_not_answer_is_named_at_once(hub: HubName, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (BIN / HUBS[hub].command).is_file():
        pytest.skip(f"{HUBS[hub].command} is not installed")
    monkeypatch.setenv(HUBS[hub].mirror, "http://127.0.0.1:9")
    with pytest.raises(ToolError, match=r"does not answer at http://127\.0\.0\.1:9") as caught:
        fetch(hub, MODEL)
    assert HUBS[hub].mirror in caught.value.fix


@pytest.mark.parametrize("name", ["Qwen3-8B", "Qwen/Qwen3-8B-Instruct", "../x", "a/b/c", "", "a/b;ls", "--help"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UsageError):
        fetch_command("modelscope", name)


def test_without_the_hubs_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolError, match="no program 'hf'") as caught:
        fetch("hf", MODEL)
    assert caught.value.fix == "pip install huggingface_hub"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model"], "--model wants a value"),
        (["--model", "--gpu"], "--model wants a value"),
        (["--hub", "x", "--model", "a/b"], "--hub 'x' is not known"),
        (["--hub", "hf"], "--hub fetches nothing by itself"),
        (["--cuda"], "unknown argument --cuda"),
    ],
)
def test_the_setup_script_refuses_before_it_installs(words: list[str], says: str) -> None:
    script = Path(__file__).resolve().parent.parent.parent / "shell" / "setup.sh"
    done = subprocess.run(["bash", script, *words], capture_output=True, text=True)
    assert done.returncode == 2 and says in done.stderr


SETUP = Path(__file__).resolve().parent.parent.parent / "shell" / "setup.sh"


def test_the_gpu_set_is_not_installed_from_the_index_of_cpu_builds() -> None:
    env = {**os.environ, "PIP_EXTRA_INDEX_URL": "https://download.pytorch.org/whl/cpu", "PYTHON": "false"}
    done = subprocess.run(["bash", SETUP, "--gpu"], env=env, capture_output=True, text=True)
    assert done.returncode == 2 and "unset PIP_EXTRA_INDEX_URL" in done.stderr


@pytest.mark.parametrize(("words", "kept"), [([], True), (["--gpu"], False)])
def test_a_cpu_build_of_torch_does_not_stay_in_the_gpu_set(words: list[str], kept: bool, tmp_path: Path) -> None:
    """Up to where packages would be installed: the interpreter answers what it is and makes no environment."""
    for name in ("shell", "requirements"):
        shutil.copytree(SETUP.parent.parent / name, tmp_path / name)
    (tmp_path / ".venv/lib/python3.11/site-packages/torch-2.13.0+cpu.dist-info").mkdir(parents=True)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} "$@"\nexit 3\n')
    python.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if name != "PIP_EXTRA_INDEX_URL"}
    done = subprocess.run(["bash", tmp_path / "shell/setup.sh", *words], env={**env, "PYTHON": str(python)})
    assert done.returncode == 3 and (tmp_path / ".venv").exists() == kept
