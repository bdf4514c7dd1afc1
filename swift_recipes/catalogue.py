"""The recipe files: found by name or path, and read as swift reads them.

``swift`` turns each ``key: value`` of the YAML into ``--key value``, lists into several values, mappings into JSON and
everything else by ``str()``, and exports ``ENV`` (ms-swift 4.6.0, ``swift/cli/main.py``, ``parse_yaml_args``).
"""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from ordebug.core.errors import InputError, UsageError, existing_file
from ordebug.swift_recipes.overlay import overlaid

Kind = Literal["sft", "infer", "deploy", "rollout", "rlhf", "export"]
KINDS: dict[str, Kind] = {
    "sft": "sft",
    "infer": "infer",
    "deploy": "deploy",
    "rollout": "rollout",
    "rlhf": "rlhf",
    "grpo": "rlhf",
    "export": "export",
}
"""The swift command of each folder of recipes."""

FOLDER = Path(__file__).resolve().parent
OVERLAYS = FOLDER / "rlhf" / "overlays"
WITH = "+"
"""Between a recipe's name and an overlay's."""
LINE = re.compile(r"^(?P<indent> *)(?:(?P<key>[^\s:#'\"]+):|- *(?P<item>[^\s#]+))[^#]*?(?:\s#\s*(?P<reason>.*))?$")


@dataclass(frozen=True)
class Recipe:
    """One file, or one with overlays.

    Attributes:
        name: ``sft/qwen3_8b_lora``, ``rlhf/qwen3_8b_grpo+dapo``, or the path of a file of one's own.
        path: Where it, or what the overlays are laid on, lies.
        text: The whole YAML, as ``swift`` would read it.
        kind: The swift command it is for.
        about: The comment at its head, one text.
        env: What it exports.
        values: Its arguments.
        reasons: The comment behind each argument.
    """

    name: str
    path: Path
    text: str
    kind: Kind
    about: str
    env: dict[str, Any]
    values: dict[str, Any]
    reasons: dict[str, str]

    @property
    def purpose(self) -> str:
        """The first line of the comment at its head."""
        return self.about.partition("\n")[0]


def recipes() -> list[Recipe]:
    """All recipes that come with ordebug, by name."""
    return [read_recipe(path) for path in _paths()]


def overlays() -> dict[str, str]:
    """The overlays by name, each with what it is for."""
    return {path.stem: _about(_text(path)).partition("\n")[0] for path in sorted(OVERLAYS.glob("*.yaml"))}


def variants() -> list[Recipe]:
    """Every GRPO recipe for LoRA with every overlay."""
    bases = [recipe for recipe in recipes() if recipe.kind == "rlhf" and recipe.values.get("tuner_type") == "lora"]
    return [with_overlay(recipe, name) for recipe in bases for name in overlays()]


def with_overlay(recipe: Recipe, name: str) -> Recipe:
    """A recipe with an overlay's lines in it.

    Raises:
        UsageError: If there is no such overlay, or the recipe is not for ``swift rlhf``.
    """
    if name not in overlays():
        close = did_you_mean(name, overlays())
        raise UsageError(f"there is no overlay {name!r}.{close}", f"Overlays: {', '.join(overlays())}.")
    if recipe.kind != "rlhf":
        raise UsageError(f"{recipe.name} is for swift {recipe.kind}.", "Overlays are for recipes of swift rlhf.")
    text = overlaid(recipe.text, _text(OVERLAYS / f"{name}.yaml"), name)
    return _recipe(f"{recipe.name}{WITH}{name}", recipe.path, text, recipe.kind)


def find_recipe(name: str, kind: str | None = None) -> Recipe:
    """A recipe by name (``sft/qwen3_8b_lora``), or a file of one's own by path, with overlays (``NAME+dapo``) or not.

    Args:
        name: Name or path.
        kind: The swift command that a file is for; by default the name of the folder it lies in.

    Raises:
        UsageError: If there is none, or the file's command is not known.
        InputError: If the file is no recipe.
    """
    known = {_name(path): path for path in _paths()}
    if name in known:
        return read_recipe(known[name], kind)
    if name.endswith((".yaml", ".yml")) or Path(name).is_file():
        return read_recipe(existing_file(Path(name), "a recipe"), kind)
    base, plus, overlay = name.rpartition(WITH)
    if plus:
        return with_overlay(find_recipe(base, kind), overlay)
    close = did_you_mean(name, known)
    raise UsageError(f"there is no recipe {name!r}.{close}", "ordebug recipes list shows their names.")


def read_recipe(path: Path, kind: str | None = None) -> Recipe:
    """A recipe from its file.

    Raises:
        UsageError: If the swift command it is for is not known.
        InputError: If it is no mapping of arguments.
    """
    name = _name(path) if path.parent.parent == FOLDER else str(path)
    text = _text(path)
    _mapping(path, text)  # what is no recipe is told before what it might be for
    return _recipe(name, path, text, _kind(path, kind))


def _recipe(name: str, path: Path, text: str, kind: Kind) -> Recipe:
    values = _mapping(path, text)
    env = values.pop("ENV", None)
    if not isinstance(env, dict | None):
        raise InputError(f"{path}: ENV is no mapping.", "Write one `NAME: value` a line, indented below ENV.")
    return Recipe(name, path, text, kind, _about(text), env or {}, values, _reasons(text))


def as_words(value: Any) -> list[str]:
    """The words of the command line that swift makes of a value."""
    if isinstance(value, list):
        return [str(item) for item in value]
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)]


def did_you_mean(word: str, known: Iterable[str], near_enough: float = 0.6) -> str:
    """A question that names the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=near_enough)
    return f" Did you mean {near[0]}?" if near else ""


def _paths() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*/*.yaml") if path.parent.name in KINDS)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def _kind(path: Path, kind: str | None) -> Kind:
    name = kind or path.resolve().parent.name
    if name not in KINDS:
        what = f"there is no swift command {kind!r} for recipes." if kind else f"{path}: which swift command is it for?"
        raise UsageError(what, f"Say so with --kind {'|'.join(sorted(set(KINDS.values())))}.")
    return KINDS[name]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text in UTF-8.", "Give a recipe's YAML file.") from None


def _mapping(path: Path, text: str) -> dict[str, Any]:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none, and the like
        where = " ".join(str(error).split())
        raise InputError(f"{path} is no YAML: {where}", "A recipe has one `key: value` a line.") from None
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        raise InputError(f"{path} is no recipe.", "A recipe has one `key: value` a line.")
    keys = [str(key.value) for key, _ in node.value]
    double = sorted({key for key in keys if keys.count(key) > 1})
    if double:
        raise InputError(f"{path} gives {', '.join(double)} twice.", "Keep one; YAML takes the last without a word.")
    return {str(key): value for key, value in values.items()}


def _about(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return "\n".join(lines)


def _reasons(text: str) -> dict[str, str]:
    found = (LINE.match(line) for line in text.splitlines())
    return {match["key"]: match["reason"] or "" for match in found if match and match["key"] and not match["indent"]}
