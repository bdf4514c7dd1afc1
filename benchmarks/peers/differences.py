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


def runs(row: Row) -> list[list[int]]:
    """The trained tokens, a list for each stretch."""
    found: list[list[int]] = []
    before = 0
    for token, trained in zip(row["ids"], row["trained"], strict=True):
        if trained and not before:
            found.append([])
        if trained:
            found[-1].append(token)
        before = trained
    return found


def targets(row: Row) -> list[int]:
    return [token for run in runs(row) for token in run]


def told(tokenizer: Any, pair: tuple[list[int], list[int]]) -> str:
    texts = []
    for tokens in pair:
        text = tokenizer.decode(tokens)
        text = text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 2 :]}"
        texts.append(f"`{text!r}`".replace("|", "\\|"))
    return f"{texts[0]} / {texts[1]}"


def line(tokenizer: Any, ours: list[Row], theirs: list[Row]) -> str:
    if len(ours) != len(theirs):
        return f"{len(theirs)} rows of {len(ours)} | | | "
    pairs = list(zip(ours, theirs, strict=True))
    same_ids = sum(left["ids"] == right["ids"] for left, right in pairs)
    same = sum(left == right for left, right in pairs)
    same_targets = sum(targets(left) == targets(right) for left, right in pairs)
    ids = most(
        told(tokenizer, middle(left["ids"], right["ids"])) for left, right in pairs if left["ids"] != right["ids"]
    )
    trained = most(
        told(tokenizer, middle(targets(left), targets(right)))
        for left, right in pairs
        if targets(left) != targets(right)
    )
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
