"""One row after another: what can be said of each alone, and what is kept to compare it with the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ordebug.converters.audit.choices import FOLDS, Choice, sampled, shape
from ordebug.converters.audit.formats import Formats, Read
from ordebug.converters.audit.prompt import Shown, holds_name, shown
from ordebug.converters.audit.tally import COLUMNS, TEXTS_KEPT, Tally
from ordebug.converters.audit.thought import claims, says_step
from ordebug.converters.masking import masked, names_in, without_id
from ordebug.converters.messages import SFTRow
from ordebug.converters.records import Record
from ordebug.env.action import SPECS, Action, ActionSet, InvalidAction, Parameter
from ordebug.env.reply import OPEN, parse_answer, split_think

Lengths = Callable[[Sequence[tuple[str, str, str]]], list[tuple[int, int]]]
"""Lengths of prompt and answer of conversations: system, user and assistant turn."""

SAID_BY_THOUGHT = ("no_thought", "empty_thought")
UNREADABLE_THOUGHTS = ("think_truncated", "think_several", "think_text_before")
VERBS = ("", *SPECS)
DETAIL_SHOWN = 120


def characters(conversations: Sequence[tuple[str, str, str]]) -> list[tuple[int, int]]:
    """Lengths in characters, where no tokens are to be had."""
    return [(len(system) + len(user), len(answer)) for system, user, answer in conversations]


@dataclass(frozen=True)
class Settings:
    """By what rows are judged; handed to worker processes.

    Attributes:
        actions: The action set.
        lengths: How long conversations are.
    """

    actions: ActionSet = "compat"
    lengths: Lengths = field(default=characters)


def inspect(records: Iterable[tuple[int, Record]], file: int, path: Path, settings: Settings) -> Tally:
    """The tally of some rows of one file.

    Args:
        records: Each with its line, or its place in the list.
        file: Which file it is.
        path: That file.
        settings: By what rows are judged.
    """
    inspector = Inspector(file, path, settings)
    for number, record in records:
        inspector.add(number, record)
    return inspector.done()


class Inspector:
    """Tallies rows of one file.

    Args:
        file: Which file it is.
        path: That file.
        settings: By what rows are judged.
    """

    def __init__(self, file: int, path: Path, settings: Settings) -> None:
        self._file, self._path, self._settings = file, path, settings
        self._formats = Formats(settings.actions)
        self._tally = Tally()
        self._kept: list[tuple[int, ...]] = []
        self._conversations: list[tuple[str, str, str]] = []

    def add(self, number: int, record: Record) -> None:
        """Looks at one row."""
        for read in self._formats.read(record, self._path.name):
            self._add(number, read)

    def _add(self, number: int, read: Read) -> None:
        self._tally.read += 1
        self._tally.formats[read.format] += 1
        parts = Parts.of(read.row, self._settings.actions) if read.row else None
        for kind, detail in dict(reversed(list(_told(read, parts)))).items():
            self._tally.mark(kind, self._file, number, " ".join(detail.split())[:DETAIL_SHOWN])
        if parts is not None:
            self._keep(number, parts)

    def done(self) -> Tally:
        """What was found, with the lengths."""
        lengths = self._settings.lengths(self._conversations)
        rows = [(*kept, *length) for kept, length in zip(self._kept, lengths, strict=True)]
        self._tally.columns.append(np.array(rows, COLUMNS))
        self._tally.choices = sampled(self._tally.choices)
        return self._tally

    def _keep(self, number: int, parts: "Parts") -> None:
        row, tally, action = parts.row, self._tally, parts.action
        verb = action.name if isinstance(action, Action) else ""
        tally.types[row.error_type] += 1
        tally.actions[action.name if isinstance(action, Action) else f"none: {action.reason}"] += 1
        tally.stepping += says_step(parts.thought)
        names = names_in(row.user)
        template = masked(parts.thought, names)
        if len(tally.thoughts) < TEXTS_KEPT:
            tally.thoughts.setdefault(hashed(template), template)
        bare = without_id(row.user)
        texts = (
            f"{row.user}\x1e{row.assistant}",
            row.user,
            bare,
            masked(bare, names),
            template,
            str(action),
            row.problem_id,
        )
        hashes = tuple(map(hashed, texts))
        self._kept.append((self._file, number, *hashes, VERBS.index(verb)))
        self._conversations.append((row.messages[0].content, row.user, row.assistant))
        if parts.target is not None and parts.offered:
            choice = Choice(
                key=hashes[0],
                fold=hashes[-1] % FOLDS,
                place=(self._file, number),
                rows=tuple(map(shape, parts.offered)),
                others=() if parts.on_variable else tuple(map(shape, parts.view.others)),
                at=parts.offered.index(parts.target) if parts.target in parts.offered else -1,
                target=shape(parts.target),
            )
            tally.choices.append(choice)


@dataclass(frozen=True)
class Parts:
    """A row taken apart: its thought, its action and what its prompt shows."""

    row: SFTRow
    thought: str
    action: Action | InvalidAction
    view: Shown

    @classmethod
    def of(cls, row: SFTRow, actions: ActionSet) -> "Parts":
        """Takes a row apart."""
        thought, _, answer = split_think(row.assistant)
        return cls(row, (thought or "").strip(), parse_answer(answer, actions), shown(row.user))

    @property
    def target(self) -> str | None:
        """The row or variable acted on."""
        return self.action.target if isinstance(self.action, Action) else None

    @property
    def on_variable(self) -> bool:
        """Whether the target is a variable."""
        parameters = SPECS[self.action.name].parameters if isinstance(self.action, Action) else ()
        return parameters[:1] == (Parameter.VARIABLE,)

    @property
    def offered(self) -> tuple[str, ...]:
        """What the conflict offers to act on."""
        return self.view.bounds if self.on_variable else self.view.rows


def _told(read: Read, parts: Parts | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a row: kind and detail."""
    state = _thought_state(read.output)
    if state:
        yield state, ""
    if parts is None:
        if state not in UNREADABLE_THOUGHTS:
            yield "unreadable", read.reason
        return
    yield from ((odd.kind, odd.detail) for odd in read.oddities if odd.kind not in SAID_BY_THOUGHT)
    yield from _compared(parts)


def _compared(parts: Parts) -> Iterator[tuple[str, str]]:
    """Where a row's output does not fit its prompt."""
    view, user, target = parts.view, parts.row.user, parts.target
    if view.label:
        yield "label_leak", ""
    if view.elided:
        yield "names_elided", ""
    if target is not None and not _target_shown(target, view, user):
        yield "target_not_shown" if view.elided else "unknown_target", target
    if target in view.protected and str(parts.action).startswith(("DROP_", "RELAX_", "UPDATE_RHS")):
        yield "protected", str(target)
    yield from claims(parts.thought, user, view, parts.action)


def _thought_state(output: str | None) -> str:
    """The fault of a thought, empty where there is none."""
    state = split_think(output)[1] if output is not None else "valid"
    if state == "malformed":
        return "think_text_before" if str(output).partition(OPEN)[0].strip() else "think_several"
    return "" if state == "valid" else f"think_{state}"


def _target_shown(target: str, view: Shown, user: str) -> bool:
    return target in view.rows or target in view.bounds or target in view.others or holds_name(user, target)


def hashed(text: str) -> int:
    """64 bits of a text: among a million, two are equal by chance once in 37 million audits."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
