"""The oracle's reasoning: it walks the rows of the conflict and sets what was said beside what is written.

It uses nothing but the observation and which row is wrong, so every word of it can be checked by the reader.
"""

import re
from collections.abc import Collection

from ordebug.env.observation import Observation
from ordebug.env.renderer import shown_name

WITHDRAWN = "withdrawn"
SAID = re.compile(rf"{WITHDRAWN}|at most|at least|exactly")


def explain(observation: Observation, wrong: Collection[str]) -> str:
    """One line a row of the conflict, numbered as there: ``(1) labor: at most, written >=, wrong``."""
    numbered = enumerate(observation.conflict.rows, start=1)
    lines = [f"({number}) {_line(name, observation, name in wrong)}" for number, name in numbered]
    return "\n".join(lines) or "No row stands in the conflict."


def said(name: str, description: str | None) -> str | None:
    """What the description says of a row: ``at most``, ``at least``, ``exactly`` or ``withdrawn``; None if nothing."""
    for line in (description or "").splitlines():
        found = SAID.match(line[len(name) + 1 :].strip()) if line.startswith(f"{name}:") else None
        if found:
            return found[0]
    return None


def _line(name: str, observation: Observation, wrong: bool) -> str:
    evidence = said(name, observation.description) or "not described"
    return f"{shown_name(name)}: {evidence}, written {observation.rows[name].sense}, {'wrong' if wrong else 'fine'}"
