"""A callback for ms-swift that writes each process's parameter digest at the end of training."""

import hashlib
import os
from pathlib import Path
from typing import Any

from swift import TrainerCallback, callbacks_map


class ParameterHash(TrainerCallback):
    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        digest = hashlib.sha256()
        for name, tensor in sorted(model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
        folder = Path(os.environ["PARAMETER_HASH_DIR"])
        (folder / f"rank-{os.environ.get('RANK', '0')}").write_text(digest.hexdigest())


callbacks_map["parameter_hash"] = ParameterHash
