"""A small Qwen3 made on the spot: the real architecture, Qwen's special tokens and chat template, random weights.

Its vocabulary is trained on the rows it will learn from, so that a row's name is one token: with names of several
tokens, models of this size do not learn to find the wrong row in minutes (``docs/results.md``).
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
from trl.chat_template_utils import qwen3_chat_template

from ordebug.core.errors import InputError
from ordebug.core.jsonl import read_rows

END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (END_OF_TEXT, START, END)
TAGS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")
"""Qwen3's added tokens that are ordinary text to a decoder: they survive ``skip_special_tokens``."""

WORD = r"\(\p{N}+\) | ?at (?:most|least)| ?[\p{L}_]+:?| ?\p{N}+|[,;:.]| ?[^\s\p{L}\p{N}_,;:.]+|\s+"
"""Pieces a token may span. Unlike Qwen's: a name keeps its underscores and the colon behind it, a number is one piece,
so is a row's ``(1)`` and each way to say a limit. So what the thought must look up stands one token from its name."""

VOCABULARY = 2000
ROWS_FOR_VOCABULARY = 4000
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 32,
}
SPREAD = 0.15
"""Standard deviation of the random weights, near 1 / sqrt(width). Qwen3's 0.02 is for widths of thousands."""

SHARPNESS = 2.0
"""Where the weights of query and key norms begin. At 1, attention over 150 tokens is too even to learn from."""


def build(data: Path, out: Path, seed: int = 0) -> int:
    """Writes a model folder that ms-swift, Transformers and vLLM load; returns the parameter count.

    Args:
        data: SFT rows; the vocabulary is trained on their first 4,000.
        out: Where ``config.json``, ``model.safetensors`` and the tokenizer go.
        seed: Of the random weights.

    Raises:
        InputError: If the file holds no messages.
    """
    tokenizer = train_tokenizer(data)
    torch.manual_seed(seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            max_position_embeddings=4096,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=True,
            bos_token_id=tokenizer.convert_tokens_to_ids(END_OF_TEXT),
            eos_token_id=tokenizer.convert_tokens_to_ids(END),
            pad_token_id=tokenizer.convert_tokens_to_ids(END_OF_TEXT),
            dtype="float32",
            initializer_range=SPREAD,
            **SHAPE,
        )
    )
    for layer in model.model.layers:
        torch.nn.init.constant_(layer.self_attn.q_norm.weight, SHARPNESS)
        torch.nn.init.constant_(layer.self_attn.k_norm.weight, SHARPNESS)
    ends = tokenizer.convert_tokens_to_ids([END, END_OF_TEXT])
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=ends, pad_token_id=tokenizer.convert_tokens_to_ids(END_OF_TEXT)
    )
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return int(model.num_parameters())


def train_tokenizer(data: Path) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on rows' messages, with Qwen3's special tokens and chat template."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(WORD), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(_texts(data), trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[START],
        chat_template=qwen3_chat_template,
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )


def _texts(data: Path) -> Iterator[str]:
    """The rows' texts without tags, which are tokens of their own."""
    found = 0
    for number, row in read_rows(data, "SFT rows"):
        messages = row.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise InputError(f"{data}:{number}: no messages.", "Convert the file first: ordebug data convert")
        for message in messages:
            text = str(message.get("content"))
            for tag in TAGS:
                text = text.replace(tag, "\n")
            yield text
        yield "system\nuser\nassistant\n"
        found += 1
        if found == ROWS_FOR_VOCABULARY:
            return
    if not found:
        raise InputError(f"{data} holds no rows.", "Give a file of SFT rows.")
