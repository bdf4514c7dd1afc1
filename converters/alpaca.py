"""Alpaca rows, as the published data has them: ``instruction``, ``input``, ``output``, ``metadata``."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ordebug.converters.messages import SFTRow, conversation
from ordebug.converters.oddity import Oddity, action_oddities
from ordebug.converters.prompts import Prompts
from ordebug.converters.records import Record
from ordebug.converters.think import canonical, data, plain
from ordebug.core.errors import InputError
from ordebug.env.action import ActionSet
from ordebug.env.problem import Problem, explain
from ordebug.env.renderer import Message, system_text

KEYS = ("instruction", "input", "output")
PROBLEM_LINE = re.compile(r"^ID: *(\S.*?) *$", re.MULTILINE)
TYPE_LINE = re.compile(r"^Type: *(\S+) *$", re.MULTILINE)


class Metadata(BaseModel):
    """What a row may say about itself; other fields are passed over."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    problem_id: str | None = None
    base_id: str | None = None
    error_type: str | None = None


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

    keys: tuple[str, ...] = KEYS

    def __init__(self, actions: ActionSet = "compat", prompts: Prompts | None = None) -> None:
        self._actions = actions
        self._prompts = prompts

    def __call__(self, record: Record, source: str) -> tuple[SFTRow, list[Oddity]]:
        """An SFT row, and what is odd about it.

        Raises:
            InputError: If the row cannot be read.
        """
        row = _parse(record)
        answer = canonical(row.output)
        problem_id, oddities = _problem_id(row, record, source)
        messages, odd, problem = self._prompt(row, problem_id)
        sft = SFTRow(
            messages=conversation(messages, answer.text),
            problem_id=problem_id,
            base_id=row.metadata.base_id or (problem.cluster if problem else problem_id),
            source=source,
            error_type=(problem.error_type if problem else None) or _error_type(row),
        )
        return sft, [*oddities, *odd, *answer.oddities, *action_oddities(answer.answer, self._actions)]

    def _prompt(self, row: AlpacaRow, problem_id: str) -> tuple[list[Message], list[Oddity], Problem | None]:
        oddities = [Oddity("system_replaced", row.system[:80])] if row.system else []
        if self._prompts is not None:
            messages, problem, odd = self._prompts.of(problem_id)
            return messages, oddities + odd, problem
        text, line_ends = plain(row.user)
        user, unsafe = data(text)
        system = {"role": "system", "content": system_text(self._actions)}
        return [system, {"role": "user", "content": user}], [*oddities, *line_ends, *unsafe], None


def _parse(record: Record) -> AlpacaRow:
    if record.error:
        raise InputError(record.error)
    if not isinstance(record.value, dict):
        raise InputError(f"a JSON {type(record.value).__name__}, not an object with {', '.join(KEYS)}")
    try:
        row = AlpacaRow.model_validate(record.value)
    except ValidationError as error:
        raise InputError(explain(error)) from None
    if row.history:
        raise InputError("a history: a row must be one decision, with the whole state in its input")
    if not row.user.strip():
        raise InputError("instruction and input are both empty")
    _encodable(row)
    return row


def _encodable(row: AlpacaRow) -> None:
    """Refuses half characters, which JSON can spell and UTF-8 cannot."""
    known = (row.metadata.problem_id, row.metadata.base_id, row.metadata.error_type)
    for text in (row.user, row.output, *filter(None, known)):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"half a character (a lone surrogate) at {text[error.start : error.end]!a}") from None


def _problem_id(row: AlpacaRow, record: Record, source: str) -> tuple[str, list[Oddity]]:
    found = PROBLEM_LINE.search(row.input)
    known = row.metadata.problem_id or (found[1] if found else "")
    return (known, []) if known else (f"{source}:{record.number}", [Oddity("no_problem_id")])


def _error_type(row: AlpacaRow) -> str:
    found = TYPE_LINE.search(row.input)
    return row.metadata.error_type or (found[1] if found else "")
