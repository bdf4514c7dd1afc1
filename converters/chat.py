"""Conversations kept whole, for the ``chat`` setting from which multi-turn GRPO starts.

Thoughts of earlier turns are kept and trained, in every turn: GRPO's rollouts keep them too, since their history is
token ids. ms-swift does so with ``--loss_scale default --preserve_thinking true``; at inference, and by Qwen3's own
template, earlier thoughts are left out, so a ``chat`` checkpoint is evaluated with ``--preserve_thinking true`` alone.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ordebug.converters.alpaca import OURS, AlpacaConverter, check_encodable
from ordebug.converters.dialogue import Dialogue
from ordebug.converters.formats import FormatName, read_dialogues
from ordebug.converters.messages import SFTRow, Turn
from ordebug.converters.oddity import Oddity, action_oddities
from ordebug.converters.records import Record
from ordebug.converters.think import canonical, data, plain
from ordebug.converters.tool_call import as_action_line
from ordebug.core.errors import InputError
from ordebug.env.action import ActionSet
from ordebug.env.renderer import system_text

TRAIN_WITH = "--loss_scale default --preserve_thinking true"
"""What keeps earlier thoughts where ms-swift trains, and the second of them where it infers."""


class ChatConverter:
    """Turns conversations into SFT rows of as many turns.

    Args:
        actions: The action set by which the answers are read.
    """

    def __init__(self, actions: ActionSet = "compat") -> None:
        self._actions = actions
        self._one = AlpacaConverter(actions)

    def records(self, source: Path, form: FormatName | None = None) -> Iterator[Record]:
        """The conversations of a file of any format."""
        for record, found in read_dialogues(source, form):
            yield record if found is None else replace(record, value=found)

    def __call__(self, record: Record, source: str) -> tuple[SFTRow, list[Oddity]]:
        """An SFT row, and what is odd about it.

        Raises:
            InputError: If the row cannot be read.
        """
        if record.error:
            raise InputError(record.error)
        found: Dialogue = record.value
        if not found.said or len(found.said) % 2:
            raise InputError("the conversation does not end with an answer")
        if not all(turn.trained for turn in found.said):
            raise InputError("an answer with loss: false; --turns split leaves it out and says so")
        first, odd = self._first(found, record, source)
        turns, oddities = self._turns(found)
        foreign = [Oddity("system_replaced", found.system[:80])] if found.system not in ("", *OURS) else []
        of_row = [oddity for oddity in odd if oddity.kind in ("no_problem_id", "unshown_field")]
        return first.model_copy(update={"messages": turns}), [*of_row, *found.oddities, *foreign, *oddities]

    def _first(self, found: Dialogue, record: Record, source: str) -> tuple[SFTRow, list[Oddity]]:
        """The row of the first decision, which says what a conversation says about itself."""
        value = {"instruction": found.said[0].text, "output": found.said[1].text, "metadata": dict(found.about)}
        return self._one(replace(record, value=value), source)

    def _turns(self, found: Dialogue) -> tuple[tuple[Turn, ...], list[Oddity]]:
        system = found.system if found.system in OURS else system_text(self._actions)
        turns, oddities = [Turn(role="system", content=system)], []
        for said in found.said:
            check_encodable(said.text)
            if said.role == "user":
                text, line_ends = plain(said.text)
                content, odd = data(text)
                odd = [*line_ends, *odd]
            else:
                output, called = as_action_line(said.text, self._actions)
                answer = canonical(output)
                content, odd = answer.text, [*called, *answer.oddities, *action_oddities(answer.answer, self._actions)]
            turns.append(Turn(role=said.role, content=content))
            oddities += odd
        return tuple(turns), oddities
