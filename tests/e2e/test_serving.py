"""A checkpoint served by real vLLM, and the scripts that serve and evaluate it."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from engines import ROOT, Answer, free_port, still_running

from ordebug.env.action import InvalidAction
from ordebug.env.reply import parse_reply

PATIENCE = 900.0
UNSEEN = 50
"""Problems of the case that were not trained on; they come first."""


def start(script: str, *arguments: object, port: int, log: Path) -> subprocess.Popen[str]:
    # as from a terminal, even where the tests run in the background with signals ignored
    command = ["env", "--default-signal=INT,HUP", "bash", str(ROOT / "shell" / script), *map(str, arguments)]
    env = {**os.environ, "PORT": str(port), "LOG": str(log)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=env, start_new_session=True, **pipes)


def wait_until(holds: Callable[[], object], running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()[0]
        time.sleep(0.1)


@pytest.mark.slow
def test_every_way_gives_the_same_prompts_and_actions(qwen3_answers: Mapping[str, Sequence[Answer]]) -> None:
    given = {way: answers[:UNSEEN] for way, answers in qwen3_answers.items()}
    first = given.pop("swift infer, vllm")
    actions = [parse_reply(answer.text).action for answer in first]
    assert sum(not isinstance(action, InvalidAction) for action in actions) >= 0.7 * UNSEEN, (
        "the model must say something"
    )
    for way, answers in given.items():
        assert [answer.prompt for answer in answers] == [answer.prompt for answer in first], way
        equal = sum(parse_reply(answer.text).action == action for answer, action in zip(answers, actions, strict=True))
        assert equal >= 0.95 * UNSEEN, f"{way}: {equal} of {UNSEEN} actions are equal"


@pytest.mark.slow
def test_an_evaluation_is_stopped_and_goes_on(trained_tiny: Path, unseen: Path, tmp_path: Path) -> None:
    out, port = tmp_path / "run", free_port()
    arguments = (trained_tiny, "--problems", unseen, "--out", out, "--max-steps", 2, "--max-new-tokens", 160)
    arguments = (*arguments, "--temperature", 0, "--concurrency", 4, "--", "--engine", "vllm")
    first = start("eval.sh", *arguments, port=port, log=tmp_path / "unused")
    episodes = out / "episodes.jsonl"
    wait_until(lambda: episodes.is_file() and episodes.read_text().count("\n") >= 2, first)
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate(timeout=120)
    assert first.returncode == 143, output
    assert still_running(port, first.pid) == []
    assert len(episodes.read_text().splitlines()) < 50
    second = start("eval.sh", *arguments, port=port, log=tmp_path / "unused")
    output, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, output
    assert still_running(port, second.pid) == []
    rows = [json.loads(line) for line in episodes.read_text().splitlines()]
    assert len({row["problem_id"] for row in rows}) == len(rows) == 50
    assert (out / "report.html").is_file() and json.loads((out / "metrics.json").read_text())["errors"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("script", ["deploy.sh", "eval.sh"])
def test_stopped_before_it_answers_nothing_is_left(
    vllm_programs: Path, tiny_job: Path, tmp_path: Path, script: str, sent: signal.Signals
) -> None:
    port, out = free_port(), tmp_path / "run"
    arguments = ("--problems", "p", "--out", out) if script == "eval.sh" else ()
    log = out / "server.log" if script == "eval.sh" else tmp_path / "log"
    server = start(script, tiny_job / "tiny", *arguments, port=port, log=log)
    wait_until(lambda: log.is_file() and len(still_running(port)) >= 2, server)  # the command and what it started
    server.send_signal(sent)
    output, _ = server.communicate(timeout=120)
    assert server.returncode == 128 + sent, output
    assert still_running(port, server.pid) == []


@pytest.mark.slow
def test_a_server_that_ends_at_once_is_told_with_its_log(vllm_programs: Path, tiny_job: Path, tmp_path: Path) -> None:
    port, out = free_port(), tmp_path / "run"
    run = start(
        "eval.sh", tiny_job / "tiny", "--problems", "p", "--out", out, "--", "--nonsense", 1, port=port, log=out
    )
    output, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 2
    assert "remaining_argv" in output and f"lines of {out}/server.log" in output
    assert output.splitlines()[-1] == "  fix: Correct what they say and start it again."
    assert still_running(port, run.pid) == []


@pytest.mark.slow
def test_a_taken_port_is_said(vllm_programs: Path, tiny_job: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        server = start("deploy.sh", tiny_job / "tiny", port=port, log=tmp_path / "log")
        output, _ = server.communicate(timeout=60)
    assert server.returncode == 2 and f"port {port} is taken" in output and f"PORT={port + 1}" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "none does not exist"),
        (["docs/none"], "docs/none does not exist"),
        (["docs", "--engine"], "--engine '' is not known"),
        (["docs", "--engine", "gpt"], "Give swift or vllm"),
    ],
)
def test_what_cannot_be_served_is_said(arguments: list[str], said: str) -> None:
    done = subprocess.run(["bash", "shell/deploy.sh", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and said in done.stderr and "fix:" in done.stderr and not done.stdout


def test_an_evaluation_needs_a_folder() -> None:
    done = subprocess.run(
        ["bash", "shell/eval.sh", "docs", "--problems", "p"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and "--out" in done.stderr


@pytest.mark.parametrize("script", ["setup_vllm_cpu.sh", "deploy.sh", "eval.sh"])
def test_every_script_has_help(script: str) -> None:
    done = subprocess.run(["bash", f"shell/{script}", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: bash shell/{script}")
