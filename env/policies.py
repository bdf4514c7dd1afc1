"""The anchors: policies that learn nothing, shown beside every model's row."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ordebug.core.errors import UsageError
from ordebug.env.action import ACTION_SETS, SPECS, Action, ActionSet, Parameter, action_line
from ordebug.env.explanation import explain
from ordebug.env.observation import Observation
from ordebug.env.problem import Problem
from ordebug.env.renderer import safe
from ordebug.env.reply import CLOSE, OPEN, parse_action

SUBMIT = Action("SUBMIT")


@dataclass(frozen=True)
class Turn:
    """What an anchor may look at: the observation, the problem's truth (for the oracle alone), and its own dice."""

    observation: Observation
    problem: Problem
    actions: ActionSet
    rng: random.Random


class Anchor(Protocol):
    """A policy that needs no model."""

    def __call__(self, turn: Turn) -> str:
        """The reply to a turn."""


def reply_text(action: Action, think: str | None = None) -> str:
    """A reply in the trained form, names as prompts show them: the thought in its tags, a blank line, the action."""
    action = Action(action.name, tuple(safe(arg) if isinstance(arg, str) else arg for arg in action.args))
    return action_line(action) if think is None else f"{OPEN}\n{think}\n{CLOSE}\n\n{action_line(action)}"


def dice(seed: int, problem_id: str, sample: int) -> random.Random:
    """Random numbers that depend on the episode alone, not on the order in which episodes are played."""
    return random.Random(f"{seed}/{problem_id}/{sample}")


def drop_first(turn: Turn) -> str:
    """Drops the first row of the conflict; submits where there is none."""
    rows = turn.observation.conflict.rows
    return reply_text(Action("DROP_CONSTRAINT", (rows[0],)) if rows else SUBMIT)


def drop_last(turn: Turn) -> str:
    """Drops the last row of the conflict; submits where there is none."""
    rows = turn.observation.conflict.rows
    return reply_text(Action("DROP_CONSTRAINT", (rows[-1],)) if rows else SUBMIT)


def random_action(turn: Turn) -> str:
    """Any action of the set on anything in the model; amounts and values log-uniform from 0.1 to 100."""
    names = [name for name in ACTION_SETS[turn.actions] if _possible(name, turn.observation)]
    name = turn.rng.choice(names)
    return reply_text(Action(name, tuple(_draw(parameter, turn) for parameter in SPECS[name].parameters)))


def oracle(turn: Turn) -> str:
    """Repairs what was broken, with its reasoning: the stored repair where the action set holds it, else drops it."""
    action = _stored_repair(turn) or _drop_cause(turn) or SUBMIT
    wrong = turn.problem.touched if action.edits else ()
    return reply_text(action, explain(turn.observation, wrong))


ANCHORS: dict[str, Anchor] = {
    "random": random_action,
    "drop-first": drop_first,
    "drop-last": drop_last,
    "oracle": oracle,
}


def anchor(name: str) -> Anchor:
    """The anchor of that name.

    Raises:
        UsageError: If there is none.
    """
    try:
        return ANCHORS[name]
    except KeyError:
        raise UsageError(f"there is no policy {name!r}.", f"Choose one of {', '.join(ANCHORS)}.") from None


def _possible(name: str, state: Observation) -> bool:
    needs = SPECS[name].parameters
    return not needs or bool(state.row_names if needs[0] is Parameter.ROW else state.variable_names)


def _draw(parameter: Parameter, turn: Turn) -> str | float:
    draws: dict[Parameter, Callable[[], str | float]] = {
        Parameter.ROW: lambda: turn.rng.choice(turn.observation.row_names),
        Parameter.VARIABLE: lambda: turn.rng.choice(turn.observation.variable_names),
        Parameter.TYPE: lambda: turn.rng.choice("CIB"),
    }
    return draws.get(parameter, lambda: round(10 ** turn.rng.uniform(-1, 2), 3))()


def _stored_repair(turn: Turn) -> Action | None:
    """The next entry of the problem's repair, or else of its core repair, if the set holds all its actions."""
    done = len(turn.observation.past)
    for repair in (turn.problem.repair, turn.problem.core_repair):
        actions = [parse_action(text, turn.actions) for text in repair]
        usable = [action for action in actions if isinstance(action, Action)]
        if len(usable) == len(actions) and done < len(usable):
            return usable[done]
    return None


def _drop_cause(turn: Turn) -> Action | None:
    """Drops the first cause that still stands as a row, one of the conflict before others."""
    state = turn.observation
    for cause in turn.problem.root_cause:
        names = [name for name in (cause.name, *cause.touches) if name in state.row_names]
        names.sort(key=lambda name: name not in state.conflict.rows)
        if names:
            return Action("DROP_CONSTRAINT", (names[0],))
    return None
