"""The anchors: policies that learn nothing, shown beside every model's row."""

import math
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from ordebug.core.errors import UsageError
from ordebug.env.action import ACTION_SETS, SPECS, Action, ActionSet, Parameter, action_line
from ordebug.env.explanation import explain
from ordebug.env.observation import Observation
from ordebug.env.problem import Problem
from ordebug.env.renderer import safe, shown_name
from ordebug.env.reply import CLOSE, OPEN, parse_action
from ordebug.env.solvers.elastic import Violation, cheapest_repair
from ordebug.env.solvers.model import Model

Norm = Literal["l0", "l1"]
SUBMIT, GET_IIS = Action("SUBMIT"), Action("GET_IIS")
BIG = 1e6
ROUNDING = 1e-6
AS_GOOD_AS_NONE = 1e9


@dataclass(frozen=True)
class Turn:
    """What an anchor may look at.

    Attributes:
        observation: The state.
        problem: The truth, for the oracle alone.
        actions: The action set.
        rng: Its own dice.
        model: The model as it now is, for the anchors that solve an elastic one.
    """

    observation: Observation
    problem: Problem
    actions: ActionSet
    rng: random.Random
    model: Model | None = None


class Anchor(Protocol):
    """A policy that needs no model."""

    def __call__(self, turn: Turn) -> str:
        """The reply to a turn."""


def reply_text(action: Action, think: str | None = None) -> str:
    """A reply in the trained form, names as prompts show them: the thought in its tags, a blank line, the action."""
    line = action_line(_safe(action))
    return line if think is None else f"{OPEN}\n{think}\n{CLOSE}\n\n{line}"


def _safe(action: Action) -> Action:
    """The action with names as prompts show them."""
    return Action(action.name, tuple(safe(arg) if isinstance(arg, str) else arg for arg in action.args))


def dice(seed: int, problem_id: str, sample: int) -> random.Random:
    """Random numbers that depend on the episode alone, not on the order in which episodes are played."""
    return random.Random(f"{seed}/{problem_id}/{sample}")


def drop_nth(place: int, turn: Turn) -> str:
    """Drops the conflict's row at that place, as a list's index; the last where there are fewer rows."""
    rows = _droppable(turn)
    return _drop(rows[min(place, len(rows) - 1)] if rows else None)


def drop_random(turn: Turn) -> str:
    """Drops any row of the conflict."""
    rows = _droppable(turn)
    return _drop(turn.rng.choice(rows) if rows else None)


def relax_big(turn: Turn) -> str:
    """Relaxes the first row of the conflict by 1e6, which the published reward paid for."""
    rows = _droppable(turn)
    return reply_text(Action("RELAX_CONSTRAINT", (rows[0], BIG)) if rows else SUBMIT)


def feasrelax(norm: Norm, turn: Turn) -> str:
    """Loosens what the elastic model would, one row a turn: the fewest (l0), by 1e6, or the least in total (l1).

    Bounds give way where rows alone cannot repair and the action set can move them.
    """
    if turn.model is None:
        raise ValueError("feasrelax needs the turn's model")
    state = turn.observation
    found = cheapest_repair(turn.model, norm, state.protected, keep_bounds_of=state.variable_names) or ()
    if not found and "UPDATE_BOUNDS" in ACTION_SETS[turn.actions]:
        found = cheapest_repair(turn.model, norm, state.protected) or ()
    return reply_text(_loosening(found[0], norm, turn.actions, turn.model) if found else SUBMIT)


def random_action(turn: Turn) -> str:
    """Any action of the set on anything in the model; amounts and values log-uniform from 0.1 to 100."""
    names = [name for name in ACTION_SETS[turn.actions] if _possible(name, turn.observation)]
    name = turn.rng.choice(names)
    return reply_text(Action(name, tuple(_draw(parameter, turn) for parameter in SPECS[name].parameters)))


def oracle(turn: Turn) -> str:
    """Repairs what was broken, with its reasoning: the stored repair where the action set holds it, else drops it.

    Of several causes it takes the one that the conflict shows; where it shows none, it asks for another conflict. A
    model that is repaired and waits for SUBMIT is submitted.
    """
    if turn.observation.status == "OPTIMAL":
        return reply_text(SUBMIT, "The model is feasible and bounded: nothing is left to repair.")
    action = _stored_repair(turn) or _drop_cause(turn) or SUBMIT
    wrong = _still_wrong(turn) if action != SUBMIT else ()
    return reply_text(action, explain(turn.observation, wrong))


