"""A share of general instruction data among the rows to train on, against forgetting.

Every row of the file is kept, byte for byte; general rows are drawn from their sources; the order is shuffled. An
answer without a thought stays without one: ms-swift puts an empty thought before it under a hybrid Qwen3, and its
``ignore_empty_think``, which its command line adds by itself, keeps that thought out of the loss.
"""

import json
import random
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ordebug.converters.think import canonical, plain
from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import atomic_text, parse_line, read_lines, write_json
from ordebug.core.manifest import manifest, sha256_file
from ordebug.core.progress import track
from ordebug.env.reply import OPEN

Messages = list[dict[str, str]]
Load = Callable[[str], Sequence[Mapping[str, Any]]]
"""The rows of a source, each with ``messages``; ``swift_recipes/general.py`` has ms-swift read them."""

CountTokens = Callable[[Sequence[Messages]], int]
CONTROL_TOKEN = re.compile(r"<(?=\|\w+\|>)")
ROWS_COUNTED_AT_ONCE = 500
EMPTY_THOUGHT = 4
"""Tokens of the empty thought that ms-swift puts before an answer without one."""


@dataclass(frozen=True)
class General:
    """A source of general rows.

    Attributes:
        name: A swift dataset id or a file.
        rows: How many to draw; None takes an equal part of what the share leaves.
    """

    name: str
    rows: int | None = None


@dataclass(frozen=True)
class Drawn:
    """What a source gave.

    Attributes:
        rows: Rows drawn.
        tokens: Their Qwen tokens.
        without_thought: Rows that answer without a thought.
        passed_over: Rows met that could not be used, by reason.
    """

    rows: int
    tokens: int
    without_thought: int
    passed_over: dict[str, int]


@dataclass(frozen=True)
class Mix:
    """What was written.

    Attributes:
        rows: Rows of the file.
        tokens: Their Qwen tokens.
        general: What each source gave.
        share_of_rows: Share of the general rows among all.
        share_of_tokens: The same, in tokens.
        sha256: Digest of the output.
    """

    rows: int
    tokens: int
    general: dict[str, Drawn]
    share_of_rows: float
    share_of_tokens: float
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)


def general(text: str) -> General:
    """``SOURCE`` or ``SOURCE#N``.

    Raises:
        UsageError: If N is no positive number.
    """
    name, mark, count = text.rpartition("#")
    if not mark or Path(text).exists():
        return General(text)
    if not name or not count.isdecimal() or not int(count):
        raise UsageError(f"--general {text}: {count!r} is no count of rows.", "Write SOURCE or SOURCE#N.")
    return General(name, int(count))


def mix_file(
    file: Path,
    sources: Sequence[General],
    out: Path,
    *,
    share: float,
    seed: int,
    load: Load,
    count_tokens: CountTokens,
    max_length: int,
) -> Mix:
    """Writes the file's rows and general ones, shuffled, and ``OUT.manifest.json`` beside them.

    Args:
        file: The rows to train on.
        sources: Where general rows come from.
        out: The file to write.
        share: Share of general rows among all.
        seed: What the draw and the order depend on.
        load: Gives a source's rows.
        count_tokens: Counts the tokens of conversations.
        max_length: General rows of more tokens are passed over.

    Raises:
        InputError: If a file cannot be read.
        UsageError: If a source holds too few rows, or the counts and the share do not fit together.
    """
    if out.exists() and file.exists() and out.samefile(file):
        raise UsageError(f"{out} is the input itself.", "Give --out another path.")
    places = _places(file)
    quotas = shared_out(sources, share, len(places))
    tokens = _tokens(_messages(file), count_tokens, len(places))
    texts: list[str] = []
    given: dict[str, Drawn] = {}
    for name, quota in quotas.items():
        rows, passed_over = _draw(name, load(name), quota, seed, lambda row: _fits(row, max_length, count_tokens))
        texts += [json.dumps(_row(name, messages), ensure_ascii=False) for messages in rows]
        bare = sum(not messages[-1]["content"].startswith(OPEN) for messages in rows)
        given[name] = Drawn(len(rows), count_tokens(rows), bare, dict(passed_over))
    _write(file, places, texts, out, seed)
    more = sum(source.tokens for source in given.values())
    done = Mix(
        len(places),
        tokens,
        given,
        round(len(texts) / (len(texts) + len(places)), 6),
        round(more / max(1, more + tokens), 6),
        sha256_file(out),
    )
    config = {"general": [asdict(each) for each in sources], "share": share, "seed": seed, "max_length": max_length}
    write_json(out.with_suffix(".manifest.json"), {**manifest(config, {"input": file}), **done.as_json()})
    return done


