"""General instruction data as ms-swift reads it, from a hub or a file, and its length in Qwen tokens."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ordebug.core.errors import InputError, ToolError, existing_file
from ordebug.swift_recipes.qwen_tokens import qwen_tokenizer

FILE_SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")


class SwiftRows:
    """Loads sources with ms-swift's own ``load_dataset``; the cache of files goes when the object does."""

    def __init__(self) -> None:
        self._cache = TemporaryDirectory(prefix="ordebug-mix-")

    def __call__(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The rows of a swift dataset id or a local file, each with ``messages``.

        Raises:
            InputError: If a file is missing, or ms-swift cannot read it as conversations.
            ToolError: If ms-swift is not installed or a hub cannot be reached.
        """
        local = Path(name).suffix in FILE_SUFFIXES or Path(name).exists()
        if local and not Path(name).is_dir():
            existing_file(Path(name), "general rows")
        try:
            from swift.dataset import load_dataset
        except ImportError:
            raise ToolError("ms-swift, which reads general rows, is not installed.", "bash shell/setup.sh") from None
        if local:
            os.environ["MODELSCOPE_CACHE"] = self._cache.name
        try:
            rows, _ = load_dataset([name], strict=local, load_from_cache_file=False)
        except Exception as error:  # whatever a hub's client or a parser raises
            raise _unreadable(name, error, local) from None
        if rows is None or "messages" not in rows.column_names:
            raise InputError(
                f"{name}: ms-swift finds no conversations in it.", "Give messages, ShareGPT or Alpaca rows."
            )
        return rows  # type: ignore[no-any-return]


def count_tokens(rows: Sequence[Sequence[Mapping[str, str]]]) -> int:
    """Qwen tokens of conversations in the chat format, without what a template adds."""
    texts = [f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for row in rows for turn in row]
    return sum(map(len, qwen_tokenizer()(texts)["input_ids"])) if texts else 0


def _unreadable(name: str, error: Exception, local: bool) -> InputError | ToolError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    if local:
        return InputError(f"{name}: ms-swift cannot read it ({said}).", "Give messages, ShareGPT or Alpaca rows.")
    return ToolError(
        f"{name} could not be loaded from its hub ({said}).",
        f"Give a local file, or let training load it: swift sft --dataset FILE '{name}#N'.",
    )
