"""Runs EvalScope against a served model, one call a benchmark, and goes on where it was stopped."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ordebug.core.errors import ToolError, UsageError
from ordebug.core.jsonl import read_json, write_json
from ordebug.core.manifest import weights_sha256
from ordebug.eval.forgetting.panel import Panel
from ordebug.eval.process import run_logged

SIDE = "side.json"
LABEL = "model"
"""What EvalScope calls the model in its folders; a checkpoint's path is no folder's name."""
LOG_LINES_SHOWN = 15
SAID = {"asked": "panel", "evalscope": "EvalScope"}
INSTALL = "Let shell/forgetting.sh install it; its environment is .venv-eval."


def evaluate(panel: Panel, model: str, base_url: str, out: Path, evalscope: Path) -> None:
    """Asks a served model everything on the panel; a benchmark that was finished is not asked again.

    Args:
        panel: What to ask.
        model: The name it is served under; a folder of this machine is told by its weights as well.
        base_url: Of an OpenAI-compatible API, such as ``http://127.0.0.1:8000/v1``.
        out: Folder of this side; one folder a benchmark, as EvalScope leaves it.
        evalscope: The program.

    Raises:
        ToolError: If EvalScope cannot be started or failed.
        UsageError: If ``out`` holds another model's answers, or answers to another panel.
    """
    _claim(out, side(panel, model, evalscope))
    for name in panel.benchmarks:
        folder = out / name
        if not report_file(folder, name).is_file():
            served = ["--model", model, "--model-id", LABEL, "--api-url", base_url, "--eval-type", "openai_api"]
            place = ["--use-cache", str(folder)] if folder.is_dir() else ["--work-dir", str(folder), "--no-timestamp"]
            _call([str(evalscope), "eval", *served, *panel.arguments(name), *place], out / f"{name}.log", folder, name)


def side(panel: Panel, model: str, evalscope: Path) -> dict[str, Any]:
    """What two results must agree in before they may share a folder, and, but for the model, be compared."""
    return {
        "model": model,
        "weights": weights_sha256(model),
        "evalscope": _version(evalscope),
        "asked": {name: panel.asked(name) for name in panel.benchmarks},
    }


def report_file(folder: Path, name: str) -> Path:
    """The file that EvalScope writes when a benchmark is finished."""
    return folder / "reports" / LABEL / f"{name}.json"


def _claim(out: Path, wanted: Mapping[str, Any]) -> None:
    path = out / SIDE
    if not path.exists():
        write_json(path, wanted)
        return
    found = read_json(path, "the record of one side")
    differing = [SAID.get(key, key) for key in wanted if not isinstance(found, dict) or found.get(key) != wanted[key]]
    if differing:
        raise UsageError(
            f"{out} holds results with another {', '.join(differing)}.", "Give another --out, or remove it."
        )


def _version(evalscope: Path) -> str:
    try:
        done = subprocess.run([str(evalscope), "--version"], capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"EvalScope could not be started ({error}).", INSTALL) from None
    if done.returncode:
        raise ToolError(f"{evalscope} --version failed: {done.stderr.strip()[-300:]}", INSTALL)
    return done.stdout.split()[-1] if done.stdout.split() else "unknown"


def _call(command: list[str], log: Path, folder: Path, name: str) -> None:
    print(f"{name}: evalscope, log {log}", flush=True)
    try:
        status = run_logged(command, log)
    except OSError as error:
        raise ToolError(f"EvalScope could not be started ({error}).", INSTALL) from None
    if status or not report_file(folder, name).is_file():
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        raise ToolError(
            f"evalscope ended with status {status} before {name} was finished. The last lines of {log}:\n"
            + "\n".join(last),
            "Fix what they say and give the same command again; what was answered is kept.",
        )
