"""Published and generated data for the tests that read it; and no time limits, which busy machines break."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.generator import Plan, generate
from ordebug.env.problem_set import ProblemSet, read_problem_set

settings.register_profile("ordebug", deadline=None)
settings.load_profile("ordebug")

PUBLIC_PARTS = ("sft/sft_gpt52chat.json", "sft/sft_heuristic.json", "problems/full/dataset.json")


@pytest.fixture(scope="session")
def public_bench() -> Path:
    """The folder with the published rows (``sft``) and problems (``problems``); the project holds no copy of them."""
    given = os.environ.get("ORDEBUG_PUBLIC_BENCH")
    if not given:
        pytest.skip("ORDEBUG_PUBLIC_BENCH does not name a folder with the published data")
    missing = [name for name in PUBLIC_PARTS if not (Path(given) / name).exists()]
    assert not missing, f"ORDEBUG_PUBLIC_BENCH={given} lacks {', '.join(missing)}"
    return Path(given)


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], ProblemSet]:
    """So many proved problems of one error type, made once a session."""

    @cache
    def make(error_type: str, count: int) -> ProblemSet:
        folder = tmp_path_factory.mktemp("generated") / error_type
        generate(folder, Plan(count, (error_type,), tuple(FAMILIES), seed=11), workers=1)
        return read_problem_set(folder)

    return make
