"""The anchors on the public problems, beside the figures that were published or measured before.

python benchmarks/anchors_public.py [--problems DIR] [--limit N] [--workers N]
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from ordebug.env.policies import ANCHORS
from ordebug.env.repair_env import Rules
from ordebug.eval.attempt import Setting
from ordebug.eval.rollout import Rollout, rollout

BENCH = Path(os.environ.get("ORDEBUG_PUBLIC_BENCH", Path(__file__).parents[2] / "shared" / "public_bench"))
PUBLIC = BENCH / "problems" / "full"
KNOWN: dict[str, dict[str, float]] = {
    "drop-first": {"rr_at_5": 0.999, "rr_at_1": 0.898, "op": 0.981, "da_published": 0.512, "steps": 1.12},
    "drop-random": {"rr_at_5": 1.0, "op": 0.961, "steps": 1.03},
    "drop-last": {"rr_at_5": 1.0, "op": 0.878, "steps": 1.04},
    "random": {"rr_at_5": 0.438, "da_published": 0.356, "steps": 5.04},
    "relax-big": {"rr_at_5": 0.999, "op": 0.981, "steps": 1.12},
}
"""``facts/domain.md`` section 1, all 4,162 problems; random draws other actions there, and its episodes end later."""
BY_TYPE: dict[str, dict[str, float]] = {
    "feasrelax-l1": {"A": 0.542},
    "feasrelax-l0": {"A": 0.97, "B": 0.97, "C": 1.0, "D": 1.0},
    "oracle": {"A": 1.0, "B": 0.968, "C": 1.0, "D": 1.0},
}
SHOWN = ("rr_at_1", "rr_at_5", "op", "da_published", "steps")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=Path, default=PUBLIC)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting("seed", Rules("compat"))
        metrics = rollout(
            Rollout("oracle", given.problems, Path(folder), setting, limit=given.limit, workers=given.workers)
        )
    known, by_type = (KNOWN, BY_TYPE) if given.problems.name == PUBLIC.name else ({}, {})
    print(f"{metrics['problems']} problems, {metrics['errors']} errors; measured (published)")
    for name in ANCHORS:
        print(f"{name:13}", *(told(metrics["anchors"][name][key], known.get(name, {}).get(key), key) for key in SHOWN))
    print("\nOP by type")
    for name in ANCHORS:
        cells = metrics["anchors_by_type"][name]
        print(f"{name:13}", *(told(cells[kind]["op"], by_type.get(name, {}).get(kind), kind) for kind in cells))


def told(cell: dict[str, Any], known: float | None, name: str) -> str:
    value = "-" if cell["value"] is None else f"{cell['value']:.3f}"
    return f"{name} {value} ({'-' if known is None else f'{known:.3f}'})".ljust(28)


if __name__ == "__main__":
    main()
