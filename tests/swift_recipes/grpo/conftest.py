"""ms-swift with the plugin in it, and GRPO rows of proved problems."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ordebug.converters.env_config import EnvConfig
from ordebug.converters.grpo import write_prompts
from ordebug.env.generate.families import FAMILIES
from ordebug.env.generate.generator import Plan, generate
from ordebug.env.problem_set import ProblemSet, read_problem_set
from ordebug.swift_recipes.grpo.judges import shared_judges

PLUGIN = Path(__file__).resolve().parents[3] / "swift_recipes" / "plugin" / "ordebug_plugin.py"


@dataclass(frozen=True)
class Prompts:
    """Problems and the rows that grpo-data writes of them."""

    problems: ProblemSet
    rows: list[dict[str, Any]]


@pytest.fixture(scope="session")
def make_prompts(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Prompts]:
    @cache
    def make(error_type: str, count: int = 1, actions: Any = "extended", max_steps: int = 4) -> Prompts:
        folder = tmp_path_factory.mktemp("prompts") / error_type
        generate(folder, Plan(count, (error_type,), tuple(FAMILIES), seed=5), workers=1)
        problems = read_problem_set(folder)
        out = folder / "grpo.jsonl"
        write_prompts(problems, EnvConfig(problems=folder, actions=actions, max_steps=max_steps), out)
        return Prompts(problems, [json.loads(line) for line in out.read_text().splitlines()])

    return make


@pytest.fixture(scope="session", autouse=True)
def plugin() -> Iterator[None]:
    """The plugin, loaded as ms-swift loads it, and its workers ended at the end."""
    from swift.utils import import_external_file

    import_external_file(str(PLUGIN))
    yield
    shared_judges().close()
