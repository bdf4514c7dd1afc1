"""The one renderer: from an observation to the two messages, system and user, that every part of ordebug shows.

Profiles:

* ``seed``: the text of the published data, byte for byte, with the problem's id and error type.
* ``names``: the same without what leaks the answer.
* ``algebra``: the description, the algebra of the conflict's rows, bounds and types.
"""

import math
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

from ordebug.core.manifest import sha256_text
from ordebug.env.action import ACTION_SETS, ActionSet, quote_name, signature
from ordebug.env.observation import BoundInConflict, Observation, RowView, VariableView

Profile = Literal["seed", "names", "algebra"]
PROFILES: tuple[Profile, ...] = ("seed", "names", "algebra")
Message = dict[str, str]

RENDERER_VERSION = 2
"""Raised whenever a prompt's text changes; results of different versions do not compare."""

DEFAULT_PROMPT_TOKENS = 2048
SEED_INSTRUCTION = "Debug the infeasible optimization model and provide the action to fix it."
SEED_NAMES_SHOWN = 15
LONGEST_PAST = 100
LONGEST_NOTE = 1000
TASK = "Repair the infeasible optimization model, one action a turn."

CONTROL = re.compile(r"<(?=[|/]?[A-Za-z_])|[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
PLAIN_WORD = re.compile(r"[A-Z]?[b-df-hj-np-tv-xz]{0,3}([aeiouy]{1,3}[b-df-hj-np-tv-xz]{0,4})*|[A-Z]{1,3}")
PIECE = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+)|(?P<one>[0-9]|\s(?=[0-9]))|(?P<wide>[^\x00-\x7f]+)"
    r"|(?P<marks>[!-/:-@\[-`{-~]+)|(?P<gap>\s{2,}|\n)"
)


def render(
    observation: Observation, profile: Profile, actions: ActionSet = "core", max_tokens: int = DEFAULT_PROMPT_TOKENS
) -> list[Message]:
    """The messages that show a state.

    Args:
        observation: The state.
        profile: How much of it is shown.
        actions: The action set that the system turn offers.
        max_tokens: Budget of both messages together, by ``estimate_tokens``. Rows of the conflict are always shown;
            other names are left out, then description lines of rows and variables outside the conflict, then all
            but those of the conflict, with their count. A text that fits holds all.
    """
    system = system_text(actions)
    budget = max_tokens - estimate_tokens(system)
    user = (
        _seed(observation, budget, leaks=profile == "seed") if profile != "algebra" else _algebra(observation, budget)
    )
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


@cache
def system_text(actions: ActionSet) -> str:
    """The system turn: the task and the actions."""
    return f"{TASK}\nAction: {' | '.join(signature(name) for name in ACTION_SETS[actions])}"


def messages_sha256(messages: Sequence[Message]) -> str:
    """Digest of messages, to prove two prompts equal."""
    return sha256_text("\x1e".join(f"{message['role']}\x1f{message['content']}" for message in messages))


def estimate_tokens(text: str) -> int:
    """A prompt's Qwen tokens, estimated on the high side without a tokenizer.

    A digit is one token, a word one for 3 letters, or for 1.4 where it does not look like a word, marks one for 2, in
    long runs for 1.3, other scripts one for 1.5 bytes; a space goes with the word behind it.
    ``tests/converters/test_qwen_tokens.py`` holds it to the real tokenizer.
    """
    return sum(_piece_tokens(match.lastgroup, match[0]) for match in PIECE.finditer(text))


def _piece_tokens(kind: str | None, piece: str) -> int:
    if kind == "wide":
        return math.ceil(len(piece.encode("utf-8", "surrogatepass")) / 1.5)
    if kind == "word":
        return math.ceil(len(piece) / (3 if PLAIN_WORD.fullmatch(piece) else 1.4))
    return math.ceil(len(piece) / (2 if len(piece) < 4 else 1.3)) if kind == "marks" else 1


def safe(text: str) -> str:
    """Text from a file as data: nothing in it can become a control token of a chat template.

    The ``<`` that would open such a token is shown as ``‹``; control characters become spaces.
    """
    return CONTROL.sub(lambda match: "‹" if match[0] == "<" else " ", text)


