"""Qwen's tokenizer without a download: the ranks from the package dashscope, the chat template from trl.

A byte-pair tokenizer is stored there as tokens with ranks. A fast tokenizer wants merges: the two halves a token is
made of are what is left when it is built with lower ranks alone.
"""

import base64
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

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

MAX_LENGTH = 131_072


@cache
def qwen_tokenizer() -> PreTrainedTokenizerFast:
    """Qwen3's tokenizer with its chat template, made once a process in some seconds.

    Raises:
        ToolError: If dashscope is not installed or holds other ranks.
    """
    from trl.chat_template_utils import qwen3_chat_template

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_byte_pairs(read_ranks()),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL[1:]),
        model_max_length=MAX_LENGTH,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = qwen3_chat_template
    return tokenizer


def save_qwen_tokenizer(folder: Path) -> None:
    """Writes the tokenizer so that ``AutoTokenizer`` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    qwen_tokenizer().save_pretrained(folder)


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


def _byte_pairs(ranks: dict[bytes, int]) -> Tokenizer:
    letters = byte_letters()

    def spelled(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    order = sorted(ranks, key=lambda token: ranks[token])
    merges = [halves(token, ranks) for token in order if len(token) > 1]
    vocabulary = {spelled(token): ranks[token] for token in order}
    tokenizer = Tokenizer(BPE(vocabulary, [(spelled(left), spelled(right)) for left, right in merges]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in ADDED])
    return tokenizer


def halves(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two parts that the merge of a token joins.

    Raises:
        ToolError: If no two parts give it, so that the ranks are no byte-pair vocabulary.
    """
    parts = [token[at : at + 1] for at in range(len(token))]
    while len(parts) > 2:
        joined = [ranks.get(left + right, RANKS) for left, right in pairwise(parts)]
        at = min(range(len(joined)), key=joined.__getitem__)
        if joined[at] >= ranks[token]:
            raise ToolError(f"Qwen's token {token!r} is not made of two others.", "pip install 'dashscope>=1.20'")
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def byte_letters() -> dict[int, str]:
    """A printable letter for each byte: itself where it is printable Latin-1, else the next free one from 256 up."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = (byte for byte in range(256) if byte not in shown)
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + index) for index, byte in enumerate(hidden)}