ANCHORS: dict[str, Anchor] = {
    "random": random_action,
    "drop-first": partial(drop_nth, 0),
    "drop-2nd": partial(drop_nth, 1),
    "drop-3rd": partial(drop_nth, 2),
    "drop-last": partial(drop_nth, -1),
    "drop-random": drop_random,
    "relax-big": relax_big,
    "feasrelax-l0": partial(feasrelax, "l0"),
    "feasrelax-l1": partial(feasrelax, "l1"),
    "oracle": oracle,
}
"""All of them are played beside every run: together they cost a few milliseconds a problem."""


def anchor(name: str) -> Anchor:
    """The anchor of that name.

    Raises:
        UsageError: If there is none.
    """
    try:
        return ANCHORS[name]
    except KeyError:
        raise UsageError(f"there is no policy {name!r}.", f"Choose one of {', '.join(ANCHORS)}.") from None


def _droppable(turn: Turn) -> list[str]:
    """The conflict's rows, less those that the prompt says may not be touched."""
    return [name for name in turn.observation.conflict.rows if name not in turn.observation.protected]


def _drop(row: str | None) -> str:
    """Submits where there is no such row."""
    return reply_text(SUBMIT if row is None else Action("DROP_CONSTRAINT", (row,)))


def _loosening(violation: Violation, norm: Norm, actions: ActionSet, model: Model) -> Action:
    """The action by which a row or bound gives way; a least amount is rounded up, to need no solver's tolerance."""
    amount = round(math.ceil(violation.amount / ROUNDING) * ROUNDING + ROUNDING, 6)
    if violation.kind == "row":
        if actions == "compat" and model.row(violation.name).sense == "=":  # the published RELAX would shift it
            return Action("DROP_CONSTRAINT", (violation.name,))
        return Action("RELAX_CONSTRAINT", (violation.name, BIG if norm == "l0" else amount))
    limits = model.variable(violation.name)
    lower = limits.lower - amount * (violation.kind == "lower")
    upper = limits.upper + amount * (violation.kind == "upper")
    return Action("UPDATE_BOUNDS", (violation.name, _finite(lower), _finite(upper)))


def _finite(limit: float) -> float:
    """A bound as an action may write it: where there is none, one that is as good as none."""
    return math.copysign(AS_GOOD_AS_NONE, limit) if math.isinf(limit) else round(limit, 6)


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
    for repair in (turn.problem.repair, turn.problem.core_repair):
        actions = [parse_action(text, turn.actions) for text in repair]
        usable = [action for action in actions if isinstance(action, Action)]
        left = _not_done(usable, turn)
        if len(usable) == len(actions) and left:
            return _shown_first(left, turn)
    return None


def _not_done(repair: Sequence[Action], turn: Turn) -> Sequence[Action]:
    """What is left of a repair; that of several causes is not carried out in its order."""
    done = [past.action for past in turn.observation.past]
    if len(turn.problem.root_cause) < 2:
        return repair[len(done) :]
    return [action for action in repair if str(_safe(action)) not in done]


def _shown_first(left: Sequence[Action], turn: Turn) -> Action:
    """Of several causes, the action on what the conflict shows; else GET_IIS, unless that was in vain."""
    state = turn.observation
    if len(turn.problem.root_cause) < 2:
        return left[0]
    bounds = [bound.variable for bound in state.conflict.bounds]
    for shown in (state.conflict.rows, bounds, state.variables):
        for action in left:
            if action.target in shown:
                return action
    return GET_IIS if not state.note and state.steps_left > len(left) else left[0]


def _still_wrong(turn: Turn) -> Collection[str]:
    """What the causes touch; of several, less what was acted on already."""
    if len(turn.problem.root_cause) < 2:
        return turn.problem.touched
    done = {past.action.partition("(")[2].rstrip(")").split(", ")[0] for past in turn.observation.past}
    return {name for name in turn.problem.touched if shown_name(name) not in done}


def _drop_cause(turn: Turn) -> Action | None:
    """Drops the first cause that still stands as a row, one of the conflict before others."""
    state = turn.observation
    for cause in turn.problem.root_cause:
        names = [name for name in (cause.name, *cause.touches) if name in state.row_names]
        names.sort(key=lambda name: name not in state.conflict.rows)
        if names:
            return Action("DROP_CONSTRAINT", (names[0],))
    return None
