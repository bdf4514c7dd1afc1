"""A callback for any Trainer of Transformers: seconds and tokens of each step, and the peak memory of each process.

The same one measures ms-swift (``--external_plugins meter_plugin.py``), TRL and Transformers. Tokens are those that the
Trainer counts itself (``include_num_input_tokens_seen``), padding left out, of all processes; set here, because
ms-swift's command line takes true and false alone.
"""

import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback


class Meter(TrainerCallback):
    """Writes ``rank-N.json`` into the folder named by ``METER_DIR`` at the end of training."""

    def __init__(self, *_: Any) -> None:  # ms-swift hands over its arguments and the trainer
        self.steps: list[tuple[float, int]] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        args.include_num_input_tokens_seen = "non_padding"
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._mark(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._mark(int(state.num_input_tokens_seen))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        file = Path(os.environ["METER_DIR"]) / f"rank-{os.environ.get('RANK', '0')}.json"
        file.write_text(json.dumps({"steps": self.steps, "memory": memory()}))

    def _mark(self, tokens: int) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.steps.append((time.perf_counter(), tokens))


def memory() -> dict[str, int]:
    """Peak bytes of this process: by the allocator and on the whole device, or resident on a CPU."""
    if not torch.cuda.is_available():
        return {"resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    free, total = torch.cuda.mem_get_info()
    return {
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.max_memory_reserved(),
        "device": total - free,
    }