def shown_name(name: str) -> str:
    """A row's or variable's name as prompts and actions write it."""
    return quote_name(safe(name))


def number_shown(value: float) -> str:
    """A number as prompts show it, to twelve significant digits: fewer would hide a conflict between large limits."""
    return f"{value:.12g}"


def _fit(budget: int, versions: Sequence[Callable[[], str]]) -> str:
    """The first version within the budget, else the last."""
    text = ""
    for version in versions:
        text = version()
        if estimate_tokens(text) <= budget:
            break
    return text


# --- the published text ---------------------------------------------------------------------------------------------


def _seed(state: Observation, budget: int, *, leaks: bool) -> str:
    names = len(state.row_names) <= SEED_NAMES_SHOWN
    return _fit(budget, [lambda: _seed_text(state, leaks, names), lambda: _seed_text(state, leaks, False)])


def _seed_text(state: Observation, leaks: bool, names: bool) -> str:
    lines = [SEED_INSTRUCTION, ""]
    if leaks:
        lines += ["## Problem", f"ID: {_one_line(state.problem_id)}", f"Type: {_one_line(str(state.error_type))}", ""]
    lines += ["## Current State", f"Status: {state.status}", ""]
    bounds = tuple(dict.fromkeys(bound.variable for bound in state.conflict.bounds))
    if state.status == "INFEASIBLE":
        lines += ["## IIS (Irreducible Infeasible Subsystem)"]
        lines += [f"Conflicting Constraints: {_listed(state.conflict.rows)}"] if state.conflict.rows else []
        lines += [f"Conflicting Bounds: {_listed(bounds)}"] if bounds else []
        lines += [""]
    lines += ["## Model Structure", f"Constraints: {len(state.row_names)}", f"Variables: {len(state.variable_names)}"]
    lines += [f"Constraint Names: {_listed(state.row_names)}"] if names else []
    return "\n".join([*lines, *_seed_history(state), *_note(state)])


def _one_line(text: str) -> str:
    return " ".join(safe(text).split())


def _seed_history(state: Observation) -> list[str]:
    """The published rows hold no history; earlier steps stand below, so that every prompt holds the whole state."""
    if not state.past:
        return []
    return ["", "## Previous Actions", *_past(state)]


def _listed(names: Sequence[str]) -> str:
    return str([safe(name) for name in names])


# --- the algebra ----------------------------------------------------------------------------------------------------


def _algebra(state: Observation, budget: int) -> str:
    return _fit(
        budget,
        [
            lambda: _algebra_text(state, _description(state), names=True),
            lambda: _algebra_text(state, _description(state), names=False),
            lambda: _algebra_text(state, _shortened(state, _may_matter(state)), names=False),
            lambda: _algebra_text(state, _shortened(state, _is_in_conflict(state, general=True)), names=False),
            lambda: _algebra_text(state, _shortened(state, _is_in_conflict(state, general=False)), names=False),
        ],
    )


def _algebra_text(state: Observation, description: list[str], *, names: bool) -> str:
    lines = [*description, f"Status: {state.status}"]
    if state.status == "INFEASIBLE":
        lines += conflict_lines(state)
    others = [name for name in state.row_names if name not in state.conflict.rows]
    if others:
        lines.append(f"Other rows: {', '.join(map(shown_name, others)) if names else len(others)}")
    lines += _protected(state, names)
    lines += ["Steps so far:", *_past(state)] if state.past else []
    lines += _note(state)
    lines.append(f"Steps left: {state.steps_left}")
    return "\n".join(lines)


def _protected(state: Observation, names: bool) -> list[str]:
    """The protected rows; where names must be saved, those of the conflict and the count of the others."""
    told = [name for name in state.protected if names or name in state.conflict.rows]
    words = [shown_name(name) for name in told]
    words += [f"{len(state.protected) - len(told)} other rows"] if len(told) < len(state.protected) else []
    return [f"Protected: {', '.join(words)}"] if words else []


