"""Alpaca rows, as the published data has them: ``instruction``, ``input``, ``output``, ``metadata``.

Rows of other formats come here as Alpaca rows too, one a decision (``converters/formats.py``).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ordebug.converters.dialogue import UNSHOWN, about_row, held_fields
from ordebug.converters.formats import FormatName, read_decisions
from ordebug.converters.messages import SFTRow, conversation
from ordebug.converters.oddity import Oddity, action_oddities
from ordebug.converters.prompts import Prompts
from ordebug.converters.records import Record
from ordebug.converters.think import canonical, data, plain
from ordebug.converters.tool_call import as_action_line
from ordebug.core.errors import InputError
from ordebug.env.action import ACTION_SETS, ActionSet
from ordebug.env.problem import Problem, explain
from ordebug.env.renderer import Message, system_text

KEYS = ("instruction", "input", "output")
ROW_KEYS = (*KEYS, "system", "history")
PROBLEM_LINE = re.compile(r"^ID: *(\S.*?) *$", re.MULTILINE)
TYPE_LINE = re.compile(r"^Type: *(\S+) *$", re.MULTILINE)


OURS = frozenset(system_text(actions) for actions in ACTION_SETS)


class Metadata(BaseModel):
    """What a row may say about itself; other fields are kept in ``about``."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    problem_id: str | None = None
    base_id: str | None = None
    error_type: str | None = None
    step: int = Field(default=1, ge=1)
    source: str | None = None
    about: str = ""


class AlpacaRow(BaseModel):
    """One row of the file; a null text is an empty one."""

    model_config = ConfigDict(extra="allow", frozen=True)

    instruction: str = ""
    input: str = ""
    output: str
    system: str = ""
    history: tuple[Any, ...] = ()
    metadata: Metadata = Metadata()

    @field_validator("instruction", "input", "system", "history", "metadata", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value is None else value

    @property
    def user(self) -> str:
        """The user turn: instruction, blank line, input; either alone where the other is empty."""
        return "\n\n".join(part for part in (self.instruction, self.input) if part)


class AlpacaConverter:
    """Turns Alpaca rows into SFT rows.

    Args:
        actions: The action set by which the answers are read.
        prompts: Renders the prompts anew from the problems; None keeps each row's own text, byte for byte.
    """

    def __init__(self, actions: ActionSet = "compat", prompts: Prompts | None = None) -> None:
        self._actions = actions
        self._prompts = prompts

    def records(self, source: Path, form: FormatName | None = None) -> Iterator[Record]:
        """The decisions of a file of any format."""
        return read_decisions(source, form)

    def __call__(self, record: Record, source: str) -> tuple[SFTRow, list[Oddity]]:
        """An SFT row, and what is odd about it.

        Raises:
            InputError: If the row cannot be read.
        """
        row = _parse(record)
        output, called = as_action_line(row.output, self._actions)
        answer = canonical(output)
        problem_id, oddities = _problem_id(row, record, source)
        messages, odd, problem = self._prompt(row, problem_id)
        sft = SFTRow(
            messages=conversation(messages, answer.text),
            problem_id=problem_id,
            base_id=row.metadata.base_id or (problem.cluster if problem else problem_id),
            step=row.metadata.step,
            source=row.metadata.source or source,
            error_type=(problem.error_type if problem else None) or _error_type(row),
            about=row.metadata.about,
        )
        odd = [*record.oddities, *oddities, *_unshown(row), *odd, *called, *answer.oddities]
        return sft, [*odd, *action_oddities(answer.answer, self._actions)]

    def _prompt(self, row: AlpacaRow, problem_id: str) -> tuple[list[Message], list[Oddity], Problem | None]:
        foreign = row.system and row.system not in OURS
        oddities = [Oddity("system_replaced", row.system[:80])] if foreign else []
        if self._prompts is not None:
            if row.metadata.step > 1:
                raise InputError("a later step of its problem: only the first prompt can be made anew from the model")
            messages, problem, odd = self._prompts.of(problem_id)
            return messages, oddities + odd, problem
        text, line_ends = plain(row.user)
        user, unsafe = data(text)
        own = row.system if row.system and not foreign else system_text(self._actions)
        system = {"role": "system", "content": own}
        return [system, {"role": "user", "content": user}], [*oddities, *line_ends, *unsafe], None


def _parse(record: Record) -> AlpacaRow:
    if record.error:
        raise InputError(record.error)
    if not isinstance(record.value, dict):
        raise InputError(f"a JSON {type(record.value).__name__}, not an object with {', '.join(KEYS)}")
    try:
        row = AlpacaRow.model_validate(record.value | {"metadata": about_row(record.value, ROW_KEYS)})
    except ValidationError as error:
        raise InputError(explain(error)) from None
    if row.history:
        raise InputError("a history: a row must be one decision, with the whole state in its input")
    if not row.user.strip():
        raise InputError("instruction and input are both empty")
    _encodable(row)
    return row


def _encodable(row: AlpacaRow) -> None:
    about = row.metadata.model_dump(exclude={"step"}).values()
    for text in (row.user, row.output, *filter(None, about)):
        check_encodable(text)


def check_encodable(text: str) -> None:
    """Refuses half characters, which JSON can spell and UTF-8 cannot.

    Raises:
        InputError: If there is one.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"half a character (a lone surrogate) at {text[error.start : error.end]!a}") from None


def _problem_id(row: AlpacaRow, record: Record, source: str) -> tuple[str, list[Oddity]]:
    found = PROBLEM_LINE.search(row.user)
    known = row.metadata.problem_id or (found[1] if found else "")
    return (known, []) if known else (f"{source}:{record.number}", [Oddity("no_problem_id")])


def _unshown(row: AlpacaRow) -> list[Oddity]:
    held = UNSHOWN & held_fields(row.metadata.about).keys()
    return [Oddity("unshown_field", ", ".join(sorted(held)))] if held else []


def _error_type(row: AlpacaRow) -> str:
    found = TYPE_LINE.search(row.user)
    return row.metadata.error_type or (found[1] if found else "")
