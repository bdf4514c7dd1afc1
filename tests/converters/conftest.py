"""The real Qwen tokenizer, public data where it is there, and small files."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "dtype": "bfloat16",
    "transformers_version": "5.19.0",
}
ROW = {
    "instruction": "Debug the model.",
    "input": "## Problem\nID: p1\nType: A\n\nConflicting Constraints: ['c1', 'c2']",
    "output": "<think>\nc1 is wrong.\n</think>\n\nAction: DROP_CONSTRAINT(c1)",
    "metadata": {"problem_id": "p1", "error_type": "A", "steps": 4},
}
MakeRow = Callable[..., dict[str, Any]]
WriteRows = Callable[..., Path]


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ms-swift takes for a Qwen3 without weights."""
    pytest.importorskip("transformers")
    pytest.importorskip("trl")
    from ordebug.swift_recipes.qwen_tokens import save_qwen_tokenizer

    folder = tmp_path_factory.mktemp("qwen3")
    save_qwen_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


@pytest.fixture
def alpaca_row() -> MakeRow:
    return lambda **changes: {**ROW, **changes}


@pytest.fixture
def write_rows(tmp_path: Path) -> Iterator[WriteRows]:
    """Writes rows as JSON lines, a list or a document, and gives the path."""

    def write(rows: list[Any], shape: str = "lines") -> Path:
        path = tmp_path / ("rows.jsonl" if shape == "lines" else "rows.json")
        texts = {
            "lines": lambda: "\n".join(json.dumps(row) for row in rows) + "\n",
            "list": lambda: json.dumps(rows, indent=2),
            "data": lambda: json.dumps({"metadata": {"data": [1]}, "data": rows, "after": "[,"}, indent=2),
        }
        path.write_text(texts[shape]())
        return path

    yield write


STOOL = """Maximize
 obj: 3 stools + 2 tables
Subject To
 wood: 2 stools + 4 tables <= 40
 labor: stools + tables >= 30
 order: stools >= 5
 plan: stools + tables <= 25
Bounds
 stools <= 12
End
"""


@pytest.fixture
def problem_folder(tmp_path: Path) -> Path:
    """Two problems of one base: a sense turned round, to be found in ``labor``."""
    folder = tmp_path / "set"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "stool.lp").write_text(STOOL)
    (folder / "models" / "bench.lp").write_text(STOOL.replace("30", "33").replace("stools <= 12", "stools <= 9"))
    rows = [
        {
            "problem_id": name,
            "model_file": f"models/{name}.lp",
            "error_type": "A",
            "base_id": "seats",
            "description": "A shop builds seats.\nlabor: at most 30 hours",
            "root_cause": [{"kind": "sense", "name": "labor", "touches": ["labor"]}],
        }
        for name in ("stool", "bench")
    ]
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder
