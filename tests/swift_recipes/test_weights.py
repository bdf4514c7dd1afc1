"""A run's manifest holds digests of the weights it begins with, or says why it does not."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sys.executable).parent
COMMIT = "a" * 40
FILES = {"config.json": b"{}", "model.safetensors": b"weights"}
SHA256 = hashlib.sha256(FILES["model.safetensors"]).hexdigest()


class OneModel(BaseHTTPRequestHandler):
    """As much of Hugging Face as one small model needs."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self.wfile.write(self._answer())

    def _answer(self) -> bytes:
        name = self.path.rpartition("/")[2]
        if self.path.startswith("/api/models/owner/small/revision"):
            found = {"id": "owner/small", "sha": COMMIT, "siblings": [{"rfilename": file} for file in FILES]}
            body = json.dumps(found).encode()
        elif self.path.startswith("/api/models/owner/small/tree"):
            rows = [{"type": "file", "path": file, "size": len(data), "oid": "b" * 40} for file, data in FILES.items()]
            body = json.dumps(rows).encode()
        else:
            body = FILES.get(name, b"")
        self.send_response(200 if body or self.path == "/" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        return body

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), OneModel) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def manifest(out: Path, *words: str, **environment: str) -> tuple[dict[str, Any], str]:
    """The manifest of a run that is about to begin, and what was said on the way."""
    command = [str(BIN / "ordebug"), "recipes", "manifest", "sft", "--", "--output_dir", str(out), *words]
    kept = {key: value for key, value in os.environ.items() if key not in ("HF_HUB_OFFLINE", "USE_HF")}
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    folder = done.stdout.removesuffix("\n")
    assert "\n" not in folder, "shell/sft.sh reads the folder there"
    return json.loads((Path(folder) / "manifest.json").read_text()), done.stderr


def test_a_model_that_is_not_here_is_fetched_first(hub: str, tmp_path: Path) -> None:
    if not (BIN / "hf").is_file():
        pytest.skip("hf is not installed")
    place = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
    found, said = manifest(tmp_path / "out", "--model", "owner/small", "--use_hf", "true", **place)
    assert found["weights"] == {"owner/small": {"model.safetensors": SHA256}} and "weights_missing" not in found, said
    assert "+ hf download owner/small" in said
    found, said = manifest(tmp_path / "out", "--model", "owner/small", USE_HF="1", **place)
    assert found["weights"]["owner/small"] and "hf download" not in said, "it is here now"


@pytest.mark.parametrize(("use_hf", "mirror"), [("0", "MODELSCOPE_DOMAIN"), ("1", "HF_ENDPOINT")])
def test_without_a_hub_the_manifest_says_why_it_is_empty(use_hf: str, mirror: str, tmp_path: Path) -> None:
    if not (BIN / {"0": "modelscope", "1": "hf"}[use_hf]).is_file():
        pytest.skip("the hub's program is not installed")
    nowhere = {"USE_HF": use_hf, mirror: "http://127.0.0.1:9"}
    found, said = manifest(tmp_path, "--model", "Qwen/Qwen3-8B", **nowhere)
    assert found["weights"] == {"Qwen/Qwen3-8B": {}}
    assert "does not answer at http://127.0.0.1:9" in found["weights_missing"]["Qwen/Qwen3-8B"]
    assert "warning: the manifest holds no digest of Qwen/Qwen3-8B's weights: " in said


def test_a_folder_is_not_looked_for_on_a_hub(tmp_path: Path) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    empty.mkdir()
    (full / "model.safetensors").write_bytes(FILES["model.safetensors"])
    nowhere = {"MODELSCOPE_DOMAIN": "http://127.0.0.1:9"}
    found, said = manifest(tmp_path / "out", "--model", str(full), "--adapters", str(empty), **nowhere)
    assert found["weights"] == {str(full): {"model.safetensors": SHA256}, str(empty): {}} and said == ""
    assert found["weights_missing"] == {str(empty): "no weights lay there when the run began"}
