"""EvalScope asks a small Qwen3 that ms-swift serves, twice, and the two are compared.

The general sets cannot be had without a hub; a set of our own (EvalScope's ``general_qa``) goes the same way.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ordebug.core.jsonl import read_rows, write_rows
from ordebug.eval.forgetting.result import read_forgetting

pytestmark = pytest.mark.slow

QUESTIONS = 4
PANEL = f"""
threshold: 0.02
concurrency: 2
generation: {{temperature: 0, max_tokens: 16, seed: 42}}
filters: {{remove_until: "</think>"}}
benchmarks:
  general_qa:
    metric: Rouge-L-R
    limit: {QUESTIONS}
    arguments: {{local_path: data, subset_list: [repairs], metric_list: [Rouge]}}
"""
WAIT_SECONDS = 300
ROOT = Path(__file__).resolve().parent.parent.parent


def forgetting(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "shell" / "forgetting.sh"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def answers(port: int) -> bool:
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def served(tiny_job: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The small Qwen3 behind an OpenAI-compatible API of ms-swift's, as MODEL@URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["swift", "deploy", "--model", f"{tiny_job}/tiny", "--served_model_name", "tiny"]
    command += ["--model_type", "qwen3", "--template", "qwen3", "--torch_dtype", "float32", "--load_args", "false"]
    command += ["--infer_backend", "transformers", "--enable_thinking", "true", "--verbose", "false"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("server") / "log"
    env = {**os.environ, "USE_HF": "1", "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as file:
        server = subprocess.Popen(command, env=env, stdout=file, stderr=file, cwd=log.parent, start_new_session=True)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not answers(port):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(1)
        yield f"tiny@http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def test_before_and_after_are_asked_and_compared(served: str, tiny_job: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = []
    for _, row in read_rows(tiny_job / "train.jsonl"):
        system, user, assistant = (turn["content"] for turn in row["messages"])
        rows.append({"system": system, "query": user, "response": assistant.split("</think>")[1].strip()})
    write_rows(tmp_path / "data" / "repairs.jsonl", rows[: 2 * QUESTIONS])
    (tmp_path / "panel.yaml").write_text(PANEL)
    out, panel = tmp_path / "out", ["--panel", str(tmp_path / "panel.yaml")]

    done = forgetting(served, served, "--out", str(out), *panel)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "general_qa" in done.stdout and "after - before" in done.stdout
    (row,) = read_forgetting(out).rows
    assert (row.benchmark, row.n, row.delta) == ("general_qa", QUESTIONS, 0.0)
    assert row.cut_off == (QUESTIONS, QUESTIONS)  # untrained: it never ends a reply
    reviews = [row for _, row in read_rows(out / "before/general_qa/reviews/model/general_qa_repairs.jsonl")]
    asked = [[turn["content"] for turn in review["messages"][:2]] for review in reviews]
    assert sorted(asked) == sorted([row["system"], row["query"]] for row in rows[:QUESTIONS])

    # both sides are finished: the one is given as its folder, the other is not asked again
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*/general_qa/**/*.jsonl")}
    again = forgetting(str(out / "before"), served, "--out", str(out), *panel)
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-3000:]
    assert len(stamps) == 4 and all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert json.loads((out / "after" / "side.json").read_text())["model"] == "tiny"
