"""The oracle's reasoning in varied words: what the description and the conflict disagree in, and what follows.

Only what the prompt shows is used, so that a reader could find all of it: the description's lines and the algebra of
the conflict, or names alone where a prompt shows no more. The words are drawn by a key, such as problem and step.
"""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import replace

from ordebug.env.action import Action, number_text
from ordebug.env.description import RowTold, row_told, variable_told, variable_words
from ordebug.env.observation import Observation, RowView, VariableView
from ordebug.env.phrases import (
    CONCLUSIONS,
    FINE,
    GIVES_WAY,
    NAMES_ONLY,
    NO_OTHER,
    NOTHING_LEFT,
    OPENINGS,
    OTHER_COEFFICIENT,
    OTHER_LIMIT,
    OTHER_SENSE,
    OTHER_VARIABLE,
    OUTSIDE,
    STRAY_TERM,
    TYPE_NAMES,
    UNDESCRIBED,
    WITHDRAWN_ROW,
)
from ordebug.env.renderer import number_shown, safe, shown_name

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")
MOST_TOLD = 3
CLOSE = 1e-9


def varied(observation: Observation, action: Action, prompt: str, key: str) -> str:
    """Why this action, in words drawn by ``key``.

    Args:
        observation: The state.
        action: What is done.
        prompt: The user turn that shows the state.
        key: What the draw depends on.
    """
    rng = random.Random(f"wording/{key}")
    state = replace(observation, description=_shown(observation.description, prompt))
    if observation.status == "OPTIMAL" and action.name == "SUBMIT":
        return rng.choice(NOTHING_LEFT)
    text = _reasoned(state, action, rng) if "\nIIS rows:" in f"\n{prompt}" else _names_only(state, action, rng)
    return text if numbers(text) <= numbers(f"{prompt}\n{action}") else _names_only(state, action, rng)


def numbers(text: str) -> set[str]:
    """The numbers in a text; digits within a name are none, and what a row subtracts counts with its sign too."""
    return set(NUMBER.findall(text)) | set(NUMBER.findall(text.replace("- ", "-")))


def _shown(description: str | None, prompt: str) -> str:
    """The lines of the description that the prompt shows."""
    shown = set(prompt.splitlines())
    return "\n".join(line for line in (description or "").splitlines() if safe(line) in shown)


def _names_only(state: Observation, action: Action, rng: random.Random) -> str:
    rows = _listed(state.conflict.rows) or _listed(list(dict.fromkeys(b.variable for b in state.conflict.bounds)))
    opening = _say(NAMES_ONLY, rng, rows=rows) if rows else ""
    return f"{opening} {_conclusion(state, action, rng)}".strip()


def _reasoned(state: Observation, action: Action, rng: random.Random) -> str:
    differences = _differences(state, action, rng)
    evidence = [_fine(state, rng), *differences]
    if rng.random() < 0.3:
        rng.shuffle(evidence)
    parts = [rng.choice(OPENINGS), *evidence] if rng.random() < 0.5 else evidence
    if state.description and not differences:
        parts.append(rng.choice(NO_OTHER))
    parts.append(_conclusion(state, action, rng))
    return rng.choice((" ", "\n")).join(filter(None, parts))


# --- evidence -------------------------------------------------------------------------------------------------------


def _differences(state: Observation, action: Action, rng: random.Random) -> list[str]:
    """What the model has otherwise than described, the target first; rows that earlier steps changed are left out."""
    changed = {past.action.partition("(")[2].rstrip(")").split(", ")[0] for past in state.past}
    rows = [name for name in state.conflict.rows if shown_name(name) not in changed]
    found = {name: _row_difference(name, state, rng) for name in rows}
    found |= {name: _variable_difference(name, state, rng) for name in state.variables}
    target = action.target or ""
    told = sorted((name for name, text in found.items() if text), key=lambda name: safe(name) != target)
    return [found[name] for name in told[:MOST_TOLD]]


def _row_difference(name: str, state: Observation, rng: random.Random) -> str:
    told, row = row_told(name, state.description), state.rows[name]
    if told is None or told.agrees(row):
        return ""
    place = state.conflict.rows.index(name) + 1
    shown = rng.choice((shown_name(name), f"({place}) {shown_name(name)}"))
    return _row_text(shown, told, row, rng)


