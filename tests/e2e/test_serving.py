"""A checkpoint served by real vLLM, and the scripts that serve and evaluate it."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ordebug.env.action import InvalidAction
from ordebug.env.reply import parse_reply

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_every_way_gives_the_same_prompts_and_actions(qwen3_answers: Mapping[str, Any]) -> None:
    first = next(iter(qwen3_answers.values()))
    assert len(first) == 50
    actions = [parse_reply(answer.text).action for answer in first]
    assert sum(not isinstance(action, InvalidAction) for action in actions) >= 45, "the model must say something"
    for way, given in list(qwen3_answers.items())[1:]:
        assert [answer.prompt for answer in given] == [answer.prompt for answer in first], way
        equal = sum(parse_reply(answer.text).action == action for answer, action in zip(given, actions, strict=True))
        assert equal >= 0.95 * len(first), f"{way}: {equal} of {len(first)} actions are equal"


@pytest.mark.parametrize("script", ["setup_vllm_cpu.sh", "deploy.sh", "eval.sh"])
def test_every_script_has_help(script: str) -> None:
    done = subprocess.run(["bash", f"shell/{script}", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: bash shell/{script}")
