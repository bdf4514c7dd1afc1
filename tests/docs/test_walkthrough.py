"""The docs' own commands, one after another, at a small size: what a reader is told to give really runs.

The lines are read from the pages; here stand their order, what is made smaller, and what a reader brings along.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from doc_pages import Command

pytestmark = pytest.mark.slow

SMALLER = (
    ("--count 100", "--count 40"),
    (" --hard", ""),
    ("--policy feasrelax-l1", "--policy feasrelax-l1 --limit 4"),
    # a checkpoint is not at hand; an anchor that draws at random gives groups of samples as well
    ("--policy swift-infer --model SFT --recipe swift_recipes/infer/qwen3_8b_vllm.yaml", "--policy random --limit 8"),
    (" --infer-arg '--temperature 1 --top_p 1 --top_k -1 --max_new_tokens 1024'", ""),
)
WALK = (
    ("README.md", "ordebug problems generate --out hard"),
    ("docs/environment.md", "ordebug problems check DIR"),
    ("docs/environment.md", "ordebug problems show DIR"),
    ("docs/data_verify.md", "ordebug rollout --policy oracle --alone"),
    ("docs/data_verify.md", "ordebug sft-data runs/oracle"),
    ("README.md", "ordebug data audit rows.json"),
    ("README.md", "ordebug data verify rows.json"),
    ("README.md", "ordebug data convert good.jsonl"),
    ("README.md", "ordebug data split rows.jsonl"),
    ("README.md", "ordebug problems select PROBLEMS --ids split/val.jsonl"),
    ("README.md", "ordebug problems select PROBLEMS --ids split/test.jsonl"),
    ("README.md", "ordebug doctor"),
    ("README.md", "ordebug recipes plan sft/qwen3_8b_lora"),
    ("README.md", "ordebug rollout --policy feasrelax-l1"),
    ("docs/evaluation.md", "ordebug score RUN"),
    ("README.md", "ordebug report --quality runs/eval"),
    ("README.md", "ordebug compare runs/eval runs/before"),
    ("docs/evaluation.md", "ordebug report RUN --latex table.tex"),
    ("docs/evaluation.md", "ordebug verify-run RUN"),
    ("docs/grpo.md", "ordebug rollout --policy swift-infer"),
    ("docs/grpo.md", "ordebug gate RUN"),
    ("docs/grpo.md", "ordebug grpo-data --problems DIR --run RUN"),
    ("README.md", "ordebug fix MODEL.mps"),
)
MAY_SAY_NO = ("data audit", "data verify", "gate")
"""Exit status 1 of these is an answer about the data."""


def line(every_command: list[Command], page: str, beginning: str) -> str:
    """The first command of a page that begins so, made smaller."""
    found = [each.text for each in every_command if each.page == page and each.text.startswith(beginning)]
    assert found, f"{page} no longer tells to give {beginning!r}"
    text = re.sub(r" '\[.*?\]'", "", found[0])  # what may be left out
    for long, short in SMALLER:
        text = text.replace(long, short)
    return text


def brought_along(folder: Path, beginning: str) -> None:
    """What a reader has before the line that begins so: placeholders stand for what an earlier line made."""
    match beginning:
        case "ordebug problems check DIR":
            for name in ("DIR", "PROBLEMS", "problems"):
                (folder / name).symlink_to("hard")
            shutil.copy(min((folder / "hard/models").glob("*.mps")), folder / "MODEL.mps")
        case "ordebug data audit rows.json":
            shutil.copy(folder / "train.jsonl", folder / "rows.json")
        case "ordebug score RUN":
            for name in ("RUN", "runs/eval", "runs/before"):
                shutil.copytree(folder / "runs/anchor", folder / name)
        case "ordebug rollout --policy swift-infer":
            shutil.rmtree(folder / "RUN")


def test_the_lines_run_in_their_order(every_command: list[Command], tmp_path: Path) -> None:
    for page, beginning in WALK:
        brought_along(tmp_path, beginning)
        text = line(every_command, page, beginning)
        done = subprocess.run(["bash", "-c", text], cwd=tmp_path, env=os.environ, capture_output=True, text=True)
        allowed = (0, 1) if beginning.removeprefix("ordebug ").startswith(MAY_SAY_NO) else (0,)
        assert done.returncode in allowed, f"{page}: {text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        assert "Traceback" not in done.stderr, f"{page}: {text}\n{done.stderr[-2000:]}"
    left = (
        "audit.html",
        "split/manifest.json",
        "val/problems.jsonl",
        "test/problems.jsonl",
        "runs/eval/report.html",
        "table.tex",
        "grpo.jsonl",
        "MODEL-repaired.mps",
    )
    assert [name for name in left if not (tmp_path / name).stat().st_size] == []
    assert (tmp_path / "grpo.jsonl").read_text().count("\n") >= 1


def test_what_is_made_smaller_is_still_there(every_command: list[Command]) -> None:
    texts = [each.text for each in every_command if each.words[0] == "ordebug"]
    assert [long for long, _ in SMALLER if not any(long in text for text in texts)] == []
