"""Rows a second and peak memory of ``ordebug data audit`` on many rows, varied from those of an SFT file.

python benchmarks/audit.py SFT.jsonl [ROWS [WORKERS]]
"""

import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAME_NUMBER = re.compile(r"(?<=[A-Za-z_])\d{1,6}")


def vary(source: Path, rows: int, out: Path) -> None:
    """Writes so many rows: the source's again and again, each time with other numbers in the names."""
    lines = [json.dumps(json.loads(line), ensure_ascii=False) for line in source.read_text("utf-8").splitlines()]
    with out.open("w", encoding="utf-8") as file:
        for index, line in enumerate(itertools.islice(itertools.cycle(lines), rows)):
            turn = index // len(lines)
            file.write(NAME_NUMBER.sub(lambda number, turn=turn: str(int(number[0]) + turn), line) + "\n")


def audit(path: Path, workers: int) -> tuple[float, float, dict[str, object]]:
    """Seconds, peak MiB of all processes together, and the audit, of a command in a process of its own."""
    ordebug = str(Path(sys.executable).with_name("ordebug"))
    command = [ordebug, "data", "audit", str(path), "--actions", "extended", "--json", "--workers", str(workers)]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(command, stdout=told)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - start
        told.seek(0)
        return seconds, peak, json.load(told)


def memory(pid: int) -> float:
    """MiB that a process and its children hold now; a page that they share counts once for each."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = re.search(r"VmRSS:\s+(\d+)", status)
    return (int(own[1]) / 1024 if own else 0.0) + sum(memory(int(child)) for child in children)


def main() -> None:
    source = Path(sys.argv[1])
    rows, workers = (int(word) for word in (*sys.argv[2:], *("100000", "2")[len(sys.argv) - 2 :]))
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        path = Path(folder) / "rows.jsonl"
        vary(source, rows, path)
        size = path.stat().st_size / 1e6
        seconds, peak, told = audit(path, workers)
        print(
            f"{told['rows']} rows ({size:.0f} MB), {workers} workers: {seconds:.1f} s, {rows / seconds:.0f} rows/s, "
            f"peak {peak:.0f} MiB"
        )


if __name__ == "__main__":
    main()
