"""The commands in the docs exist as they stand there: programs, options, values, files and recipes."""

import re
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from doc_pages import ROOT, Command, commands, mentions, pages

from ordebug.cli.main import app
from ordebug.cli.options import checked_actions, checked_profile, checked_solver
from ordebug.core.errors import UsageError
from ordebug.swift_recipes.catalogue import KINDS, find_recipe, recipes

FOLDERS = "benchmarks|cli|converters|core|docs|env|eval|requirements|shell|swift_recipes|tests"
OURS = re.compile(rf"(?:\$PWD/)?((?:{FOLDERS})/[\w./-]*\w)/?(?:#\d+)?")
"""A path inside the repository."""
CHOICES = {"actions": checked_actions, "profile": checked_profile, "solver": checked_solver}
SWIFT_SCRIPTS = {"sft.sh": "sft", "infer.sh": "infer", "deploy.sh": "deploy", "merge.sh": "export"}
"""Scripts that hand what they do not know to a swift command."""
ROLLOUT_SCRIPTS = ("eval.sh", "select.sh")
"""Scripts that hand it to ``ordebug rollout``."""


def options(words: Sequence[str]) -> list[str]:
    before = words[: words.index("--")] if "--" in words else words
    found = (re.fullmatch(r"\[?(--[a-z][\w-]*)(?:=.*)?\]?", word) for word in before)
    return [match[1] for match in found if match]


def ordebug_problems(words: Sequence[str], whole: bool) -> Iterator[str]:
    """What ordebug's own parser refuses; of a command that is only mentioned, names alone are looked at."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("ordebug", [], resilient_parsing=True)
    rest = list(words)
    while hasattr(command, "resolve_command"):
        if not rest or rest[0].startswith("-"):
            break
        names = rest.pop(0).split("|")
        if unknown := [name for name in names if name not in command.commands]:
            yield f"there is no command {unknown[0]}"
            return
        command = command.commands[names[0]]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    yield from (f"there is no option {option}" for option in options(rest) if option not in known)
    if whole:
        yield from _refused(command, rest, context)


def _refused(command: Any, words: list[str], parent: Any) -> Iterator[str]:
    try:
        values = command.make_context(command.name, words, parent=parent).params
        for name, checked in CHOICES.items():
            if isinstance(values.get(name), str):
                checked(values[name])
    except UsageError as error:
        yield error.message
    except Exception as error:  # whichever click raises, typer's own or the library's
        yield f"{type(error).__name__}: {error}"


@cache
def script_help(script: str) -> str:
    done = subprocess.run(["bash", script, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("usage: "), script
    return done.stdout


def script_problems(words: Sequence[str]) -> Iterator[str]:
    name = Path(words[0]).name
    if not (ROOT / words[0]).is_file():
        yield f"there is no script {words[0]}"
        return
    own = words[1 : words.index("--")] if "--" in words else words[1:]
    known = {"--help", *re.findall(r"--[\w-]+", script_help(words[0]))}
    unknown = [option for option in options(own) if option not in known]
    if name in ROLLOUT_SCRIPTS:
        yield from ordebug_problems(["rollout", *unknown], whole=False)
    elif name not in SWIFT_SCRIPTS:
        yield from (f"{name} --help knows no {option}" for option in unknown)


def python_problems(words: Sequence[str]) -> Iterator[str]:
    if words[0].endswith(".py"):
        file = ROOT / words[0]
        text = file.read_text() if file.is_file() else ""
        yield from () if text else (f"there is no {words[0]}",)
        yield from (f"{words[0]} knows no {option}" for option in options(words) if f'"{option}"' not in text)


def problems(command: Command) -> list[str]:
    program, *words = command.words
    found = {
        "ordebug": lambda: ordebug_problems(words, command.whole),
        "bash": lambda: script_problems(words),
        "python": lambda: python_problems(words),
        "swift": lambda: iter(() if words[0] in (*KINDS.values(), "eval") else (f"there is no swift {words[0]}",)),
    }[program]()
    return [f"{command.where}: {each}" for each in found]


def missing(page: Path) -> Iterator[str]:
    """Files of the repository and recipes that a page names and that are not there."""
    named = [(line, word) for line, text in mentions(page) for word in text.split()]
    named += [(command.line, word) for command in commands(page) for word in command.words]
    for line, word in named:
        ours = OURS.fullmatch(word.strip("(),;"))
        if ours and not (ROOT / ours[1]).exists():
            yield f"{page.name}:{line}: there is no {ours[1]}"
        if re.fullmatch(rf"(?:{'|'.join(KINDS)})/\w+", word) and word not in {recipe.name for recipe in recipes()}:
            yield f"{page.name}:{line}: there is no recipe {word}"


def swift_call(command: Command) -> tuple[str, list[str]] | None:
    """The swift command that a line ends in, and its arguments; none for other lines."""
    program, first, *rest = command.words
    if program == "swift" and first in KINDS.values():
        return first, rest
    name = Path(first).name
    if name == "eval.sh" and "--" in rest:
        name, rest = "deploy.sh", rest[rest.index("--") :]
    if program != "bash" or name not in SWIFT_SCRIPTS or "vllm" in rest:
        return None
    return SWIFT_SCRIPTS[name], rest[2:] if rest[:1] == ["--engine"] else rest


def as_recipe(folder: Path, kind: str, words: Sequence[str]) -> Path:
    """Arguments as a recipe file of their own: what ``--key value`` says over what the recipe named first says."""
    values: dict[str, Any] = {}
    key = None
    for word in words:
        if word.startswith("--") and len(word) > 2:
            key = word[2:]
            values[key] = []
        elif key and word != "...":
            values[key].append(word)
    file = folder / f"{kind}.yaml"
    file.write_text(yaml.safe_dump(values))
    return file


def test_every_command_is_one(every_command: list[Command]) -> None:
    assert [problem for command in every_command for problem in problems(command)] == []


def test_most_blocks_can_be_given_as_they_stand(every_command: list[Command]) -> None:
    """So that the check by the real parser is not passed by looking away."""
    assert sum(command.whole and command.words[0] == "ordebug" for command in every_command) >= 20


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda page: page.stem)
def test_named_files_and_recipes_are_there(page: Path) -> None:
    assert list(missing(page)) == []


def swift_problems(command: Command, folder: Path) -> list[str]:
    """What ms-swift's own argument classes refuse of a line that ends in a swift command."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns on import of what will be gone with Python 3.14
        from ordebug.swift_recipes.arguments import argument_problems

        call = swift_call(command)
        if call is None:
            return []
        recipe = find_recipe(str(as_recipe(folder, *call)), call[0])
        return [f"{command.where}: {problem}" for problem in argument_problems(recipe)]


