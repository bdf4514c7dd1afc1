"""Qwen's tokenizer without a download: the ranks from the package dashscope, the chat template from trl.

A byte-pair tokenizer is stored there as tokens with ranks. A fast tokenizer wants merges: the two halves a token is
made of are what is left when it is built with lower ranks alone.
"""

from functools import cache
from itertools import pairwise
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from ordebug.core.errors import ToolError
from ordebug.swift_recipes.qwen_ranks import ADDED, RANKS, SPECIAL, WORDS, read_ranks

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