def conflict_lines(state: Observation) -> list[str]:
    """The conflict as profile ``algebra`` shows it: rows, bounds, and what is unusual of their variables."""
    numbered = enumerate(state.conflict.rows, start=1)
    rows = [f"({number}) {shown_name(name)}: {row_text(state.rows[name])}" for number, name in numbered]
    lines = ["IIS rows:", *rows] if rows else ["IIS rows: none, the bounds alone conflict"]
    # that a variable is at least 0 is usual, and said of none
    told = [b for b in state.conflict.bounds if not rows or b.side == "upper" or state.variables[b.variable].lower]
    bounds = [_bound_text(bound, state.variables[bound.variable]) for bound in told]
    lines += [f"IIS bounds: {', '.join(bounds)}"] if bounds else []
    shown = {bound.variable for bound in told}
    unusual = [_variable_text(name, view, name in shown) for name, view in state.variables.items()]
    lines += [f"Variables: {', '.join(filter(None, unusual))}"] if any(unusual) else []
    return lines


def row_text(row: RowView) -> str:
    """A row's algebra: ``3 chairs + 2 tables <= 40``."""
    right = number_shown(row.rhs) + (f" +- {number_shown(row.slack)}" if row.slack else "")
    return f"{_sum(row.terms)} {row.sense} {right}"


def _sum(terms: Sequence[tuple[float, str]]) -> str:
    text = ""
    for value, name in terms:
        sign = ("- " if value < 0 else "+ ") if text else ("-" if value < 0 else "")
        factor = "" if abs(value) == 1 else f"{number_shown(abs(value))} "
        text += f"{' ' if text else ''}{sign}{factor}{shown_name(name)}"
    return text or "0"


def _bound_text(bound: BoundInConflict, view: VariableView) -> str:
    limit = f"from {number_shown(view.lower)}" if bound.side == "lower" else f"up to {number_shown(view.upper)}"
    return f"{shown_name(bound.variable)} {limit}"


def _variable_text(name: str, view: VariableView, bounded: bool) -> str:
    """A variable that is not continuous from 0 up; bounds the conflict shows are not said twice."""
    words = {"I": "integer", "B": "binary"}.get(view.type, "")
    usual = bounded or (view.lower, view.upper) == (0, math.inf) or view.type == "B"
    span = "" if usual else f"{number_shown(view.lower)} to {number_shown(view.upper)}"
    parts = [part for part in (words, span) if part]
    return f"{shown_name(name)} {' '.join(parts)}" if parts else ""


def _description(state: Observation) -> list[str]:
    return [safe(line) for line in (state.description or "").splitlines() if line.strip()]


def _may_matter(state: Observation) -> Callable[[str], bool]:
    """Whether a line is of no row or variable outside the conflict; those of protected rows may matter too."""
    inside = {*state.conflict.rows, *state.variables, *state.protected}
    outside = {safe(name) for name in (*state.row_names, *state.variable_names) if name not in inside}
    return lambda line: line.partition(":")[0] not in outside


def _is_in_conflict(state: Observation, *, general: bool) -> Callable[[str], bool]:
    """Whether a line is of a row or variable of the conflict or, where general ones count, of nothing with a name."""
    starts = tuple(f"{safe(name)}:" for name in (*state.conflict.rows, *state.variables))
    return lambda line: line.startswith(starts) or (general and ":" not in line)


def _shortened(state: Observation, wanted: Callable[[str], bool]) -> list[str]:
    """The description's lines that are wanted, and how many were left out."""
    lines = _description(state)
    kept = list(filter(wanted, lines))
    return [*kept, f"({len(lines) - len(kept)} lines of the description left out)"] if lines else []


def _note(state: Observation) -> list[str]:
    if len(state.note) <= LONGEST_NOTE:
        return [state.note] if state.note else []
    return [f"{state.note[:LONGEST_NOTE]} ... ({len(state.note) - LONGEST_NOTE} characters left out)"]


def _past(state: Observation) -> list[str]:
    steps = enumerate(state.past, start=1)
    return [f"{number}. {safe(past.action)[:LONGEST_PAST]}: {past.outcome}" for number, past in steps]
