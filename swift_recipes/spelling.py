"""Misspelt names, found by how near they are to usual ones.

No program refuses an environment variable that it does not know; and for arguments ms-swift's own list takes seconds.
"""

from collections.abc import Iterable, Iterator

from ordebug.swift_recipes.catalogue import Recipe, did_you_mean, recipes

KNOWN = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "DS_ACCELERATOR",
    "HF_DATASETS_OFFLINE",
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "LOG_LEVEL",
    "MASTER_ADDR",
    "MASTER_PORT",
    "MKL_NUM_THREADS",
    "MODELSCOPE_CACHE",
    "MODELSCOPE_DOMAIN",
    "NCCL_DEBUG",
    "NCCL_IB_DISABLE",
    "NCCL_P2P_DISABLE",
    "NCCL_SHM_DISABLE",
    "NCCL_SOCKET_IFNAME",
    "NNODES",
    "NODE_RANK",
    "NPROC_PER_NODE",
    "OMP_NUM_THREADS",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TOKENIZERS_PARALLELISM",
    "USE_HF",
    "VLLM_CPU_KVCACHE_SPACE",
    "VLLM_CPU_OMP_THREADS_BIND",
    "VLLM_PLUGINS",
    "WANDB_API_KEY",
    "WANDB_PROJECT",
)

NEAR = 0.85
"""How alike a misspelt name is; other names of one family are less so (``NCCL_IB_DISABLE``, ``NCCL_DEBUG``)."""

APART = ("adam_beta1", "gradient_checkpointing_kwargs", "vit_gradient_checkpointing")
"""Arguments of ``swift sft`` that are that near to others of our recipes; a test finds any further."""


def misspelt_variables(names: Iterable[str]) -> Iterator[str]:
    """Variables of a recipe's ``ENV`` that are nearly a known one."""
    for name in names:
        close = did_you_mean(name.upper(), KNOWN, NEAR)
        if name not in KNOWN and close:
            yield f"ENV {name}:{close}"


def misspelt_arguments(recipe: Recipe) -> Iterator[str]:
    """Arguments of an SFT recipe that are nearly one of ours."""
    known = {*APART, *(key for each in recipes() if each.kind == "sft" for key in each.values)}
    for key in recipe.values:
        close = did_you_mean(key, known, NEAR)
        if key not in known and close:
            yield f"{key}:{close}"
