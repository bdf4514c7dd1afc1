"""What each framework does otherwise than ms-swift, row by row, as a Markdown table.

python benchmarks/peers/compare.py FOLDER
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

Row = dict[str, list[int]]


def main(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder / "qwen3")
    ours = read(folder / "ms-swift.jsonl")
    names = sorted(path.stem for path in folder.glob("*.jsonl") if path.stem not in ("ms-swift", "rows", "all"))
    print("| framework | rows | same ids | same trained tokens | the first difference, and in how many rows |")
    print("|---|---|---|---|---|")
    for name in names:
        theirs = read(folder / f"{name}.jsonl")
        if len(theirs) != len(ours):
            print(f"| {name} | {len(theirs)} of {len(ours)} | - | - | rows are missing |")
            continue
        ids = sum(a["ids"] == b["ids"] for a, b in zip(ours, theirs, strict=True))
        trained = sum(learned(a) == learned(b) for a, b in zip(ours, theirs, strict=True))
        told = Counter(said for pair in zip(ours, theirs, strict=True) if (said := difference(*pair, tokenizer)))
        print(
            f"| {name} | {len(theirs)} | {ids} | {trained} | {'; '.join(f'{s}: {n}' for s, n in told.most_common(3))} |"
        )


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def learned(row: Row) -> list[int]:
    return [row["ids"][place] for place in row["trained"]]


def difference(ours: Row, theirs: Row, tokenizer: Any) -> str:
    """In words, empty where there is none."""
    told = []
    if ours["ids"] != theirs["ids"]:
        told.append(f"text {between(ours['ids'], theirs['ids'], tokenizer)}")
    if learned(ours) != learned(theirs):
        told.append(f"trained {between(learned(ours), learned(theirs), tokenizer)}")
    return ", ".join(told)


def between(ours: list[int], theirs: list[int], tokenizer: Any) -> str:
    """What stands in one and not in the other, common ends left out."""
    start = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    end = 0
    while end < min(len(ours), len(theirs)) - start and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    mine, other = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
    return f"`{tokenizer.decode(mine)!r}` here, `{tokenizer.decode(other)!r}` there"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
