"""Policy ``swift-infer``: a checkpoint plays in rounds, one run of ``swift infer`` a round over all open episodes.

Every open episode's prompt goes into one file, ``swift infer`` answers it, the environment takes the replies, until all
episodes have ended. A reply that an earlier run of the same settings and weights got to the same prompt is read again.
"""

import itertools
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, OrdebugError, existing_file
from ordebug.core.jsonl import read_json, write_json, write_rows
from ordebug.core.workers import Failure
from ordebug.env.problem_set import ProblemSet
from ordebug.env.renderer import Message, messages_sha256
from ordebug.eval.attempt import PolicyReply, Replay, Setting, open_episodes, replay
from ordebug.eval.isolation import isolated, lost_episode
from ordebug.eval.run_folder import Key, RunFolder
from ordebug.eval.run_manifest import identity
from ordebug.eval.swift_infer import SwiftInfer, call
from ordebug.eval.swift_result import ResultRow, carrier, read_result

Prompts = Mapping[Key, list[Message]]


def play_swift_infer(
    run: RunFolder,
    problems: ProblemSet,
    setting: Setting,
    swift: SwiftInfer,
    *,
    policy: str,
    samples: int,
    workers: int,
) -> None:
    """Plays every problem ``samples`` times; finished episodes are kept.

    Raises:
        ToolError: If ``swift infer`` is missing or failed.
        InputError: If its result lacks a reply or holds two for one prompt.
        LicenceError: If the solver has no licence.
    """
    items = open_episodes(run.finished(), problems, setting, policy, samples)
    if not items:
        return
    existing_file(swift.recipe, "a recipe for swift infer")
    rounds = Rounds(run.path / "infer", swift, identity(run.read_manifest()))
    number = 0
    # Rounds start from the first one: a resumed run takes the replies of the run that was stopped from its files.
    while prompts := _advance(run, items, workers):
        number += 1
        replies = rounds.answer(number, prompts)
        items = {key: _with_reply(items[key], replies[key]) for key in prompts}


@dataclass(frozen=True)
class Part:
    """The files of one run of ``swift infer``: most rounds have one part.

    A result stands under its name only once it is complete, and beside it what produced it.
    """

    folder: Path
    name: str

    @property
    def prompts(self) -> Path:
        """What was asked."""
        return self.folder / f"{self.name}.input.jsonl"

    @property
    def unfinished(self) -> Path:
        """What this process has been replied so far: an orphan of another one cannot write into it."""
        return self.folder / f"{self.name}.unfinished-{os.getpid()}.jsonl"

    @property
    def result(self) -> Path:
        """What was replied."""
        return self.folder / f"{self.name}.result.jsonl"

    @property
    def origin(self) -> Path:
        """What produced the replies: settings, digests of files and weights."""
        return self.folder / f"{self.name}.origin.json"

    @property
    def log(self) -> Path:
        """What the program printed."""
        return self.folder / f"{self.name}.log"


@dataclass(frozen=True)
class Rounds:
    """The rounds of a run.

    Attributes:
        folder: Where their files lie.
        swift: How ``swift infer`` is called.
        origin: What produces the replies; those of another origin are not read.
    """

    folder: Path
    swift: SwiftInfer
    origin: Mapping[str, Any]

    def answer(self, number: int, prompts: Prompts) -> dict[Key, PolicyReply]:
        """The replies of one round: those that are stored, and what ``swift infer`` says to the other prompts.

        Raises:
            ToolError: If ``swift infer`` is missing or failed.
            InputError: If its result lacks a reply, holds two for one prompt, or answers other prompts.
        """
        stored = self._complete(number)
        replies: dict[Key, PolicyReply] = {}
        for part in stored:
            replies |= self._stored(part, prompts)
        missing = {key: messages for key, messages in prompts.items() if key not in replies}
        return replies | self._ask(self._part(number, len(stored) + 1), number, missing) if missing else replies

    def _complete(self, number: int) -> list[Part]:
        """``round-1``; then, where it was not all that was ever asked in this round, ``round-1-2`` and so on."""
        parts = (self._part(number, part) for part in itertools.count(1))
        return list(itertools.takewhile(lambda part: part.result.exists(), parts))

    def _part(self, number: int, part: int) -> Part:
        return Part(self.folder, f"round-{number}-{part}" if part > 1 else f"round-{number}")

    def _stored(self, part: Part, prompts: Prompts) -> dict[Key, PolicyReply]:
        """The part's replies to these very prompts; none where something else produced them."""
        try:
            if read_json(part.origin, "what produced a round") != self.origin:
                return {}
            rows = read_result(part.result, max_new_tokens=self.swift.max_new_tokens)
        except OrdebugError:
            return {}
        return {key: rows[key].reply for key in prompts if key in rows and _answers(rows[key], prompts[key])}

    def _ask(self, part: Part, number: int, prompts: Prompts) -> dict[Key, PolicyReply]:
        rows = [
            {"messages": [*messages, carrier(key)], "problem_id": key[0], "sample": key[1]}
            for key, messages in prompts.items()
        ]
        write_rows(part.prompts, rows)
        write_json(part.origin, self.origin)
        for stale in self.folder.glob(f"{part.name}.unfinished-*"):
            stale.unlink()  # swift infer appends to a file that exists
        command = self.swift.command(part.prompts, part.unfinished)
        print(f"round {number}, {len(rows)} prompts: {shlex.join(command)}", file=sys.stderr, flush=True)
        call(command, part.log)
        replies = complete_replies(part.unfinished, prompts, self.swift)
        part.unfinished.replace(part.result)
        return replies


def complete_replies(result: Path, prompts: Prompts, swift: SwiftInfer) -> dict[Key, PolicyReply]:
    """The replies of a result file that must answer these prompts, each once.

    Raises:
        InputError: If it does not.
    """
    rows = read_result(result, list(prompts), max_new_tokens=swift.max_new_tokens)
    for key, messages in prompts.items():
        if not _answers(rows[key], messages):
            raise InputError(
                f"{result}: the reply for {key[0]!r} answers another prompt than the one that was asked.",
                "The recipe or an argument changes the messages; leave that to the renderer.",
            )
    return {key: rows[key].reply for key in prompts}


def _answers(row: ResultRow, messages: list[Message]) -> bool:
    return row.prompt_sha256 == messages_sha256(messages)


def _advance(run: RunFolder, items: Mapping[Key, Replay], workers: int) -> dict[Key, list[Message]]:
    """Plays what has been replied so far, keeps the episodes that ended, and returns the prompts of the others."""
    prompts: dict[Key, list[Message]] = {}
    played = isolated(replay, list(items.values()), workers=workers, label="environment")
    for key, found in zip(items, played, strict=True):
        item = items[key]
        lost = lost_episode(item.problem, item.policy, item.sample, found) if isinstance(found, Failure) else None
        messages, episode = ([], lost) if isinstance(found, Failure) else found
        if episode is None:
            prompts[key] = messages
        else:
            run.append([episode])
    return prompts


def _with_reply(item: Replay, reply: PolicyReply) -> Replay:
    return replace(item, replies=(*item.replies, reply))
