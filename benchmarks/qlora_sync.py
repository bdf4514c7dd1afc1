"""What merging and unmerging a LoRA adapter does to frozen weights of 4 bits.

python benchmarks/qlora_sync.py [DEVICE]

ms-swift 4.6.0 does so whenever it hands weights to vLLM (``rlhf_trainers/rollout_mixin.py``, ``_move_adapter_to_vllm``
too); this does it to one layer of random weights, in NF4 with double quantisation, with an adapter that changes them
by a fiftieth. bitsandbytes also runs on a CPU. DEVICE is ``cpu`` unless told.
"""

import sys
import warnings

import bitsandbytes as bnb
import torch
from bitsandbytes.functional import dequantize_4bit
from peft import LoraConfig, get_peft_model

SIZE, DEVIATION, SYNCS = 1024, 0.02, (1, 10, 50)


class Layer(torch.nn.Module):
    """One frozen layer of 4 bits, as bitsandbytes makes them."""

    is_loaded_in_4bit = True  # PEFT asks for it

    def __init__(self, device: str) -> None:
        super().__init__()
        weights = torch.randn(SIZE, SIZE).mul(DEVIATION).to(torch.bfloat16)
        self.proj = bnb.nn.Linear4bit(SIZE, SIZE, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4")
        self.proj.weight = bnb.nn.Params4bit(weights, False, None, 64, True, "nf4", module=self.proj).to(device)


def main() -> None:
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    model = get_peft_model(
        Layer(sys.argv[1] if len(sys.argv) > 1 else "cpu"), LoraConfig(r=32, lora_alpha=64, target_modules=["proj"])
    )
    layer = model.base_model.model.proj
    torch.nn.init.normal_(layer.lora_B["default"].weight, std=2e-3)
    before, change = values(layer), layer.get_delta_weight("default").detach().float()
    print(f"weights: deviation {before.std():.4f}; what the adapter adds: {change.std():.5f}")
    for sync in range(1, max(SYNCS) + 1):
        model.merge_adapter()
        model.unmerge_adapter()
        if sync in SYNCS:
            moved = (values(layer) - before).pow(2).mean().sqrt()
            print(
                f"{sync} times: frozen weights moved by {moved / before.std():.1%}, {moved / change.std():.1f} adapters"
            )


def values(layer: torch.nn.Module) -> torch.Tensor:
    weight = layer.base_layer.weight
    return dequantize_4bit(weight.data, weight.quant_state).detach().float()


if __name__ == "__main__":
    main()
