"""Result files of ``swift infer``: each row found by what it carries, never by its place.

A row says which problem it answers in its columns ``problem_id`` and ``sample`` (only with ``--remove_unused_columns
false``, which the transformers backend of ms-swift 4.6.0 cannot run with: it hands the columns to ``generate``), or in
``labels``: swift takes the last assistant turn off a prompt and gives it back there, whatever the backend. Where a row
has neither, its prompt tells, if no other problem has the same.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordebug.core.errors import InputError, UsageError
from ordebug.core.jsonl import Row, read_rows
from ordebug.env.renderer import Message, messages_sha256
from ordebug.env.reply import END_TOKENS
from ordebug.eval.attempt import PolicyReply
from ordebug.eval.run_folder import Key

NAMED_AT_MOST = 5


@dataclass(frozen=True)
class ResultRow:
    """One reply of a result file.

    Attributes:
        reply: The text; where ``--logprobs true`` was given its tokens, and whether the limit cut it off.
        prompt_sha256: Digest of the messages it answers.
    """

    reply: PolicyReply
    prompt_sha256: str | None


def carrier(key: Key) -> Message:
    """The assistant turn that carries a key through ``swift infer``; it never reaches the model."""
    problem_id, sample = key
    content = json.dumps({"problem_id": problem_id, "sample": sample}, ensure_ascii=False)
    return {"role": "assistant", "content": content}


def read_result(
    path: Path,
    wanted: Collection[Key] | None = None,
    *,
    others: Collection[Key] = (),
    max_new_tokens: int | None = None,
    prompts: Callable[[], Mapping[str, Key]] = dict,
) -> dict[Key, ResultRow]:
    """The replies by problem and sample.

    Args:
        path: What ``swift infer`` wrote.
        wanted: What must be there, once each; None takes whatever is there.
        others: What may be there too and is left out; anything else is refused.
        max_new_tokens: The limit of replies, where it is known.
        prompts: Gives the key of each prompt by its digest; asked only where a row does not say what it answers.

    Raises:
        UsageError: If the rows do not say which problem they answer.
        InputError: If one is missing, double, unknown or unreadable.
    """
    rows: dict[Key, ResultRow] = {}
    by_prompt: Mapping[str, Key] | None = None
    for number, row in read_rows(path, "a result file of swift infer"):
        place = f"{path}:{number}"
        found, key = _result_row(row, place, max_new_tokens), _key(row)
        if key is None:
            by_prompt = prompts() if by_prompt is None else by_prompt
            key = _key_of_prompt(found, by_prompt, place)
        if key in rows:
            raise InputError(
                f"{place}: a second reply for {_named(key)}.",
                "swift infer appends to a file that exists: delete the file and run it again.",
            )
        rows[key] = found
    if wanted is None:
        return rows
    _check_complete(path, rows, wanted, others)
    return {key: rows[key] for key in wanted}


def _check_complete(
    path: Path, rows: Mapping[Key, ResultRow], wanted: Collection[Key], others: Collection[Key]
) -> None:
    missing = [key for key in wanted if key not in rows]
    if missing:
        raise InputError(
            f"{path}: no reply for {_list(missing)} ({len(missing)} of {len(wanted)} missing).",
            "Run swift infer on the whole set again, or leave problems out of the set (--limit draws some of it).",
        )
    known = {*wanted, *others}
    unknown = [key for key in rows if key not in known]
    if unknown:
        raise InputError(f"{path}: replies for {_list(unknown)}, which were not asked.", "Give the set they come from.")


def _key(row: Row) -> Key | None:
    """What a row says it answers: in its columns, else in its label."""
    return _key_in(row) or _key_in(_label(row))


def _key_in(said: Row) -> Key | None:
    problem_id, sample = said.get("problem_id"), said.get("sample")
    return (problem_id, sample if isinstance(sample, int) else 0) if isinstance(problem_id, str) else None


def _label(row: Row) -> Row:
    try:
        label = json.loads(row.get("labels") or "")
    except (TypeError, ValueError, RecursionError):
        return {}
    return label if isinstance(label, dict) else {}


def _key_of_prompt(row: ResultRow, by_prompt: Mapping[str, Key], place: str) -> Key:
    key = by_prompt.get(row.prompt_sha256 or "")
    if key is None:
        raise UsageError(
            f"{place}: no problem_id, and no single problem has this prompt, so nobody knows what the reply answers.",
            "With vLLM give swift infer --remove_unused_columns false and rows with a problem_id. With transformers, "
            "which cannot run with that, give the --profile, --actions and --max-steps the prompts were made with.",
        )
    return key


def _result_row(row: Row, place: str, max_new_tokens: int | None) -> ResultRow:
    text = row.get("response")
    if not isinstance(text, str):
        raise InputError(f"{place}: 'response' is not a text.", "Give the file that swift infer wrote.")
    tokens = _tokens(row.get("logprobs"))
    count = None if tokens is None else len(tokens)
    reply = PolicyReply(text, count, tokens is not None and _cut_off(tokens, max_new_tokens))
    return ResultRow(reply, _prompt_sha256(row.get("messages")))


def _tokens(logprobs: Any) -> list[Any] | None:
    """A reply's tokens, the one that ends it among them: ``{"content": [{"token": ...}, ...]}`` with every backend."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return content if isinstance(content, list) else None


def _cut_off(tokens: list[Any], limit: int | None) -> bool:
    """Whether a reply has all the tokens it was allowed and does not end there by itself."""
    if limit is None or len(tokens) < limit:
        return False
    last = tokens[-1] if tokens else None
    return not (isinstance(last, dict) and last.get("token") in END_TOKENS)


def _prompt_sha256(messages: Any) -> str | None:
    """Digest of the messages without the reply that swift infer appends."""
    if not isinstance(messages, list):
        return None
    prompt: list[Message] = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            return None
        prompt.append({"role": str(message.get("role")), "content": message["content"]})
    if prompt and prompt[-1]["role"] == "assistant":
        prompt.pop()
    return messages_sha256(prompt)


def _list(keys: Collection[Key]) -> str:
    named = ", ".join(_named(key) for key in list(keys)[:NAMED_AT_MOST])
    return f"{named} and {len(keys) - NAMED_AT_MOST} more" if len(keys) > NAMED_AT_MOST else named


def _named(key: Key) -> str:
    problem_id, sample = key
    return f"{problem_id!r}, sample {sample}" if sample else repr(problem_id)
