"""The Qwen models of the recipes as numbers, from their published ``config.json``.

A test holds the counts to those of Transformers.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, UsageError
from ordebug.swift_recipes.arguments import NO_SUCH
from ordebug.swift_recipes.catalogue import did_you_mean


@dataclass(frozen=True)
class Architecture:
    """A decoder of the kind of Qwen2 and Qwen3.

    Attributes:
        hidden: Width.
        intermediate: Width inside the MLP.
        layers: Number of layers.
        heads: Heads of queries.
        kv_heads: Heads of keys and values.
        head_dim: Width of a head.
        vocabulary: Rows of the embedding.
        tied: Whether the embedding is the output layer too.
        qkv_bias: Whether queries, keys and values have a bias (Qwen2).
        qk_norm: Whether queries and keys are normalised (Qwen3).
    """

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int = 128
    vocabulary: int = 151_936
    tied: bool = False
    qkv_bias: bool = False
    qk_norm: bool = True

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of a layer's linear maps."""
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "q_proj": (self.hidden, query),
            "k_proj": (self.hidden, key),
            "v_proj": (self.hidden, key),
            "o_proj": (query, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }

    @property
    def linear_parameters(self) -> int:
        """Weights of the linear maps of all layers."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linears.values())

    @property
    def embedding(self) -> int:
        """Weights of the embedding; the output layer has as many."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """All weights."""
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        small = 2 * self.hidden + self.qk_norm * 2 * self.head_dim + self.qkv_bias * (query + 2 * key)
        embeddings = self.embedding * (1 if self.tied else 2)
        return self.linear_parameters + self.layers * small + self.hidden + embeddings

    def lora_parameters(self, rank: int, targets: list[str]) -> int:
        """Weights of LoRA: rank x (inputs + outputs) for each target (Hu et al. 2021, LoRA, section 4.1).

        Raises:
            UsageError: If a target is no linear map of a layer.
        """
        names = list(self.linears) if targets == ["all-linear"] else targets
        for name in names:
            if name not in self.linears:
                close = did_you_mean(name, self.linears)
                raise UsageError(f"no linear map is called {name}.{close}", "Plan with target_modules: all-linear.")
        return self.layers * rank * sum(sum(self.linears[name]) for name in names)


QWEN3_8B = Architecture(4096, 12_288, 36, 32, 8)
QWEN3_4B = Architecture(2560, 9728, 36, 32, 8, tied=True)
QWEN2_5_7B = Architecture(3584, 18_944, 28, 28, 4, vocabulary=152_064, qkv_bias=True, qk_norm=False)
MODELS = {
    "Qwen/Qwen3-0.6B": Architecture(1024, 3072, 28, 16, 8, tied=True),
    "Qwen/Qwen3-1.7B": Architecture(2048, 6144, 28, 16, 8, tied=True),
    "Qwen/Qwen3-4B": QWEN3_4B,
    "Qwen/Qwen3-4B-Thinking-2507": QWEN3_4B,
    "Qwen/Qwen3-8B": QWEN3_8B,
    "Qwen/Qwen3-8B-Base": QWEN3_8B,
    "Qwen/Qwen3-14B": Architecture(5120, 17_408, 40, 40, 8),
    "Qwen/Qwen2.5-7B-Instruct": QWEN2_5_7B,
}


def architecture(model: str) -> Architecture:
    """The architecture of a model by its hub name, or of a folder by its ``config.json``.

    Raises:
        UsageError: If the model is not known.
        InputError: If the folder's ``config.json`` is none of a Qwen2 or Qwen3.
    """
    if model in MODELS:
        return MODELS[model]
    path = Path(model) / "config.json"
    if path.is_file():
        return _from_config(path)
    close = NO_SUCH.get(model) or did_you_mean(model, MODELS)
    raise UsageError(
        f"the architecture of {model} is not known here.{close}", "Give --model a folder with config.json."
    )


def _from_config(path: Path) -> Architecture:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        family = config["model_type"]
        if family not in ("qwen2", "qwen3"):
            raise ValueError(f"model_type {family}")
        return Architecture(
            hidden=int(config["hidden_size"]),
            intermediate=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            kv_heads=int(config["num_key_value_heads"]),
            head_dim=int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]),
            vocabulary=int(config["vocab_size"]),
            tied=bool(config.get("tie_word_embeddings", False)),
            qkv_bias=family == "qwen2",
            qk_norm=family == "qwen3",
        )
    except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError) as error:
        raise InputError(
            f"{path} describes no Qwen2 or Qwen3: {error}.", "Give the folder of a dense Qwen model."
        ) from None
