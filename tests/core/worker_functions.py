"""Functions for workers, which import this module through the path that a test puts on ``PYTHONPATH``."""

import atexit
import os
import signal
import time
from pathlib import Path
from typing import Any

from ordebug.core.errors import SolverError


class AwkwardError(Exception):
    """An error that pickle cannot bring back."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def act(item: tuple[str, Any]) -> Any:
    """Does what the item says."""
    what, value = item
    if what == "sleep":
        time.sleep(value)
    elif what == "exit":
        os._exit(value)
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "clean up":
        atexit.register(Path(value).touch)
    elif what == "raise":
        raise SolverError(f"no {value}", "try another")
    elif what == "awkward":
        raise AwkwardError("one", "two")
    elif what == "unpicklable":
        return lambda: value
    return os.getpid() if what == "pid" else value
