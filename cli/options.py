"""Options that several commands share, checked with a message that names the choices."""

from ordebug.core.errors import UsageError
from ordebug.env.action import ACTION_SETS, ActionSet
from ordebug.env.renderer import PROFILES, Profile
from ordebug.env.solvers.model import SOLVERS, SolverName


def checked_profile(name: str) -> Profile:
    """The prompt profile of that name.

    Raises:
        UsageError: If there is none.
    """
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}.", f"Choose one of {', '.join(PROFILES)}.")
    return name


def checked_actions(name: str) -> ActionSet:
    """The action set of that name.

    Raises:
        UsageError: If there is none.
    """
    if name not in ACTION_SETS:
        raise UsageError(f"there is no action set {name!r}.", f"Choose one of {', '.join(ACTION_SETS)}.")
    return name


def checked_solver(name: str) -> SolverName:
    """The solver of that name.

    Raises:
        UsageError: If there is none.
    """
    if name not in SOLVERS:
        raise UsageError(f"there is no solver {name!r}.", f"Choose one of {', '.join(SOLVERS)}.")
    return name