def shared_out(sources: Sequence[General], share: float, rows: int) -> dict[str, int]:
    """How many rows each source gives, so that general rows are ``share`` of all.

    Raises:
        UsageError: If the counts asked for and the share do not fit together.
    """
    if not 0 < share < 1:
        raise UsageError(f"--share {share:g} is no share.", "Give a number between 0 and 1, such as 0.1.")
    if repeated := [name for name, times in Counter(source.name for source in sources).items() if times > 1]:
        raise UsageError(f"--general names {repeated[0]} twice.", "Name each source once.")
    fixed = {source.name: source.rows for source in sources if source.rows is not None}
    open_ended = [source.name for source in sources if source.rows is None]
    left = round(share / (1 - share) * rows) - sum(fixed.values())
    if not open_ended:
        return fixed
    if left < len(open_ended):
        raise UsageError(
            f"a share of {share:g} beside {rows} rows leaves {max(left, 0)} for {', '.join(open_ended)}.",
            "Give a larger --share, or smaller counts behind #.",
        )
    parts = {name: left // len(open_ended) + (place < left % len(open_ended)) for place, name in enumerate(open_ended)}
    return {source.name: fixed.get(source.name) or parts[source.name] for source in sources}


def usable(record: Mapping[str, Any]) -> Messages:
    """The conversation of a general row, safe to put into a chat template.

    Raises:
        InputError: If it is no conversation of texts that ends with an answer.
    """
    turns = [(turn.get("role"), turn.get("content")) for turn in record.get("messages") or ()]
    spoken = [role for role, _ in turns if role != "system"]
    if not all(isinstance(text, str) and text.strip() for _, text in turns):
        raise InputError("a turn without text")
    if (
        not spoken
        or spoken != ["user", "assistant"] * (len(spoken) // 2)
        or "system" in [role for role, _ in turns[1:]]
    ):
        raise InputError("not user and assistant by turns")
    return [{"role": str(role), "content": _safe(str(role), str(text))} for role, text in turns]


def _safe(role: str, text: str) -> str:
    """Nothing in it can become a control token, and a thought has the one form."""
    kept = CONTROL_TOKEN.sub("‹", plain(text)[0])
    return canonical(kept).text if role == "assistant" and kept.lstrip().startswith(OPEN) else kept


def _fits(row: Messages, max_length: int, count_tokens: CountTokens) -> Messages:
    bare = not row[-1]["content"].startswith(OPEN)
    if count_tokens([row]) + bare * EMPTY_THOUGHT > max_length:
        raise InputError(f"longer than {max_length} tokens")
    return row


def _draw(
    name: str,
    records: Sequence[Mapping[str, Any]],
    quota: int,
    seed: int,
    checked: Callable[[Messages], Messages],
) -> tuple[list[Messages], Counter[str]]:
    """So many usable rows of a source, in random order."""
    rows: list[Messages] = []
    passed_over: Counter[str] = Counter()
    order = list(range(len(records)))
    random.Random(f"{seed}/{name}").shuffle(order)
    for place in order:
        if len(rows) == quota:
            break
        try:
            rows.append(checked(usable(records[place])))
        except InputError as error:
            passed_over[error.message] += 1
    if len(rows) < quota:
        raise UsageError(
            f"{name} gives {len(rows)} usable rows of {len(records)}, and {quota} were asked for.",
            f"Give another source beside it, a smaller --share, or {name}#{len(rows)}.",
        )
    return rows, passed_over


def _row(name: str, messages: Messages) -> dict[str, Any]:
    """Every field of an SFT row, because Arrow fixes a file's columns by its first rows."""
    return {
        "messages": messages,
        "problem_id": "",
        "base_id": "",
        "step": 1,
        "source": name,
        "error_type": "",
        "about": "",
    }


def _places(file: Path) -> "array[int]":
    """Where each row begins."""
    places, at = array("q"), 0
    for _ in read_lines(file, "an SFT file"):
        break
    with file.open("rb") as lines:
        for line in lines:
            if line.strip():
                places.append(at)
            at += len(line)
    if not places:
        raise InputError(f"{file} holds no row.", "Convert a file first: ordebug data convert FILE --out OUT")
    return places


def _messages(file: Path) -> Iterator[Messages]:
    for number, line in read_lines(file):
        row = parse_line(line)
        messages = row.get("messages") if isinstance(row, dict) else None
        if not isinstance(messages, list) or not all(isinstance(turn, dict) for turn in messages):
            raise InputError(
                f"{file}:{number}: a row without messages.", "Convert the file first: ordebug data convert"
            )
        yield messages


def _tokens(rows: Iterator[Messages], count_tokens: CountTokens, total: int) -> int:
    found, batch = 0, list[Messages]()
    for messages in track(rows, total, "tokens counted"):
        batch.append(messages)
        if len(batch) == ROWS_COUNTED_AT_ONCE:
            found, batch = found + count_tokens(batch), []
    return found + count_tokens(batch)


def _write(file: Path, places: "array[int]", texts: Sequence[str], out: Path, seed: int) -> None:
    order = list(range(len(places) + len(texts)))
    random.Random(f"{seed}/order").shuffle(order)
    with file.open("rb") as lines, atomic_text(out) as writer:
        for number in order:
            if number >= len(places):
                writer.write(texts[number - len(places)] + "\n")
                continue
            lines.seek(places[number])
            writer.write(lines.readline().decode("utf-8-sig").strip() + "\n")
