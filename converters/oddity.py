"""What is odd about a row without making it unreadable: told to the user, and converted all the same."""

from dataclasses import dataclass
from typing import Literal

from ordebug.env.action import ActionSet, InvalidAction, InvalidReason
from ordebug.env.reply import ACTION_LINE, parse_action, parse_answer

OddityKind = (
    InvalidReason
    | Literal[
        "no_thought",
        "empty_thought",
        "unopened_thought",
        "unsafe_text",
        "line_ends",
        "end_token",
        "lenient_action",
        "text_before_action",
        "text_after_action",
        "no_problem_id",
        "system_replaced",
        "not_infeasible",
        "earlier_turns",
        "unanswered_turn",
        "untrained_turn",
        "tool_turn",
        "tool_call",
        "unshown_field",
    ]
)
"""The kinds of oddity, beside the reasons why a reply is not an action (``env/action.py``).

* ``no_thought``, ``empty_thought``: the row teaches to answer without thinking.
* ``unopened_thought``: ``</think>`` without ``<think>``; the tag was added.
* ``unsafe_text``: control tokens or characters, shown as plain text.
* ``line_ends``: carriage returns, taken out.
* ``end_token``: an end-of-turn token at the end of the output, taken off.
* ``lenient_action``: only the published parser reads the action, such as a surplus argument or a negative amount.
* ``text_before_action``, ``text_after_action``: the answer is more than its action line.
* ``no_problem_id``: the row names no problem; it is called after its place.
* ``system_replaced``: the row's own system text gave way to the one that every part of ordebug shows.
* ``not_infeasible``: the problem's model is not infeasible.
* ``earlier_turns``: a later answer of a conversation, written without the turns before it: its own user turn must hold
  the whole state.
* ``unanswered_turn``: the conversation ends with a user turn, which no row shows.
* ``untrained_turn``: an answer with ``loss: false``, which no row teaches.
* ``tool_turn``: what a tool answered, shown as a user turn.
* ``tool_call``: an action given as a tool call, written as an ``Action:`` line.
* ``unshown_field``: tools, images or template settings, kept in ``about`` but shown to no model.
"""


@dataclass(frozen=True)
class Oddity:
    """Something odd about a row."""

    kind: OddityKind
    detail: str = ""


def action_oddities(answer: str, actions: ActionSet) -> list[Oddity]:
    """What is odd about the text after the thought."""
    action = parse_answer(answer, actions)
    lines = list(ACTION_LINE.finditer(answer))
    found = [Oddity(action.reason, action.detail)] if isinstance(action, InvalidAction) else []
    if len(lines) == 1:
        found += _beside(answer[: lines[0].start()], answer[lines[0].end() :])
        found += [] if found and isinstance(action, InvalidAction) else _leniency(lines[0][1].strip(), actions)
    return found


def _beside(before: str, after: str) -> list[Oddity]:
    oddities = []
    if before.strip():
        oddities.append(Oddity("text_before_action", before.strip()[:80]))
    if after.strip():
        oddities.append(Oddity("text_after_action", after.strip()[:80]))
    return oddities


def _leniency(text: str, actions: ActionSet) -> list[Oddity]:
    """Whether a stricter reading of the published set would refuse the action or read another."""
    if actions != "compat" or text.startswith("CHECK_SLACK"):
        return []
    strict = parse_action(text, "extended")
    if isinstance(strict, InvalidAction):
        return [Oddity("lenient_action", strict.detail)]
    return [] if strict == parse_action(text, actions) else [Oddity("lenient_action", f"strictly {strict}")]
