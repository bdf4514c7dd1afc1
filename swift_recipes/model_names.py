"""Names of models: on a hub, of a folder, or of a hub's cache."""

from pathlib import Path

from ordebug.core.manifest import weights_sha256


def is_local(model: str) -> bool:
    """Whether a model is named by a path; names on hubs are owner/name."""
    return model.startswith((".", "/", "~")) or model.count("/") > 1 or Path(model).is_dir()


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model.

    Two folders that are there must hold the same weights; of others the last part of the name decides.
    """
    if one == other:
        return True
    if Path(one).is_dir() and Path(other).is_dir():
        return Path(one).samefile(other) or weights_sha256(one) == weights_sha256(other)
    return (is_local(one) or is_local(other)) and bool(_names(one) & _names(other))


def _names(model: str) -> set[str]:
    """A model's name without its owner; ModelScope's cache writes ``___`` for a dot, Hugging Face's has folders above.

    Checkpoints have names alike, so the folder above belongs to theirs.
    """
    path = Path(model)
    cached = {part.rpartition("--")[2] for part in path.parts if part.startswith("models--")}
    return cached | {"/".join(path.parts[-2:]) if "checkpoint" in path.name else path.name.replace("___", ".")}
