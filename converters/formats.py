"""The formats a file of rows may have, told apart by their keys, and each row of them as decisions.

A decision is an Alpaca row without a history: the one shape that every other command reads.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from ordebug.converters.dialogue import Dialogue, about_row, dialogue
from ordebug.converters.messages import assistant_text
from ordebug.converters.oddity import Oddity
from ordebug.converters.records import Record, read_records
from ordebug.core.errors import InputError

FormatName = Literal["alpaca", "sharegpt", "messages"]


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        keys: The keys of a row; the first alone tells the format.
        dialogue: Reads a row; raises ``InputError`` where it cannot.
    """

    keys: tuple[str, ...]
    dialogue: Callable[[Mapping[str, Any]], Dialogue]


def alpaca_dialogue(row: Mapping[str, Any]) -> Dialogue:
    """``instruction``, ``input``, ``output``, and ``history``, a list of pairs."""
    history = row.get("history") or ()
    if not isinstance(history, list | tuple) or not all(_pair(pair) for pair in history):
        raise InputError("field history: not a list of pairs of texts")
    query = "\n\n".join(filter(None, (_text(row, "instruction"), _text(row, "input"))))
    turns = [turn for user, answer in history for turn in (("user", user, True), ("assistant", answer, True))]
    turns += [("user", query, True), ("assistant", _text(row, "output"), True)]
    return dialogue(
        turns, _text(row, "system"), about_row(row, ("instruction", "input", "output", "system", "history"))
    )


def sharegpt_dialogue(row: Mapping[str, Any]) -> Dialogue:
    """``conversations``, a list of ``from`` and ``value``, and ``system``."""
    return dialogue(
        _turns(row, "conversations", ("from", "role"), ("value", "content")),
        _text(row, "system"),
        about_row(row, ("conversations", "system")),
    )


def messages_dialogue(row: Mapping[str, Any]) -> Dialogue:
    """``messages``, a list of ``role`` and ``content``, with ms-swift's ``loss`` where it has one."""
    return dialogue(_turns(row, "messages", ("role", "from"), ("content", "value")), "", about_row(row, ("messages",)))


FORMATS: dict[FormatName, Format] = {
    "messages": Format(("messages",), messages_dialogue),
    "sharegpt": Format(("conversations",), sharegpt_dialogue),
    "alpaca": Format(("output", "instruction", "input"), alpaca_dialogue),
}
THOUGHT = "reasoning_content"
KEYS = tuple(key for known in FORMATS.values() for key in known.keys)


def read_decisions(path: Path, name: FormatName | None = None) -> Iterator[Record]:
    """Yields every decision of a file as an Alpaca row, with the place of its own row.

    Args:
        path: The file.
        name: Its format; None goes by the keys of each row: ``messages``, else ``conversations``, else Alpaca's.

    Raises:
        InputError: If the file is missing, no JSON, or that row is of another format.
    """
    for record, known in _rows(path, name):
        yield from decisions(record, known)


def read_dialogues(path: Path, name: FormatName | None = None) -> Iterator[tuple[Record, Dialogue | None]]:
    """Yields every row of a file as a dialogue, None where it cannot be read: ``error`` says why."""
    for record, known in _rows(path, name):
        try:
            yield record, _dialogue(record, known)
        except InputError as error:
            yield replace(record, error=error.message), None


def decisions(record: Record, known: Format) -> list[Record]:
    """The decisions of one row, or the row itself with what is wrong with it."""
    row = record.value
    if known is FORMATS["alpaca"] and not (
        isinstance(row, dict) and (row.get("history") or format_of(row) != "alpaca")
    ):
        return [record]  # a decision already; the converter says what may be wrong with it
    try:
        return _split(record, _dialogue(record, known))
    except InputError as error:
        return [replace(record, error=error.message)]


def _dialogue(record: Record, known: Format) -> Dialogue:
    if record.error:
        raise InputError(record.error)
    if not isinstance(record.value, dict):
        raise InputError(f"a JSON {type(record.value).__name__}, not an object with {known.keys[0]}")
    kind = format_of(record.value)
    if known.keys[0] not in record.value and kind and FORMATS[kind] is not known:
        raise InputError(f"a row of another format, {kind}, and --from says how all are read")
    return known.dialogue(record.value)


