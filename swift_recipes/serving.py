"""What a server must be told of a checkpoint, so that its prompts are those that were trained.

A recipe of ``swift_recipes/deploy`` is of the hybrid Qwen3. ms-swift leaves in each checkpoint's ``args.json`` what it
was trained with; of a model without it, little is known, and what contradicts the recipe is refused.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ordebug.core.errors import UsageError
from ordebug.core.jsonl import read_json
from ordebug.eval.adapter import base_model, check_vllm_takes
from ordebug.swift_recipes.catalogue import Recipe

Engine = Literal["swift", "vllm"]
THINK = "<think>\n"
UNTRAINED_THINK = "ignore_think_prefix"
"""In ``loss_scale``: the prompt holds ``<think>``, so the model never learned to write it."""
GIVE_THINK = ("qwen3_thinking", "qwq")
"""Templates whose prompts end with ``<think>`` by themselves, ms-swift's and the chat template in the checkpoint."""
PROMPT_THINKS = r"<|im_start|>assistant\n<think>\n"
"""In the chat template of Thinking-2507, and not in the hybrid's."""
HYBRID = re.compile(r"Qwen3-[\d.]+B(-Base)?(-FP8|-AWQ)?")


def serving_words(checkpoint: str, engine: Engine, recipe: Recipe, given: Sequence[str]) -> list[str]:
    """Arguments for the server, where the checkpoint was trained otherwise than the recipe says.

    Args:
        checkpoint: A model's folder, a LoRA adapter's, or a model's id.
        engine: The server.
        recipe: The recipe for ``swift deploy``.
        given: The user's arguments, which win.

    Raises:
        UsageError: If its prompts cannot be made, or what it is contradicts the recipe.
    """
    if not _gives(given, "--merge_lora"):
        check_vllm_takes(checkpoint)  # it is behind both servers
    places = _places(checkpoint)
    trained = next((read_json(place / "args.json", "arguments") for place in places if _has(place, "args.json")), None)
    if engine == "vllm":
        _check_vllm(checkpoint, trained or {}, given)
        return []
    if trained is None:
        if not _gives(given, "--template"):
            _check_model(str(places[-1]), recipe)
        return []
    wanted = {key: trained.get(key) for key in ("model_type", "template", "preserve_thinking")}
    wanted["response_prefix"] = _begins(trained)
    differing = {key: value for key, value in wanted.items() if value not in (None, recipe.values.get(key))}
    return [word for key, value in differing.items() for word in (f"--{key}", _word(value))]


def _places(checkpoint: str) -> list[Path]:
    """The checkpoint, and behind it the model that an adapter belongs to."""
    base = base_model(checkpoint)
    return [Path(checkpoint), *([Path(base)] if base else [])]


def _has(place: Path, name: str) -> bool:
    return (place / name).is_file()


def _gives(given: Sequence[str], option: str) -> bool:
    return any(word.partition("=")[0] == option for word in given)


def _begins(trained: dict[str, Any]) -> str | None:
    """What each reply must be begun with."""
    if trained.get("response_prefix") is not None:
        return str(trained["response_prefix"])
    untrained = UNTRAINED_THINK in str(trained.get("loss_scale")).split("+")
    return THINK if untrained and trained.get("template") not in GIVE_THINK else None


def _check_vllm(checkpoint: str, trained: dict[str, Any], given: Sequence[str]) -> None:
    begins = _begins(trained)
    if begins and not _gives(given, "--chat-template"):
        raise UsageError(
            f"{checkpoint} was trained behind {begins!r}, and `vllm serve` cannot begin replies.",
            "Leave out --engine vllm: swift deploy can. Or give a --chat-template whose prompts end so.",
        )


def _check_model(model: str, recipe: Recipe) -> None:
    """Refuses a model without ``args.json`` that is seen not to be the recipe's."""
    found = _told_by_files(Path(model)) if Path(model).is_dir() else _told_by_name(model)
    if found and found != (recipe.values["model_type"], recipe.values["template"]):
        said = " ".join(f"--{key} {value}" for key, value in zip(("model_type", "template"), found, strict=True))
        raise UsageError(f"{model} is not what {recipe.name} is for, and has no args.json.", f"Say so: {said}")


def _told_by_files(folder: Path) -> tuple[str, str] | None:
    kind = read_json(folder / "config.json", "a model").get("model_type") if _has(folder, "config.json") else None
    if kind == "qwen3":
        thinks = PROMPT_THINKS in _chat(folder) or "Thinking-2507" in folder.name
        return kind, "qwen3_thinking" if thinks else "qwen3"
    return (kind, "qwen2_5" if kind == "qwen2" else "TEMPLATE") if kind else None


def _told_by_name(model: str) -> tuple[str, str]:
    name = model.rpartition("/")[2]
    if HYBRID.fullmatch(name):
        return "qwen3", "qwen3"
    if name.startswith("Qwen2.5"):
        return "qwen2", "qwen2_5"
    return ("qwen3", "qwen3_thinking") if "Thinking-2507" in name else ("MODEL_TYPE", "TEMPLATE")


def _chat(folder: Path) -> str:
    """The chat template's text, from the file that holds it."""
    if _has(folder, "chat_template.jinja"):
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    settings = read_json(folder / "tokenizer_config.json", "settings") if _has(folder, "tokenizer_config.json") else {}
    return str(settings.get("chat_template", ""))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
