"""What an adapter is merged into: the model it was trained on, as its checkpoint says.

Qwen3-8B and Qwen3-8B-Base have the same shapes, so a merge into the wrong one of them fails nowhere and yields a model
that nobody trained. ``shell/merge.sh`` asks here instead of a recipe.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import read_json
from ordebug.eval.adapter import ADAPTER
from ordebug.swift_recipes.model_names import is_local, same_model
from ordebug.swift_recipes.training_run import by_key

KEYS = ("model", "model_type", "template")


def base_words(adapter: Path, words: Sequence[str] = ()) -> list[str]:
    """The arguments of ``swift export`` that name the model an adapter belongs to.

    Args:
        adapter: The adapter's folder.
        words: What was given beside it; it may say the same, or where the model lies now.

    Raises:
        InputError: If the folder holds no adapter.
        UsageError: If another model, type or template is given, or the adapter does not say.
    """
    recorded = _recorded(adapter)
    given = {key: word for key, word in by_key(words) if key in KEYS and not word.startswith("--")}
    found = {key: _agreed(adapter, key, recorded.get(key), given.get(key)) for key in KEYS}
    if is_local(found["model"]) and not Path(found["model"]).is_dir():
        raise UsageError(
            f"{adapter} belongs to {found['model']}, which is not here.", "Say where it is now: --model DIR"
        )
    said = [word for key, value in found.items() for word in (f"--{key}", value)]
    return [*said, "--use_hf", "true"] if recorded.get("use_hf") is True else said


def _recorded(adapter: Path) -> dict[str, Any]:
    """What ms-swift wrote beside an adapter, else what PEFT did."""
    config = adapter / ADAPTER
    if not config.is_file():
        raise InputError(
            f"{adapter} holds no adapter.", "Give a checkpoint's folder, the one with adapter_config.json."
        )
    found = read_json(config, "an adapter's configuration")
    arguments = adapter / "args.json"
    written = read_json(arguments, "ms-swift's arguments") if arguments.is_file() else {}
    if not isinstance(found, dict) or not isinstance(written, dict):
        raise InputError(f"{adapter}: its JSON files describe no adapter.", "Give a checkpoint as swift saved it.")
    return {"model": found.get("base_model_name_or_path")} | {key: value for key, value in written.items() if value}


def _agreed(adapter: Path, key: str, recorded: Any, given: str | None) -> str:
    if not isinstance(recorded, str):
        if given is None:
            raise UsageError(f"{adapter} does not say its {key}.", f"Give --{key}.")
        return given
    if given is None or given == recorded:
        return recorded
    if key != "model" or not same_model(given, recorded):
        raise UsageError(
            f"{adapter} was trained with {key} {recorded}, not {given}.",
            "Leave the option out. A model that was moved is known by the name of its folder.",
        )
    return given