def _row_text(name: str, told: RowTold, row: RowView, rng: random.Random) -> str:
    said = _words(told)
    if told.withdrawn:
        return _say(WITHDRAWN_ROW, rng, name=name)
    if told.sense != row.sense:
        return _say(OTHER_SENSE, rng, name=name, said=said, sense=row.sense)
    written = {variable: value for value, variable in row.terms if value}
    for variable in () if told.terms is None else dict.fromkeys((*told.terms, *written)):
        was, value = (told.terms or {}).get(variable, 0.0), written.get(variable, 0.0)
        if not math.isclose(was, value, rel_tol=CLOSE, abs_tol=CLOSE):
            return _term_text(name, variable, was, value, rng)
    if row.slack:
        return ""
    limit = f"{said} {number_shown(told.rhs)}"
    return _say(OTHER_LIMIT, rng, name=name, said=limit, written=number_shown(row.rhs))


def _term_text(name: str, variable: str, told: float, written: float, rng: random.Random) -> str:
    phrases = OTHER_COEFFICIENT if told and written else STRAY_TERM["lost" if told else "stray"]
    said, is_written = _coefficient(told), _coefficient(written)
    return _say(phrases, rng, name=name, variable=shown_name(variable), said=said, written=is_written)


def _coefficient(value: float) -> str:
    """A coefficient; prompts do not write that of a single unit, so that it is told in words."""
    return {1.0: "one", -1.0: "minus one"}.get(value) or number_shown(value)


def _variable_difference(name: str, state: Observation, rng: random.Random) -> str:
    told, view = variable_told(name, state.description), state.variables[name]
    if told is None or _same(told, view):
        return ""
    said, written = variable_words(told), variable_words(view)
    return _say(OTHER_VARIABLE, rng, name=shown_name(name), said=said, written=written)


def _same(told: VariableView, view: VariableView) -> bool:
    near = [math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE) for a, b in zip(_span(told), _span(view), strict=True)]
    return told.type == view.type and all(near)


def _span(view: VariableView) -> tuple[float, float]:
    return (0.0, 1.0) if view.type == "B" else (view.lower, view.upper)


def _fine(state: Observation, rng: random.Random) -> str:
    """The rows of the conflict that are as described, and those of which nothing is said."""
    told = {name: row_told(name, state.description) for name in state.conflict.rows}
    fine = [name for name, found in told.items() if found and found.agrees(state.rows[name])]
    unsaid = [name for name, found in told.items() if found is None]
    parts = [_counted(FINE, fine, rng)] if fine and rng.random() < 0.8 else []
    parts += [_counted(UNDESCRIBED, unsaid, rng)] if unsaid and state.description else []
    return " ".join(parts)


def _words(told: RowTold) -> str:
    return {"<=": "at most", ">=": "at least", "=": "exactly"}[told.sense]


# --- what follows ---------------------------------------------------------------------------------------------------


def _conclusion(state: Observation, action: Action, rng: random.Random) -> str:
    """What is done; of a row that is itself as described, that it has to give way."""
    target = shown_name(action.target) if action.target else ""
    variable = shown_name(str(action.args[1])) if action.name == "SET_COEFFICIENT" else ""
    done = _say(CONCLUSIONS[action.name], rng, target=target, value=_value(action), variable=variable)
    return f"{_excuse(state, action, rng)} {done}".strip()


def _value(action: Action) -> str:
    """What an action changes its target to, or by."""
    texts = [number_text(value) if isinstance(value, float) else value for value in action.args[1:]]
    if action.name == "UPDATE_BOUNDS":
        return " to ".join(texts) if len(texts) > 1 else f"from {texts[0]}"
    return TYPE_NAMES.get(texts[-1], texts[-1]) if texts else ""


def _excuse(state: Observation, action: Action, rng: random.Random) -> str:
    """Why something is acted on that shows no error: it gives way though it is right, or the conflict lacks it."""
    names = {safe(name): name for name in (*state.rows, *state.variables)}
    if action.target is None:
        return ""
    target = names.get(action.target)
    if target is None:
        return _say(OUTSIDE, rng, target=shown_name(action.target)) if action.edits else ""
    told, row = row_told(target, state.description), state.rows.get(target)
    return _say(GIVES_WAY, rng, target=shown_name(target)) if told and row and told.agrees(row) else ""


def _counted(phrases: tuple[Sequence[str], Sequence[str]], names: Sequence[str], rng: random.Random) -> str:
    """A phrase about one name, or about several."""
    return _say(phrases[len(names) > 1], rng, names=_listed(names))


def _listed(names: Sequence[str]) -> str:
    shown = [shown_name(name) for name in names]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def _say(phrases: Sequence[str], rng: random.Random, **values: str) -> str:
    """One of the phrases as a sentence; a name that begins it stays as it is written."""
    phrase = rng.choice(phrases)
    return (phrase if phrase.startswith("{") else phrase[:1].upper() + phrase[1:]).format(**values)
