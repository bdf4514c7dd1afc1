"""Writes a folder for another framework."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ordebug.converters.export.axolotl import AXOLOTL
from ordebug.converters.export.llamafactory import LLAMAFACTORY
from ordebug.converters.export.peer import ROWS, Peer
from ordebug.converters.export.trl import TRL
from ordebug.converters.export.unsloth import UNSLOTH
from ordebug.converters.messages import read_sft_rows
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_text, write_rows

PeerName = Literal["llamafactory", "axolotl", "trl", "unsloth"]
PEERS: Mapping[PeerName, Peer] = {
    "llamafactory": LLAMAFACTORY,
    "axolotl": AXOLOTL,
    "trl": TRL,
    "unsloth": UNSLOTH,
}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        rows: How many rows.
        files: Names in the folder.
        run: The command that trains with them.
        version: The framework's release they are for.
    """

    rows: int
    files: tuple[str, ...]
    run: str
    version: str


def export(source: Path, name: PeerName, out: Path) -> Exported:
    """Writes the rows of an SFT file and what the framework needs to read them.

    Raises:
        InputError: If the file holds no row or something else.
        UsageError: If the folder holds files of another kind.
    """
    peer = PEERS[name]
    names = (ROWS, *peer.files)
    foreign = sorted(path.name for path in out.iterdir() if path.name not in names) if out.is_dir() else []
    if foreign:
        raise UsageError(f"{out} holds {', '.join(foreign[:3])}.", "Give --out a folder that is new or empty.")
    count = write_rows(out / ROWS, (peer.layout(row) for row in read_sft_rows(source)))
    if not count:
        raise InputError(f"{source} holds no row.", "Convert a file first: ordebug data convert FILE --out OUT")
    for file, text in peer.files.items():
        with atomic_text(out / file) as written:
            written.write(text)
    return Exported(count, names, peer.run, peer.version)
