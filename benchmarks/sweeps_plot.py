"""The sweeps' figures: root-cause@1 with its 95 % interval by seed, the best anchor and the given model as lines.

python benchmarks/sweeps_plot.py docs/sweeps/results.jsonl docs/sweeps

Writes a PNG a sweep and prints the tables of docs/sweeps.md.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
from sweeps import BATCH, SWEEPS, Cell, read

mpl.use("Agg")
import matplotlib.pyplot as plt

FIGURE = "root_cause_at_1"
LABELS: dict[str, tuple[str, Callable[[Cell], str]]] = {
    "rate": ("learning rate", lambda cell: f"{cell.rate:g}"),
    "rows": ("training rows, equal steps", lambda cell: f"{cell.rows}"),
    "epochs": ("passes over 400 rows", lambda cell: f"{cell.steps * BATCH // cell.rows}"),
    "thought": (
        "thought in the rows, and asked for when it plays",
        lambda cell: f"{cell.thought}, {'asked for' if cell.asked else 'not asked'}",
    ),
    "rank": (
        "LoRA rank (all at one rate), and full training",
        lambda cell: f"{cell.rank}" if cell.rank else "full",
    ),
}


def points(name: str, lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The sweep's lines by label, its seeds together."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in SWEEPS[name]:
        of_cell = [line for line in lines if replace(Cell(**line["cell"]), seed=cell.seed) == cell]
        if of_cell:
            found[LABELS[name][1](cell)] = of_cell
    return found


def best_anchor(line: dict[str, Any]) -> tuple[str, float]:
    return max(line["anchors"].items(), key=lambda item: item[1])


def draw(name: str, found: dict[str, list[dict[str, Any]]], given: float, out: Path) -> None:
    figure, axes = plt.subplots(figsize=(4.6, 2.9), dpi=110)
    for place, lines in enumerate(found.values()):
        for number, line in enumerate(lines):
            share = line["figures"][FIGURE]
            value, x = share["value"], place + 0.12 * (number - (len(lines) - 1) / 2)
            ends = [[value - share["low"]], [share["high"] - value]]
            axes.errorbar(x, value, yerr=ends, fmt="o", color=f"C{number}", capsize=3, markersize=4)
    anchor, height = best_anchor(next(iter(found.values()))[0])
    for text, level, style in ((f"best anchor: {anchor}", height, "--"), ("before", given, ":")):
        axes.axhline(level, color="grey", linestyle=style, linewidth=1)
        axes.text(0.0, level + 0.01, text, color="grey", fontsize=7, transform=axes.get_yaxis_transform())
    axes.set_xticks(range(len(found)), list(found), fontsize=8)
    axes.set_xlabel(LABELS[name][0], fontsize=9)
    axes.set_ylabel("root-cause@1", fontsize=9)
    axes.set_ylim(0.3, 0.9)
    axes.set_xlim(-0.5, len(found) - 0.5)
    figure.tight_layout()
    figure.savefig(out / f"{name}.png", metadata={"Software": None})
    plt.close(figure)


def table(name: str, found: dict[str, list[dict[str, Any]]]) -> str:
    """A row a value, its seeds beside each other."""
    head = f"| {LABELS[name][0]} | root-cause@1, each seed | action valid | thought valid | training loss |"
    rows = [
        f"| {label} | {_all(lines, FIGURE)} | {_mean(lines, 'action_valid')} | {_mean(lines, 'think_valid')} "
        f"| {', '.join(format(line['training_loss'], '.3f') for line in lines)} |"
        for label, lines in found.items()
    ]
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def _all(lines: list[dict[str, Any]], figure: str) -> str:
    return ", ".join(_share(line, figure) for line in lines)


def _mean(lines: list[dict[str, Any]], figure: str) -> str:
    return f"{sum(line['figures'][figure]['value'] for line in lines) / len(lines):.2f}"


def _share(line: dict[str, Any], figure: str) -> str:
    found = line["figures"][figure]
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


def main() -> None:
    results, out = Path(sys.argv[1]), Path(sys.argv[2])
    lines = read(results)
    [given, *_] = (line["figures"][FIGURE]["value"] for line in lines if not line["cell"]["steps"])
    print(f"before: {given:.2f}")
    for name in LABELS:
        found = points(name, lines)
        if found:
            draw(name, found, given, out)
            print(f"\n{name}\n\n{table(name, found)}")


if __name__ == "__main__":
    main()
