"""Time and peak memory of converting an Alpaca file, and of the same rows ten times over.

python benchmarks/convert.py FILE
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def rows_of(path: Path) -> list[dict[str, object]]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return document["data"] if isinstance(document, dict) else document


def convert(path: Path, out: Path) -> tuple[float, float]:
    """Seconds and peak MiB of one ``ordebug data convert`` in a process of its own."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    ordebug = str(Path(sys.executable).with_name("ordebug"))
    command = [ordebug, "data", "convert", str(path), "--from", "alpaca", "--out", str(out)]
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program, *command], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, float(done.stdout)


def main() -> None:
    source = Path(sys.argv[1])
    rows = rows_of(source)
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.json"
        large.write_text(json.dumps(rows * 10), encoding="utf-8")
        for name, path, count in (("file", source, len(rows)), ("ten times", large, 10 * len(rows))):
            seconds, peak = convert(path, Path(folder) / "out.jsonl")
            print(f"{name}: {count} rows, {seconds:.2f} s, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
