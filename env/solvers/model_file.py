"""Model files from anyone: looked at before a solver reads them, because a solver trusts what it is given."""

import gzip
import stat
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from ordebug.core.errors import InputError

MOST_BYTES = 64 * 2**20
"""Largest model file, decompressed; 2,000 rows with 100 terms each take about 8 MB as MPS."""

SUFFIXES = (".mps", ".lp")
CHUNK = 2**20
GZIP_MAGIC = b"\x1f\x8b"


def check_model_file(path: Path) -> None:
    """Refuses what is not an ordinary MPS or LP file of bearable size; ``.gz`` is measured decompressed.

    Raises:
        InputError: If it is missing, a folder, a pipe or a device, of another kind, damaged, or too large.
    """
    size = _size(path)
    name = path.name.lower()
    compressed = path.suffix == ".gz"
    if not name.removesuffix(".gz").endswith(SUFFIXES):
        raise InputError(f"{path}: not named as a model file.", "Give a .mps or .lp file, or one with .gz after that.")
    with path.open("rb", buffering=0) as file:
        if (file.read(2) == GZIP_MAGIC) != compressed:
            raise InputError(f"{path}: its suffix does not tell whether it is compressed.", "End it in .gz if it is.")
    if compressed:
        _check_decompressed(path)
    elif size > MOST_BYTES:
        raise _too_large(path)


def _size(path: Path) -> int:
    """The bytes of an ordinary file."""
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", "Check the path of the model file.") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, socket or device"
        raise InputError(f"{path} is {kind}, not a model file.", "Give the path of a .mps or .lp file.")
    return found.st_size


def _check_decompressed(path: Path) -> None:
    """Counts as it decompresses and stops at the limit: a bomb is never unpacked."""
    size = 0
    try:
        with gzip.open(path) as opened:
            file = cast(BinaryIO, opened)
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > MOST_BYTES:
                    raise _too_large(path)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file ({error}).", "Copy or compress it again.") from None


def _too_large(path: Path) -> InputError:
    limit = MOST_BYTES // 2**20
    return InputError(f"{path}: a model of more than {limit} MiB is not read.", "Repair a smaller part of the model.")
