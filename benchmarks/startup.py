"""How long ``ordebug --help`` takes, as a multiple of a bare interpreter that imports typer and rich.

python benchmarks/startup.py
"""

import subprocess
import sys
import time
from pathlib import Path

RUNS = 15


def best(command: list[str]) -> float:
    """Shortest wall-clock seconds of several runs; the shortest is the least disturbed."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    bare = best([sys.executable, "-c", "import typer, rich.console"])
    command = best([str(Path(sys.executable).with_name("ordebug")), "--help"])
    print(f"bare {bare:.3f} s, ordebug --help {command:.3f} s, ratio {command / bare:.2f}")


if __name__ == "__main__":
    main()
