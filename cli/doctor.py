"""``ordebug doctor``: what this machine can do, and what to install for the rest."""


def doctor() -> None:
    """Tell what this machine can do."""
