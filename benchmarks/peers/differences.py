"""Where the frameworks' tokens differ from ms-swift's, as a table in Markdown.

python benchmarks/peers/differences.py WORK

Of each case and framework: rows whose token ids are equal, rows that train the same tokens, and the most frequent
difference as text, ms-swift's first.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

OURS = "ms-swift.jsonl"
SHOWN = 40
Row = dict[str, list[int]]


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def middle(left: list[int], right: list[int]) -> tuple[list[int], list[int]]:
    """What is left of two lists without their common beginning and end."""
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    return left[start : len(left) - end], right[start : len(right) - end]


def targets(row: Row) -> list[int]:
    return [token for token, trained in zip(row["ids"], row["trained"], strict=True) if trained]


def stretches(left: Row, right: Row) -> list[list[int]]:
    """The tokens that only ``left`` trains, a list for each stretch; the ids of both are equal."""
    found: list[list[int]] = [[]]
    for token, ours, theirs in zip(left["ids"], left["trained"], right["trained"], strict=True):
        if ours > theirs:
            found[-1].append(token)
        elif found[-1]:
            found.append([])
    return [tokens for tokens in found if tokens]


def told(tokenizer: Any, parts: list[list[int]]) -> str:
    texts = []
    for tokens in parts:
        text = tokenizer.decode(tokens)
        text = text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 2 :]}"
        texts.append(f"`{text!r}`".replace("|", "\\|"))
    return " and ".join(texts) or "nothing"


def trained_difference(tokenizer: Any, left: Row, right: Row) -> str:
    if left["ids"] == right["ids"]:
        return f"{told(tokenizer, stretches(left, right))} / {told(tokenizer, stretches(right, left))}"
    ours, theirs = middle(targets(left), targets(right))
    return f"{told(tokenizer, [ours])} / {told(tokenizer, [theirs])}"


def id_difference(tokenizer: Any, left: Row, right: Row) -> str:
    ours, theirs = middle(left["ids"], right["ids"])
    return f"{told(tokenizer, [ours])} / {told(tokenizer, [theirs])}"


def line(tokenizer: Any, ours: list[Row], theirs: list[Row]) -> str:
    if len(ours) != len(theirs):
        return f"{len(theirs)} rows of {len(ours)} | | | |"
    pairs = list(zip(ours, theirs, strict=True))
    same_ids = sum(left["ids"] == right["ids"] for left, right in pairs)
    same_targets = sum(targets(left) == targets(right) for left, right in pairs)
    same = sum(left == right for left, right in pairs)
    ids = most(id_difference(tokenizer, *pair) for pair in pairs if pair[0]["ids"] != pair[1]["ids"])
    trained = most(trained_difference(tokenizer, *pair) for pair in pairs if targets(pair[0]) != targets(pair[1]))
    return f"{same_ids} | {same_targets} | {same} | {ids} | {trained}"


def most(texts: Iterator[str]) -> str:
    (text, count), *_ = Counter(texts).most_common(1) or [("", 0)]
    return f"{text} ({count} rows)" if count else ""


def main() -> None:
    work = Path(sys.argv[1])
    tokenizer = AutoTokenizer.from_pretrained(work / "model")
    print(
        "| rows | framework | equal ids | equal trained tokens | both | ids: ms-swift / it | trained: ms-swift / it |"
    )
    print("|---|---|---|---|---|---|---|")
    for case in ("thought", "empty", "bare", "chat"):
        ours = read(work / case / OURS)
        for path in sorted((work / case).glob("*.jsonl")):
            if path.name not in (OURS, "rows.jsonl"):
                print(f"| {case} | {path.stem} | {line(tokenizer, ours, read(path))} |")


if __name__ == "__main__":
    main()
