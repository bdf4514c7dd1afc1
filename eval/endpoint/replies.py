"""``replies.jsonl``: every reply as it came, so that a run that was stopped neither asks nor pays for it again.

It is read again only for the prompt it answered, and deleted when every episode has ended.
"""

from collections.abc import Container, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ordebug.core.jsonl import append_rows, read_rows
from ordebug.env.renderer import Message, messages_sha256
from ordebug.eval.attempt import PolicyReply
from ordebug.eval.endpoint.settings import Limits
from ordebug.eval.run_folder import Key, drop_torn_line

Place = tuple[str, int, int]
"""Problem, sample, step."""


class Replies:
    """The replies of a run.

    Args:
        file: Where they stand.
        wanted: The episodes that are still to be played.
        limits: The prices.
    """

    def __init__(self, file: Path, wanted: Container[Key], limits: Limits) -> None:
        self._file = file
        self._known: dict[Place, tuple[str, PolicyReply]] = {}
        self.spent = 0.0
        drop_torn_line(file)
        for _, row in read_rows(file) if file.is_file() else ():
            self._read(row, wanted, limits)

    def known(self, place: Place, messages: list[Message]) -> PolicyReply | None:
        """The reply to this prompt, where there was one."""
        sha256, reply = self._known.pop(place, ("", None))
        return reply if sha256 == messages_sha256(messages) else None

    def add(self, place: Place, messages: list[Message], reply: PolicyReply) -> None:
        """Keeps a reply."""
        problem_id, sample, step = place
        row = {"problem_id": problem_id, "sample": sample, "step": step, "messages_sha256": messages_sha256(messages)}
        append_rows(self._file, [row | asdict(reply)])

    def delete(self) -> None:
        """Forgets all: the episodes hold what counts."""
        self._file.unlink(missing_ok=True)

    def _read(self, row: Mapping[str, Any], wanted: Container[Key], limits: Limits) -> None:
        try:
            place = (row["problem_id"], row["sample"], row["step"])
            reply = PolicyReply(**{name: row[name] for name in PolicyReply.__dataclass_fields__})
            self.spent += limits.cost(reply.prompt_tokens or 0, reply.tokens or 0)
            if place[:2] in wanted:
                self._known[place] = (row["messages_sha256"], reply)
        except (KeyError, TypeError):
            return  # no reply of ours: it is asked again
