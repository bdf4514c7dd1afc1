"""Rows a second and peak memory of the data commands on many rows; each command is a process of its own.

python benchmarks/scale.py --rows 1000000 --folder DIR    # 5 GB of disk for a million, freed afterwards
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ORDEBUG = str(Path(sys.executable).with_name("ordebug"))
STORIES = ("A joinery plans a week.", "A city picks projects.", "A mill mixes feed.", "A depot ships goods.")
THINGS = ("saw", "truck", "steel", "press", "oven", "lorry", "paint", "crew", "dock", "mixer", "kiln", "crane")
UNITS = ("hours", "loads", "kilograms", "pieces")
SENSES = (("at most", "<="), ("at least", ">="), ("exactly", "="))


def rows(count: int, seed: int = 0) -> Iterator[dict[str, object]]:
    """Alpaca rows like those of generated problems: a story, a line for each row, a conflict; no two alike."""
    draw = random.Random(seed)
    for number in range(count):
        names = draw.sample(THINGS, draw.randint(4, 10))
        lines, conflict = [draw.choice(STORIES)], []
        for name in names:
            words, sign = draw.choice(SENSES)
            terms = [f"{draw.randint(1, 30)} x{draw.randint(1, 20)}" for _ in range(draw.randint(2, 5))]
            limit = draw.randint(10, 900)
            lines.append(
                f"{name}: {words} {limit} {draw.choice(UNITS)}; {', '.join(t.replace(' ', ' per ') for t in terms)}"
            )
            conflict.append(f"{name}: {' + '.join(terms)} {sign} {limit}")
        shown = [f"({place}) {text}" for place, text in enumerate(conflict[:3], start=1)]
        text = "\n".join([*lines, "Status: INFEASIBLE", "IIS rows:", *shown, f"Other rows: {', '.join(names[3:])}"])
        thought = "\n".join(f"({place}) {name}: as written, fine" for place, name in enumerate(names[:3], start=1))
        yield {
            "instruction": "Repair the model.",
            "input": f"ID: p{number}\n{text}\nSteps left: 20",
            "output": f"<think>\n{thought}\n</think>\n\nAction: DROP_CONSTRAINT({names[0]})",
            "metadata": {
                "problem_id": f"p{number}",
                "base_id": f"b{number // 3}",
                "error_type": draw.choice("ABCDEFGHI"),
            },
        }


def tree_bytes(root: int) -> int:
    """Resident memory of a process and all below it, shared pages counted in each."""
    parents, sizes = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)], sizes[int(stat.parent.name)] = int(fields[1]), int(fields[21]) * 4096
    family, found = {root}, True
    while found:
        found = {child for child, parent in parents.items() if parent in family} - family
        family |= found
    return sum(sizes.get(process, 0) for process in family)


def measured(words: list[str], count: int) -> None:
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen([ORDEBUG, "data", *words], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, tree_bytes(process.pid))
        time.sleep(0.1)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"data {' '.join(words)}: exit status {process.returncode}")
    print(
        f"data {words[0]}: {seconds:.0f} s, {count / seconds:.0f} rows a second, peak {peak / 2**20:.0f} MiB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows(given.rows))
        print(f"{given.rows} rows, {(folder / 'rows.jsonl').stat().st_size / 2**20:.0f} MiB", flush=True)
        measured(["convert", str(folder / "rows.jsonl"), "--out", str(folder / "sft.jsonl")], given.rows)
        (folder / "rows.jsonl").unlink()
        measured(["split", str(folder / "sft.jsonl"), "--out", str(folder / "parts")], given.rows)
        print((folder / "parts" / "manifest.json").read_text().partition('"asked"')[2])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
