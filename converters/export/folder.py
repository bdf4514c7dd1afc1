"""A folder that a framework trains from: rows, settings, and a manifest of what they came from."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ordebug.converters.export.frameworks import FRAMEWORKS, Framework, FrameworkName
from ordebug.converters.messages import SFTRow, read_sft_rows
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_text, atomic_writer, read_json, write_json
from ordebug.core.manifest import MANIFEST, manifest

ROWS = "train.jsonl"
SINGLE_TURNS = 3
MAX_LENGTH = 4096
"""Tokens a row may have, as in the recipe for the same model (``swift_recipes/sft/qwen3_8b_lora.yaml``)."""

MODEL = "Qwen/Qwen3-8B"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        rows: How many.
        conversations: Those of them that are whole conversations.
        files: Names in the folder.
        command: What trains on them.
    """

    rows: int
    conversations: int
    files: tuple[str, ...]
    command: str


def export_file(source: Path, out: Path, name: FrameworkName) -> Exported:
    """Writes an SFT file and its settings for a framework; memory does not grow with the file.

    Args:
        source: The SFT file.
        out: The folder.
        name: The framework.

    Raises:
        InputError: If the file is not an SFT file or holds no row.
        UsageError: If the folder holds something else.
    """
    framework = FRAMEWORKS[name]
    rows, conversations = _counted(source)
    _refuse_other(source, out, name)
    with atomic_writer(out / ROWS) as writer:
        for row in read_sft_rows(source):
            writer.write(framework.layout(row, conversations > 0))
    for file, text in _settings(name, framework, conversations > 0):
        with atomic_text(out / file) as target:
            target.write(text)
    done = Exported(rows, conversations, (ROWS, *framework.files), framework.command)
    about = manifest({"framework": name, "version": framework.version}, {"input": source})
    write_json(out / MANIFEST, {**about, "rows": rows, "conversations": conversations})
    return done


def _counted(source: Path) -> tuple[int, int]:
    rows = conversations = 0
    for row in read_sft_rows(source):
        rows += 1
        conversations += _is_chat(row)
    if not rows:
        raise InputError(f"{source} holds no row.", "Convert a file first: ordebug data convert FILE --out OUT")
    return rows, conversations


def _is_chat(row: SFTRow) -> bool:
    return len(row.messages) > SINGLE_TURNS


def _refuse_other(source: Path, out: Path, name: FrameworkName) -> None:
    """Refuses a folder that is not an earlier export for the same framework."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    held = None
    with suppress(InputError, AttributeError, TypeError):
        held = read_json(out / MANIFEST, "an export's manifest").get("config", {}).get("framework")
    if held != name or source.resolve() == (out / ROWS).resolve():
        raise UsageError(f"{out} holds something else.", "Give --out a folder of its own; one that is missing is made.")


def _settings(name: FrameworkName, framework: Framework, chat: bool) -> Iterator[tuple[str, str]]:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    for file in framework.files:
        text = environment.get_template(f"{name}.{file}.j2").render(
            chat=chat, version=framework.version, command=framework.command, rows=ROWS, model=MODEL, length=MAX_LENGTH
        )
        yield file, text
