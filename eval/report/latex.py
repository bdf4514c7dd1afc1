"""A run beside its anchors as a LaTeX table for a paper, with the booktabs package."""

from collections.abc import Sequence
from pathlib import Path

from ordebug.core.jsonl import atomic_text
from ordebug.eval.report.rows import HEADLINE, Cell, Metrics, policy_rows, verdict
from ordebug.eval.run_folder import RunFolder

COLUMNS = ("rr_at_1", "rr_at_5", "root_cause_at_1", "op", "equivalent", "action_valid")
TITLES = HEADLINE | {"equivalent": "equivalent"}
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


def latex_table(runs: Sequence[RunFolder]) -> str:
    """Each run in bold above its anchors; what none of them measured has no column.

    Raises:
        InputError: If a run was not finished.
    """
    metrics = [run.read_metrics() for run in runs]
    shown = [name for name in COLUMNS if any(cells[name]["n"] for found in metrics for cells in _cells(found))]
    lines = [
        r"\begin{tabular}{l" + "r" * len(shown) + "}",
        r"\toprule",
        " & ".join(["", *(escaped(TITLES[name]) for name in shown)]) + r" \\",
    ]
    for run, found in zip(runs, metrics, strict=True):
        lines.append(r"\midrule")
        for place, (name, cells) in enumerate(policy_rows(run.name, found)):
            label = escaped(name) if place else rf"\textbf{{{escaped(name)}}}"
            lines.append(" & ".join([label, *(_cell(cells.get(key)) for key in shown)]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*_comments(runs, metrics), *lines]) + "\n"


def escaped(text: str) -> str:
    """A text in which nothing is a command to LaTeX, nor ends its line."""
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def write_latex(runs: Sequence[RunFolder], file: Path) -> None:
    """Writes the table."""
    with atomic_text(file) as out:
        out.write(latex_table(runs))


def _cells(found: Metrics) -> list[dict[str, Cell]]:
    return [found["overall"], *found["anchors"].values()]


def _comments(runs: Sequence[RunFolder], metrics: Sequence[Metrics]) -> list[str]:
    """What a reader of the source must know; a comment, so that it is not lost between files."""
    lines = ["% 95 % intervals in brackets, bootstrap clustered by clean model. Needs \\usepackage{booktabs}."]
    for run, found in zip(runs, metrics, strict=True):
        name = " ".join(run.name.split())
        lines.append(f"% {name}: {found['problems']} problems, metrics version {found['version']}. {verdict(found)}")
    return lines


def _cell(cell: Cell | None) -> str:
    if cell is None or cell["value"] is None:
        return "--"
    interval = "" if cell["low"] is None else rf" {{\scriptsize [{cell['low']:.2f}, {cell['high']:.2f}]}}"
    return f"{cell['value']:.3f}{interval}"
