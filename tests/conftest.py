"""The published data, for the tests that read it; and no time limits, which busy machines break."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
