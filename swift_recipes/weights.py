"""The weights that a training run begins with: fetched before it begins, so that its manifest holds their digests."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from ordebug.core.errors import OrdebugError
from ordebug.swift_recipes.hubs import HubName, fetch

NOT_HERE = "no weights lay there when the run began"


def folder_of(name: str, hub: HubName, revision: str | None = None) -> str:
    """Where a model lies on this machine: its folder, or its place in the hub's cache; the name itself if nowhere."""
    if Path(name).is_dir():
        return name
    try:
        client = import_module("huggingface_hub" if hub == "hf" else "modelscope.hub.snapshot_download")
        return str(client.snapshot_download(name, revision=revision, local_files_only=True))
    except Exception:  # each client has errors of its own; not fetched yet is the usual one
        return name


def fetch_missing(names: Iterable[str], hub: HubName, revision: str | None = None) -> dict[str, str]:
    """Fetches what ms-swift would fetch once it has begun.

    Returns:
        Why there is nothing, for each model that could not be fetched; ms-swift then says what it makes of it.
    """
    why = {}
    for name in names:
        if folder_of(name, hub, revision) == name and not Path(name).is_dir():
            try:
                fetch(hub, name, revision=revision)
            except OrdebugError as error:
                why[name] = error.message
    return why