@pytest.mark.slow
def test_swift_takes_every_argument(every_command: list[Command], tmp_path: Path) -> None:
    calls = [command for command in every_command if swift_call(command) and options(command.words)]
    assert len(calls) >= 6
    assert [problem for command in calls for problem in swift_problems(command, tmp_path)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("swift sft x.yaml --lora_rnak 8", "no such argument. Did you mean lora_rank"),
        ("swift rlhf x.yaml --max_steps few", "'few'"),
        ("bash shell/sft.sh x.yaml --template qwen9", "knows no qwen9"),
        ("bash shell/eval.sh CHECKPOINT --out RUN -- --modeltype qwen2", "no such argument"),
    ],
)
def test_what_swift_would_refuse_is_seen(tmp_path: Path, text: str, says: str) -> None:
    assert says in " ".join(swift_problems(Command("page.md", 1, tuple(text.split()), whole=True), tmp_path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ordebug data odit rows.json", "no command odit"),
        ("ordebug data audit rows.json --problem DIR", "no option --problem"),
        ("ordebug data convert rows.json", "Missing parameter: out"),
        ("ordebug problems generate --out DIR --count many", "many"),
        ("ordebug problems show DIR --actions all", "no action set 'all'"),
        ("ordebug rollout --policy oracle --problems DIR --out RUN --executor cloud", "cloud"),
        ("bash shell/none.sh", "no script shell/none.sh"),
        ("bash shell/quickstart.sh --fast", "knows no --fast"),
        ("bash shell/eval.sh CHECKPOINT --problems DIR --out RUN --sample 2", "no option --sample"),
        ("python benchmarks/none.py", "no benchmarks/none.py"),
        ("python benchmarks/scale.py --row 5", "knows no --row"),
        ("swift train", "no swift train"),
    ],
)
def test_a_wrong_command_is_seen(tmp_path: Path, text: str, says: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n```bash\n$ {text}  # why\n```\n")
    (command,) = commands(page)
    assert command.whole and command.text == text
    assert says in " ".join(problems(command))


def test_a_missing_file_and_a_missing_recipe_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`env/none.py`, `tests/none/`, `sft/none_lora`; there: `env/renderer.py`, `env/`, `sft/tiny_cpu`\n")
    found = [each.partition("there is no ")[2] for each in missing(page)]
    assert found == ["env/none.py", "tests/none", "recipe sft/none_lora"]
