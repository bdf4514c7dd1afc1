"""The canonical assistant turn: one thought in its tags, a blank line, the answer.

ms-swift puts an empty thought before every assistant turn that does not begin exactly with ``<think>``, a leading
space included, and keeps the white space inside. So rows are brought to one form here, before they are written.
"""

from dataclasses import dataclass

from ordebug.converters.messages import assistant_text
from ordebug.converters.oddity import Oddity
from ordebug.core.errors import InputError
from ordebug.env.renderer import safe
from ordebug.env.reply import END_TOKENS, OPEN, split_think

ONE_BLOCK = "Give each output one block <think>...</think> at its start, then the action."


@dataclass(frozen=True)
class Canonical:
    """An assistant turn in the one form.

    Attributes:
        thought: The text between the tags, without white space around it.
        answer: The text after them, likewise.
        oddities: What had to be changed or is missing.
    """

    thought: str
    answer: str
    oddities: tuple[Oddity, ...] = ()

    @property
    def text(self) -> str:
        """The assistant turn."""
        return assistant_text(self.thought, self.answer)


def canonical(output: str) -> Canonical:
    """Brings an output to the one form; inner white space of thought and answer is kept.

    Raises:
        InputError: If there is no answer, the thought never closes, or is not one block at the start.
    """
    text, oddities = plain(output)
    thought, state, answer = split_think(text)
    if state == "truncated":
        raise InputError("<think> is opened and never closed", ONE_BLOCK)
    if state == "malformed":
        raise InputError("more than one thought, or text before <think>", ONE_BLOCK)
    if not answer.strip():
        raise InputError("no answer after the thought" if thought else "the output is empty", ONE_BLOCK)
    if state == "missing":
        oddities.append(Oddity("no_thought"))
    elif state == "empty":
        oddities.append(Oddity("empty_thought"))
    elif OPEN not in text:
        oddities.append(Oddity("unopened_thought"))
    if text.strip().endswith(END_TOKENS):
        oddities.append(Oddity("end_token"))
    inner, said = data((thought or "").strip())
    outer, told = data(answer.strip())
    return Canonical(inner, outer, (*oddities, *(said or told)))


def plain(text: str) -> tuple[str, list[Oddity]]:
    """Text with line feeds alone as line ends."""
    if "\r" not in text:
        return text, []
    return text.replace("\r\n", "\n").replace("\r", "\n"), [Oddity("line_ends")]


def data(text: str) -> tuple[str, list[Oddity]]:
    """Text from a file as data: nothing in it can become a control token."""
    kept = safe(text)
    if kept == text:
        return text, []
    at = next((index for index, (old, new) in enumerate(zip(text, kept, strict=True)) if old != new), None)
    return kept, [] if at is None else [Oddity("unsafe_text", repr(text[at : at + 40]))]
