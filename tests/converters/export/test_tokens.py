"""The table of docs/frameworks.md, where both sides are installed: ms-swift's tokens and TRL's, of the same rows."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.export.folder import export_file
from ordebug.converters.messages import SFTRow, Turn, assistant_text
from ordebug.core.jsonl import write_rows
from ordebug.env.renderer import system_text

pytest.importorskip("swift")
pytest.importorskip("trl")

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "peers" / "trl_tokens.py"
EMPTY = "<think>\n\n</think>\n\n"
Tokens = tuple[list[int], list[int]]


def row(thought: str, decisions: int = 1) -> SFTRow:
    turns = []
    for number in range(decisions):
        answer = assistant_text(thought, f"Action: DROP_CONSTRAINT(c{number})")
        turns += [Turn(role="user", content=f"state {number}\n\nrow: 3 <= é"), Turn(role="assistant", content=answer)]
    return SFTRow(messages=(Turn(role="system", content=system_text("core")), *turns), problem_id="p")


ROWS = [row("c0 asks\n\n  for more."), row("")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from ordebug.swift_recipes.qwen_tokens import save_qwen_tokenizer

    folder = tmp_path_factory.mktemp("qwen3")
    save_qwen_tokenizer(folder)
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "head_dim": 4}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "tie_word_embeddings": True}
    Qwen3ForCausalLM(Qwen3Config(vocab_size=151936, **shape, **heads)).save_pretrained(folder)
    return folder


def swift_tokens(model: Path, rows: list[SFTRow], loss_scale: str) -> list[Tokens]:
    """What ``swift sft`` trains; ``ignore_empty_think`` is what its arguments add for a hybrid Qwen3."""
    os.environ.setdefault("USE_HF", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what ms-swift and torch deprecate among themselves
        from swift.model import get_model_processor
        from swift.template import get_template

        _, processor = get_model_processor(str(model), load_model=False, model_type="qwen3")
        template = get_template(processor, template_type="qwen3", loss_scale=f"{loss_scale}+ignore_empty_think")
    template.set_mode("train")
    encoded = [template.encode({"messages": [turn.model_dump() for turn in row.messages]}) for row in rows]
    return [(list(each["input_ids"]), [int(label != -100) for label in each["labels"]]) for each in encoded]


def trl_run(model: Path, rows: list[SFTRow], folder: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """TRL's own parser, loader, trainer and collator, on what is exported for it."""
    write_rows(folder / "rows.jsonl", (row.model_dump() for row in rows))
    export_file(folder / "rows.jsonl", folder / "trl", "trl")
    out = folder / "tokens.jsonl"
    command = [sys.executable, str(SCRIPT), str(folder / "trl"), str(model), str(out)]
    environment = {**os.environ, "HF_HOME": str(folder / "hub"), "TMPDIR": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, env=environment), out


def test_one_decision_a_row(model: Path, tmp_path: Path) -> None:
    done, out = trl_run(model, ROWS, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = [json.loads(line) for line in out.read_text().splitlines()]
    ours = swift_tokens(model, ROWS, "last_round")
    assert [row["ids"] for row in theirs] == [ids for ids, _ in ours]
    assert theirs[0]["trained"] == ours[0][1]
    more = [theirs[1]["trained"][index] - trained for index, trained in enumerate(ours[1][1])]
    assert decoded(model, [token for token, extra in zip(ours[1][0], more, strict=True) if extra]) == EMPTY
    assert min(more) == 0


def test_conversations(model: Path) -> None:
    """``default`` keeps and trains every thought; ``last_round`` takes the earlier ones out, as at inference."""
    chat = row("why", decisions=2)
    whole = "".join(turn.content + "<|im_end|>\n" for turn in chat.messages if turn.role == "assistant")
    [(ids, trained)] = swift_tokens(model, [chat], "default")
    assert decoded(model, [token for token, used in zip(ids, trained, strict=True) if used]) == whole
    [(ids, trained)] = swift_tokens(model, [chat], "last_round")
    assert decoded(model, [token for token, used in zip(ids, trained, strict=True) if used]) == (
        chat.assistant + "<|im_end|>\n"
    )
    assert decoded(model, ids).count("<think>") == 1


def decoded(model: Path, tokens: list[int]) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(model).decode(tokens)
