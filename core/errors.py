"""Every error that a user of ordebug may meet.

::

    OrdebugError                 exit status 2; says what happened and what to change
    ├── InputError               a file or a row that cannot be read as what it should be
    ├── UsageError               arguments that do not fit together, a run folder of other settings
    ├── ToolError                a program we call (swift, git) failed or is not installed
    └── SolverError              the solver failed; never scored as the model's fault
        ├── LicenceError         no licence, or none that is valid now
        └── ModelTooLargeError   the licence does not cover the model's size

A reply of a language model that cannot be read is data, not an error: see ``env/action.py``.
"""

from pathlib import Path


class OrdebugError(Exception):
    """Something the user must change.

    Args:
        message: What happened, with the place.
        fix: What to do about it, as an instruction.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        """The message, then the way out on a line of its own."""
        return f"{self.message}\n{self.fix}" if self.fix else self.message

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Keeps both parts when the error crosses a process boundary."""
        return type(self), (self.message, self.fix)


class InputError(OrdebugError):
    """A file or a row that cannot be read as what it should be."""


class UsageError(OrdebugError):
    """Arguments that do not fit together, or a folder that holds something else."""


class ToolError(OrdebugError):
    """A program we call failed or is missing."""


class SolverError(OrdebugError):
    """The solver failed: no answer about the model was obtained."""


class LicenceError(SolverError):
    """No Gurobi licence that is valid now."""


class ModelTooLargeError(SolverError):
    """The licence does not cover the model's size."""


def existing_file(path: Path, what: str) -> Path:
    """Returns ``path`` when it is a readable file.

    Raises:
        InputError: If it is missing or a folder.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, not {what}.", f"Give the path of {what} inside it.")
    if not path.is_file():
        raise InputError(f"{path} does not exist.", f"Check the path of {what}; the current folder is {Path.cwd()}.")
    return path
