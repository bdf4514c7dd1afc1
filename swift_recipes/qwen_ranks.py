"""Qwen's vocabulary without a download: the ranks from the package dashscope, and how text is cut before they apply."""

import base64
from importlib.util import find_spec
from pathlib import Path

from ordebug.core.errors import ToolError

RANKS = 151_643
# fmt: off
SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)
ADDED = (
    "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
    "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>",
)
# fmt: on
"""Qwen3's added tokens, whose ids follow the ranks in this order; the first group alone is special."""

WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen cuts text into words, within which bytes are joined."""


def read_ranks() -> dict[bytes, int]:
    """Qwen's tokens with their ranks.

    Raises:
        ToolError: If dashscope is not installed or holds other ranks.
    """
    found = find_spec("dashscope")
    if found is None or found.origin is None:
        raise ToolError("the package dashscope, which holds Qwen's tokens, is missing.", "pip install dashscope")
    path = Path(found.origin).parent / "resources" / "qwen.tiktoken"
    pairs = (line.split() for line in path.read_bytes().splitlines()) if path.is_file() else ()
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    if len(ranks) != RANKS:
        raise ToolError(f"{path} holds {len(ranks)} tokens, not {RANKS}.", "pip install 'dashscope>=1.20'")
    return ranks
