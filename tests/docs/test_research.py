"""What the pages on research name is there: tests, files, recipes, commands with their options, figures."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from ordebug.cli.main import app
from ordebug.swift_recipes.catalogue import recipes

ROOT = Path(__file__).parents[2]
PAGES = ("docs/research.md", "docs/a_day_on_two_a800s.md")
FOLDERS = (
    "benchmarks",
    "cli",
    "converters",
    "core",
    "docs",
    "env",
    "eval",
    "requirements",
    "shell",
    "swift_recipes",
    "tests",
)
QUESTIONS = (
    "1. Which framework?",
    "2. Which hyper-parameters?",
    "3. How are the rows",
    "4. How is it evaluated",
    "5. What goes wrong",
)


@cache
def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def spans(name: str) -> tuple[str, ...]:
    """What stands in code: spans of a line, and the lines of blocks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", page(name), flags=re.MULTILINE | re.DOTALL)
    return (*(line for block in blocks for line in block.splitlines()), *re.findall(r"`([^`\n]+)`", prose))


def words(name: str) -> list[str]:
    return [word for span in spans(name) for word in span.split()]


def named_tests(name: str) -> list[tuple[Path, str]]:
    pairs = [word.split("::") for word in words(name) if "::" in word]
    return [(ROOT / path, test) for path, test in pairs]


def test_the_tests_are_there() -> None:
    named = [each for name in PAGES for each in named_tests(name)]
    assert len(named) > 40
    for path, test in named:
        assert re.search(rf"^(async )?def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE), f"{path}::{test}"


@pytest.mark.parametrize("name", PAGES)
def test_the_files_are_there(name: str) -> None:
    paths = [word.partition("::")[0] for word in words(name) if word.startswith(tuple(f"{top}/" for top in FOLDERS))]
    assert paths and [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_the_recipes_are_there(name: str) -> None:
    known = {recipe.name for recipe in recipes()}
    kinds = {recipe.partition("/")[0] for recipe in known}
    named = {word for word in words(name) if "/" in word and word.partition("/")[0] in kinds and "." not in word}
    assert "sft/qwen3_8b_lora" in named and named <= known


def commands(name: str) -> list[list[str]]:
    """Commands of ours, with or without the program's name in front; placeholders in capitals are arguments."""
    groups = {group.name for group in app.registered_groups}
    found = []
    for span in spans(name):
        given = span.split()
        if given[:1] == ["ordebug"] or (len(given) > 1 and given[0] in groups):
            found.append(given[given[0] == "ordebug" :])
    return found


@pytest.mark.parametrize("name", PAGES)
def test_the_commands_are_there(name: str) -> None:
    assert len(commands(name)) > 10
    for given in commands(name):
        command = typer.main.get_command(app)
        left = list(given)
        while isinstance(command, TyperGroup):
            assert left and left[0] in command.commands, f"{name}: ordebug {' '.join(given)}"
            command = command.commands[left.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert [word for word in left if word.startswith("--") and word not in options] == [], f"{name}: {given}"


def test_each_question_is_answered_at_its_head() -> None:
    for question in QUESTIONS:
        section = page("docs/research.md").split(f"\n## {question}", 1)[1]
        assert section.split("\n\n", 2)[1].startswith("**"), question


def test_figures_are_those_of_the_plan(public_bench: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    with rows.open("wb") as all_rows:
        for source in ("sft_gpt52chat", "sft_heuristic"):
            out = tmp_path / f"{source}.jsonl"
            arguments = ["data", "convert", str(public_bench / "sft" / f"{source}.json"), "--out", str(out)]
            assert CliRunner().invoke(app, arguments).exit_code == 0
            all_rows.write(out.read_bytes())
    lora, full = (planned(f"sft/qwen3_8b_{name}", rows) for name in ("lora", "full"))
    research, day = (page(name) for name in PAGES)
    for key in ("rows", "tokens", "trained_tokens", "computed_tokens"):
        assert f"{lora[key]:,}" in research, key
    assert f"{lora['steps']} steps" in research and f"has {lora['longest']};" in research
    assert f"{lora['memory_total'] / 2**30:.1f} GiB a GPU" in research
    assert f"{full['memory_total'] / 2**30:.1f} in all" in research
    for plan, said in ((lora, "{:.1f} min at 40 %, {:.0f} min at 12 %"), (full, "{:.0f} to {:.0f} min")):
        assert said.format(*(seconds / 60 for seconds in plan["seconds"])) in day
    assert f"{lora['computed_tokens']:,} padded tokens" in day


def planned(recipe: str, rows: Path) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["recipes", "plan", recipe, "--data", str(rows), "--json"])
    return dict(json.loads(done.output))
