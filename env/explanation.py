"""The oracle's reasoning: it walks the rows of the conflict and sets what was said beside what is written.

It uses nothing but the observation and which row is wrong, so every word of it can be checked by the reader.
"""

import re
from collections.abc import Collection

from ordebug.env.description import WITHDRAWN, RowTold, row_told, variable_told, variable_words
from ordebug.env.observation import Observation, RowView
from ordebug.env.renderer import number_shown, shown_name

SAID = re.compile(rf"{WITHDRAWN}|at most|at least|exactly")


def explain(observation: Observation, wrong: Collection[str]) -> str:
    """One line a row of the conflict, numbered as there: ``(1) labor: at most, written >=, wrong``."""
    numbered = enumerate(observation.conflict.rows, start=1)
    lines = [f"({number}) {_line(name, observation, name in wrong)}" for number, name in numbered]
    lines += [_variable_line(name, observation) for name in observation.variables if name in wrong]
    return "\n".join(lines) or "No row stands in the conflict."


def said(name: str, description: str | None) -> str | None:
    """What the description says of a row: ``at most``, ``at least``, ``exactly`` or ``withdrawn``; None if nothing."""
    for line in (description or "").splitlines():
        found = SAID.match(line[len(name) + 1 :].strip()) if line.startswith(f"{name}:") else None
        if found:
            return found[0]
    return None


def _line(name: str, observation: Observation, wrong: bool) -> str:
    evidence, row = said(name, observation.description) or "not described", observation.rows[name]
    told = row_told(name, observation.description) if wrong else None
    if told and not told.withdrawn and told.sense == row.sense:
        return f"{shown_name(name)}: {_difference(told, row, evidence)}, wrong"
    return f"{shown_name(name)}: {evidence}, written {row.sense}, {'wrong' if wrong else 'fine'}"


def _difference(told: RowTold, row: RowView, evidence: str) -> str:
    """Where a row that points the right way differs from what was said: in a coefficient, or in its limit."""
    written = {variable: value for value, variable in row.terms}
    for variable, value in (told.terms or {}).items():
        if value != written.get(variable, 0.0):
            said_value, is_value = number_shown(value), number_shown(written.get(variable, 0.0))
            return f"{said_value} per {shown_name(variable)}, written {is_value}"
    return f"{evidence} {number_shown(told.rhs)}, written {row.sense} {number_shown(row.rhs)}"


def _variable_line(name: str, observation: Observation) -> str:
    told, words = variable_told(name, observation.description), variable_words(observation.variables[name])
    evidence = variable_words(told) if told else "not described"
    return f"{shown_name(name)}: {evidence}, written {words}, wrong"