def _split(record: Record, found: Dialogue) -> list[Record]:
    """One decision an answer, each with its own user turn; what that leaves out is told as oddities."""
    pairs = list(zip(found.said[::2], found.said[1::2], strict=False))
    trained = [(number, pair) for number, pair in enumerate(pairs, start=1) if pair[1].trained]
    if not trained:
        raise InputError("no answer to learn: the row has no assistant turn that is trained")
    odd = list(found.oddities)
    odd += [Oddity("unanswered_turn", found.said[-1].text[:80])] if len(found.said) % 2 else []
    odd += [Oddity("untrained_turn")] if len(trained) < len(pairs) else []
    split = []
    for number, (user, answer) in trained:
        metadata = dict(found.about) if number == 1 else {**found.about, "step": _step(found.about) + number - 1}
        value = {"instruction": user.text, "input": "", "output": answer.text, "system": found.system}
        earlier = [Oddity("earlier_turns")] if number > 1 else []
        told, alone = (*odd, *earlier), len(trained) == 1
        decision = {**value, "metadata": metadata}
        split.append(replace(record, value=decision, oddities=told, row=record.value, alone=alone))
        odd = []
    return split


def _step(about: Mapping[str, Any]) -> int:
    step = about.get("step", 1)
    if not isinstance(step, int) or isinstance(step, bool):
        raise InputError("field step: not a whole number")
    return step


def _rows(path: Path, name: FormatName | None) -> Iterator[tuple[Record, Format]]:
    records = read_records(path, KEYS)
    head: list[Record] = []
    for record in records:
        head.append(record)
        if isinstance(record.value, dict) and not record.error:
            break
    known = _format(path, head[-1].value if head else None, name)
    for record in chain(head, records):
        own = format_of(record.value) if name is None and isinstance(record.value, dict) else None
        yield record, FORMATS[own or known]


def _format(path: Path, row: Any, name: FormatName | None) -> FormatName:
    """The format to read by: the one that was given, if the first row does not say another."""
    if not isinstance(row, dict):
        return name or "alpaca"  # whose converter says what each row lacks
    kind = format_of(row)
    if kind is None:
        raise InputError(
            f"{path}: the first row has the keys {', '.join(map(str, row))}.",
            "Known are Alpaca (instruction, input, output), ShareGPT (conversations) and messages (messages).",
        )
    if name and kind != name and FORMATS[name].keys[0] not in row:
        raise InputError(
            f"{path}: the first row looks like {kind}, not {name}.", f"Give --from {kind}, or leave it out."
        )
    return name or kind


def format_of(row: Mapping[str, Any]) -> FormatName | None:
    """The format whose keys a row has, None where it is none that is known."""
    for name, known in FORMATS.items():
        if known.keys[0] in row:
            return name
    return "alpaca" if "instruction" in row or "input" in row else None


def _turns(
    row: Mapping[str, Any], key: str, speakers: tuple[str, str], texts: tuple[str, str]
) -> Iterator[tuple[str, str, bool]]:
    turns = row.get(key)
    if not isinstance(turns, list) or not turns:
        raise InputError(f"field {key}: not a list of turns")
    for number, turn in enumerate(turns, start=1):
        place = f"field {key}.{number - 1}"
        if not isinstance(turn, Mapping):
            raise InputError(f"{place}: a JSON {type(turn).__name__}, not a turn")
        speaker = next((turn[name] for name in speakers if isinstance(turn.get(name), str)), None)
        text = next((turn[name] for name in texts if isinstance(turn.get(name), str)), None)
        if speaker is None or text is None:
            raise InputError(f"{place}: no {speakers[0]} or no text as {texts[0]}")
        unread = sorted(turn.keys() - {*speakers, *texts, THOUGHT, "loss"})
        if unread:
            raise InputError(f"{place}: {', '.join(map(str, unread))} would be lost; put it into the text")
        yield speaker, _with_thought(turn.get(THOUGHT), text), turn.get("loss") is not False


def _with_thought(thought: Any, text: str) -> str:
    """The text with the thought that a reasoning parser took out of it."""
    return assistant_text(thought.strip(), text) if isinstance(thought, str) and thought.strip() else text


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"field {key}: not a text")
    return value


def _pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(text, str) for text in value)
