"""A plugin for ``swift rlhf`` with vLLM on a CPU: vLLM keeps plain weights, so that others can be loaded into it.

There each linear layer is packed once it is loaded and its weight is dropped; the first weight sync would then fail.
"""

from typing import Any

from torch.nn.functional import linear
from vllm.model_executor.layers import utils


def keep(layer: Any, remove_weight: bool) -> None:
    layer.cpu_linear = linear


utils.dispatch_cpu_unquantized_gemm = keep
