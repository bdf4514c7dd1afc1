"""The episodes as data for the page's browser: every episode, its texts while there is room, each prompt line once."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from ordebug.core.errors import InputError
from ordebug.env.episode import Episode, Step
from ordebug.env.problem import Problem
from ordebug.env.renderer import Message, messages_sha256
from ordebug.env.reply import split_think
from ordebug.eval.metrics import Case, objective_preserved, root_cause_first
from ordebug.eval.played import PlayedRun
from ordebug.eval.report.playback import Playback, chosen, play_back, within_budget

ROOM = 20_000_000
"""Bytes of descriptions, prompts and replies; the rest of the page is small beside it."""

LONGEST_TEXT = 20_000
SHORTEST_KEPT = 300
MOST_NAMES = 12
Row = dict[str, Any]


@dataclass
class Texts:
    """What the page holds of prompts and replies, within ``ROOM``; prompts share their lines."""

    left: int = ROOM
    lines: dict[str, int] = field(default_factory=dict)
    prompts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dropped: int = 0

    def kept(self, text: str) -> str:
        """The text, or its end where there is no room for it."""
        found = text if len(text) <= LONGEST_TEXT else _middle_out(text, LONGEST_TEXT)
        if self.left < _size(found):
            self.dropped += 1
            found = text if len(text) <= SHORTEST_KEPT else f"(left out) … {text[-SHORTEST_KEPT:]}"
        self.left -= _size(found)
        return found

    def prompt(self, messages: Sequence[Message]) -> str:
        """Keeps a prompt, where there is room, and returns its digest."""
        digest = messages_sha256(messages)
        if digest in self.prompts or self.left <= 0:
            return digest
        found = []
        for message in messages:
            for line in (f"[{message['role']}]", *message["content"].split("\n")):
                if line not in self.lines:
                    self.lines[line] = len(self.lines)
                    self.left -= _size(line)
                found.append(self.lines[line])
        self.left -= 6 * len(found)
        self.prompts[digest] = tuple(found)
        return digest


@dataclass
class Browser:
    """What the browser shows, gathered run by run.

    Attributes:
        policies: Whose episodes there are.
        problems: What they were about.
        episodes: The episodes, in the order in which they deserve room.
        texts: Their texts.
        notes: What cannot be shown, and why.
    """

    policies: list[str] = field(default_factory=list)
    problems: list[Row] = field(default_factory=list)
    episodes: list[Row] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)
    notes: list[str] = field(default_factory=list)

    def add(self, run: PlayedRun, workers: int, *, anchors: bool) -> None:
        """Adds a run's episodes, and those of its anchors."""
        order = [
            (run.folder.name if policy is None else f"anchor {policy}", episode)
            for policy in (run.policies if anchors else [None])
            for episode in chosen(run.folder.episodes(policy))
        ]
        known = self._known(run)
        seen = self._played_back(run, [episode for _, episode in order], workers) if known else []
        places: dict[str, int] = {}
        for number, (policy, episode) in enumerate(order):
            if episode.problem_id not in places:
                places[episode.problem_id] = len(self.problems)
                self.problems.append(_about(episode, known.get(episode.problem_id), self.texts))
            if policy not in self.policies:
                self.policies.append(policy)
            row = {"problem": places[episode.problem_id], "policy": self.policies.index(policy)}
            playback = seen[number] if number < len(seen) else Playback()
            if playback.broken is not None:
                self.problems[row["problem"]]["broken"] = playback.broken
            row |= _judged(run, episode, known.get(episode.problem_id)) | {"left": playback.left}
            self.episodes.append(row | {"steps": list(self._steps(episode, playback))})

    def block(self) -> Markup:
        """All as JSON that can stand in a script element: nothing in it can end the element."""
        digests = {digest: index for index, digest in enumerate(self.texts.prompts)}
        steps = (step for row in self.episodes for step in row["steps"])
        for step in steps:
            step["prompt"] = digests.get(step["prompt"])
        data = {
            "policies": self.policies,
            "problems": self.problems,
            "lines": list(self.texts.lines),
            "prompts": list(self.texts.prompts.values()),
            "episodes": self.episodes,
        }
        return script_safe(data)

    # --- parts ---

    def _known(self, run: PlayedRun) -> Mapping[str, Problem]:
        try:
            return run.problems.problems
        except InputError as error:
            self.notes.append(f"{error.message} So prompts, causes and models are not shown. {error.fix}")
            return {}

    def _played_back(self, run: PlayedRun, order: Sequence[Episode], workers: int) -> list[Playback]:
        """What was seen of the first of these."""
        first = within_budget(order)
        try:
            found = play_back(run.problems, run.setting, first, workers)
        except InputError as error:
            self.notes.append(f"{error.message} So prompts and models are not shown.")
            return []
        if len(first) < len(order):
            self.notes.append(
                f"{run.folder.name}: {len(first):,} of {len(order):,} episodes were played back to show prompts and "
                "models: the run's own before the anchors', failures first, else as drawn. Prompts that others met too "
                "are shown there as well."
            )
        troubles = Counter(playback.trouble for playback in found if playback.trouble)
        self.notes += [f"{times} episodes could not be played back: {why}" for why, times in troubles.most_common(3)]
        return found

    def _steps(self, episode: Episode, playback: Playback) -> Iterator[Row]:
        for step, messages in zip_longest(episode.steps, playback.prompts[: len(episode.steps)]):
            yield self._step(step, messages)

    def _step(self, step: Step, messages: Sequence[Message] | None) -> Row:
        thought, state, answer = split_think(step.reply)
        row: Row = {"action": step.action, "outcome": step.outcome, "status": step.status, "state": state}
        row |= {"tokens": step.tokens, "seconds": step.seconds, "prompt": step.messages_sha256}
        if messages is not None:
            row["prompt"] = self.texts.prompt(messages)
            row["differs"] = row["prompt"] != step.messages_sha256
        else:
            row["conflict"] = (step.iis_rows + step.iis_bounds)[:MOST_NAMES]
        if state == "valid" and thought is not None:
            row |= {"thought": self.texts.kept(thought.strip()), "reply": self.texts.kept(answer.strip())}
        else:
            row["reply"] = self.texts.kept(step.reply)
        return row


