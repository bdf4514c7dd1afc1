"""Whether a run was sampled as GRPO samples, as far as its manifest tells."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ordebug.core.manifest import sha256_file
from ordebug.eval.played import PlayedRun
from ordebug.eval.swift_infer import SwiftInfer

WHOLE = {"temperature": (1.0,), "top_p": (1.0,), "top_k": (-1.0, 0.0)}
"""What draws from the model's own distribution; ms-swift and vLLM write "all tokens" as -1, Transformers as 0."""

FIX = "Play the samples with --infer-arg '--temperature 1 --top_p 1 --top_k -1', or an endpoint's own options."


def sampling_warnings(played: PlayedRun) -> Iterator[str]:
    """What differs; nothing where it is not known, as of an anchor."""
    told = _settings(played)
    found = {name: number for name in WHOLE if (number := _number(told.get(name))) is not None}
    differs = {name: number for name, number in found.items() if number not in WHOLE[name]}
    if differs:
        how = ", ".join(f"{name} {number:g}" for name, number in differs.items())
        yield f"the samples were drawn with {how}, and GRPO draws with temperature 1 from all tokens. {FIX}"


def _settings(played: PlayedRun) -> Mapping[str, Any]:
    config = played.config
    if "recipe" not in config:
        return config
    swift = SwiftInfer(str(config.get("model")), Path(config["recipe"]), tuple(config.get("infer_arguments", ())))
    digest = played.manifest["data"].get("recipe", {}).get("sha256")
    known = swift.recipe.is_file() and sha256_file(swift.recipe) == digest  # it may have been edited or moved since
    return {name: swift.value(name) if known else swift.given(name) for name in WHOLE}


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
