"""A small broken model, with its clean one."""

import json
from pathlib import Path
from typing import Any

import pytest

from ordebug.env.problem import Problem
from ordebug.env.problem_set import ProblemSet, read_problem_set

STOOL = """Maximize
 obj: 3 stools + 2 tables
Subject To
 wood: 2 stools + 4 tables <= 120
 labor: stools + tables {labor} 30
 order: stools >= 5
 plan: stools + tables <= 25
Bounds
 stools <= 12
End
"""
RECORD: dict[str, Any] = {
    "problem_id": "stool",
    "model_file": "stool.lp",
    "clean_model_file": "clean.lp",
    "error_type": "A",
    "description": "A shop builds seats.\nlabor: at most 30 hours\nplan: at most 25 hours",
    "root_cause": [{"kind": "sense", "name": "labor", "touches": ["labor"]}],
    "repair": ["FLIP_SENSE(labor)"],
    "original_objective": 62.0,
    "fewest_actions": 1,
}


@pytest.fixture
def stool_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "stools"
    folder.mkdir()
    for file, sense in (("stool.lp", ">="), ("clean.lp", "<=")):
        (folder / file).write_text(STOOL.format(labor=sense))
    (folder / "problems.jsonl").write_text(json.dumps(RECORD) + "\n")
    return folder


@pytest.fixture
def stool(stool_folder: Path) -> tuple[Problem, ProblemSet]:
    problems = read_problem_set(stool_folder)
    return problems.get("stool"), problems
