"""The one parser of replies: from a model's text to a thought and an action. It never evaluates text."""

import re
from dataclasses import dataclass
from typing import Literal

from ordebug.env.action import ACTION_SETS, Action, ActionSet, InvalidAction
from ordebug.env.arguments import split_arguments, typed
from ordebug.env.tools import TOOL_OPEN, parse_tool_call

ThinkState = Literal["valid", "empty", "missing", "truncated", "malformed"]
"""The state of a reply's thought.

* ``valid``: one block with text in it, at the start.
* ``empty``: one block with nothing in it.
* ``missing``: no block.
* ``truncated``: opened and never closed.
* ``malformed``: several blocks, or text before the block.
"""

OPEN, CLOSE = "<think>", "</think>"
END_TOKENS = ("<|im_end|>", "<|endoftext|>")
ACTION_LINE = re.compile(r"^[ \t]*Action:(.*)$", re.MULTILINE)
CALL = re.compile(r"([A-Za-z_]+)[ \t]*\((.*)\)")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class Reply:
    """A reply taken apart.

    Attributes:
        think: The thought without its tags, None where there is none.
        think_state: Whether the thought is as it should be.
        answer: The text after the thought.
        action: What the reply does.
    """

    think: str | None
    think_state: ThinkState
    answer: str
    action: Action | InvalidAction


def parse_reply(text: str, action_set: ActionSet = "core", *, truncated: bool = False) -> Reply:
    """Takes a reply apart.

    Args:
        text: What the model wrote. The opening tag may be missing, since some templates put it into the prompt.
        action_set: Which actions count.
        truncated: Whether the text was cut off by its token limit.
    """
    think, state, answer = split_think(text)
    if truncated:
        return Reply(think, state, answer, InvalidAction("truncated", "the reply was cut off by its token limit"))
    return Reply(think, state, answer, parse_answer(answer, action_set))


def split_think(text: str) -> tuple[str | None, ThinkState, str]:
    """Splits a reply into thought, its state and the answer; end-of-turn tokens at the end are not part of it."""
    text = _without_end(text)
    head, closed, answer = text.rpartition(CLOSE)
    if not closed:
        before, opened, thought = text.partition(OPEN)
        return (thought, "truncated", "") if opened else (None, "missing", before)
    before, opened, thought = head.partition(OPEN)
    if not opened:
        before, thought = "", head
    several = OPEN in thought or CLOSE in thought or OPEN in answer
    if several or before.strip():
        return thought, "malformed", "" if OPEN in answer else answer
    return thought, "valid" if thought.strip() else "empty", answer


def _without_end(text: str) -> str:
    """The text before the tokens that end a turn; padding may repeat them."""
    kept = text.rstrip()
    while kept.endswith(END_TOKENS):
        kept = kept.removesuffix(END_TOKENS[0]).removesuffix(END_TOKENS[1]).rstrip()
    return kept


def parse_answer(answer: str, action_set: ActionSet) -> Action | InvalidAction:
    """The action in the text after the thought: exactly one line ``Action: NAME(...)``, or exactly one tool call."""
    answer = answer.replace("\r", "\n")
    lines = [match[1].strip() for match in ACTION_LINE.finditer(answer)]
    calls = TOOL_OPEN.findall(answer)
    if not lines and not calls:
        return InvalidAction("no_action", "no line reads 'Action: NAME(...)' after the thought")
    if len(lines) + len(calls) > 1:
        return InvalidAction("many_actions", f"{len(lines)} lines read 'Action:', {len(calls)} begin a tool call")
    if calls:
        return parse_tool_call(answer, action_set)
    if "Action:" in QUOTED.sub("", lines[0]):
        return InvalidAction("many_actions", "one line reads 'Action:' twice")
    return parse_action(lines[0], action_set)


def parse_action(text: str, action_set: ActionSet) -> Action | InvalidAction:
    """An action from ``NAME(arg, ...)``."""
    call = CALL.fullmatch(text)
    if call is None:
        known = re.match(r"[A-Za-z_]+", text)
        meant = known is not None and known[0] in ACTION_SETS[action_set]
        return InvalidAction("bad_arguments" if meant else "unknown_action", f"{text[:80]!r} does not read NAME(...)")
    name, inside = call.groups()
    if name not in ACTION_SETS[action_set]:
        return InvalidAction("unknown_action", f"{name} is not one of {', '.join(ACTION_SETS[action_set])}")
    published = action_set == "compat"
    parts = split_arguments(inside, published=published)
    if parts is None:
        return InvalidAction("bad_arguments", "quotes or brackets do not close")
    if published and name in ("DROP_CONSTRAINT", "CHECK_SLACK"):
        parts = parts[:1]  # the published parser ignores surplus arguments of these
    return typed(name, parts, action_set)
