"""An external plugin for ms-swift: on CPUs ZeRO-3 wants a process group that DeepSpeed made itself."""

import deepspeed

deepspeed.init_distributed(dist_backend="gloo")