def script_safe(data: Any) -> Markup:
    """JSON for a script element, in which ``</script>`` and ``<!--`` cannot occur."""
    return Markup(json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def _size(text: str) -> int:
    return len(script_safe(text).encode("utf-8", "replace"))


def _judged(run: PlayedRun, episode: Episode, problem: Problem | None) -> Row:
    row: Row = {"sample": episode.sample, "stop": episode.stop, "recovered": episode.recovered}
    row |= {"return": episode.reward, "error": episode.error, "objective": episode.objective}
    if problem is not None and episode.stop != "error":
        case = Case(episode, problem, run.setting.actions, run.setting.horizon)
        row |= {"hit": root_cause_first(case), "op": objective_preserved(case)}
    return row


def _about(episode: Episode, problem: Problem | None, texts: Texts) -> Row:
    about: Row = {"id": episode.problem_id, "type": episode.error_type}
    if problem is None:
        return about
    return about | {
        "family": problem.family,
        "description": texts.kept(problem.description or ""),
        "causes": [f"{cause.kind} {cause.name}{_touched(cause.name, cause.touches)}" for cause in problem.root_cause],
        "repair": list(problem.repair),
        "optimum": problem.original_objective,
    }


def _touched(name: str, touches: Iterable[str]) -> str:
    others = [touched for touched in touches if touched != name]
    return (
        f", touches {', '.join(others[:MOST_NAMES])}{' and others' if len(others) > MOST_NAMES else ''}"
        if others
        else ""
    )


def _middle_out(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n… ({len(text) - 2 * half:,} characters left out) …\n{text[-half:]}"
