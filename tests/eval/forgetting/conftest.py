"""Results of EvalScope: those that it left for a small Qwen3 before and after training, and others of that form."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ordebug.core.jsonl import write_rows

RECORDED = Path(__file__).parent / "recorded"
NAME = "general_qa"
Scores = Sequence[float | None]
MakeSide = Callable[..., Path]


def review_file(side: Path) -> Path:
    return side / NAME / "reviews" / "model" / f"{NAME}_repairs.jsonl"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A copy of what EvalScope left for a model before and after training, to be edited."""
    return Path(shutil.copytree(RECORDED, tmp_path / "recorded"))


@pytest.fixture
def make_side(tmp_path: Path) -> MakeSide:
    """A side with these scores, None for what was not graded: recorded rows, repeated and renumbered."""

    def make(name: str, scores: Scores) -> Path:
        side = Path(shutil.copytree(RECORDED / "after", tmp_path / name))
        first = json.loads(review_file(side).read_text().splitlines()[0])
        rows = []
        for index, score in enumerate(scores):
            row = json.loads(json.dumps(first))
            row["index"] = row["sample_score"]["sample_id"] = row["sample_score"]["group_id"] = index
            row["sample_score"]["score"]["value"] = {} if score is None else {"Rouge-L-R": score}
            rows.append(row)
        write_rows(review_file(side), rows)
        return side

    return make
