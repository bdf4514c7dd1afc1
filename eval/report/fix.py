"""What became of a person's model, in a terminal and in plain words."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from ordebug.env.difference import told
from ordebug.env.episode import Step
from ordebug.env.renderer import number_shown, safe, shown_name
from ordebug.env.reply import split_think
from ordebug.env.solvers.elastic import Violation
from ordebug.eval.fix.repair import Fixed

SIDES = {"row": "row {}", "lower": "the lower bound of {}", "upper": "the upper bound of {}"}
INDENT = "  "


def print_step(number: int, step: Step, console: Console) -> None:
    """Prints a step as it happens: the thought, then the action and what the solver says."""
    thought, _, _ = split_think(step.reply)
    for line in (thought or "").strip().splitlines():
        _say(console, f"{INDENT * 2}{safe(line)}", "dim")
    action = step.action or "(no action)"
    _say(console, f"{INDENT}{number}. {safe(action)}: {step.outcome}, then {step.status.lower()}")


def print_fixed(model: str, found: Fixed, meanings: Mapping[str, str], console: Console) -> None:
    """Prints the verdict, the diff in words, and what the repair costs beside the cheapest one."""
    for line in fixed_lines(model, found, meanings):
        _say(console, line, "bold" if not line.startswith(" ") else "")


def fixed_lines(model: str, found: Fixed, meanings: Mapping[str, str]) -> list[str]:
    """The same as lines; an indented one belongs to the one above."""
    if found.outcome == "nothing_to_do":
        return [f"{model} is feasible, optimum {number_shown(found.objective or 0.0)}: there is nothing to repair."]
    if found.before == "UNBOUNDED":
        return [f"{model} is unbounded: no row conflicts with another, so no repair of conflicts helps."]
    if found.outcome == "not_repaired":
        return [f"{model} is NOT repaired.", *_why_not(found), *_cheapest(found, meanings)]
    return [
        f"{model} is repaired, optimum {number_shown(found.objective or 0.0)}.",
        *(f"{INDENT}{safe(told(change, meanings.get(change.name, '')))}" for change in found.changes),
        *_cost(found),
        *_cheapest(found, meanings),
        f"Written to {found.written}, read again and solved.",
        f"{INDENT}Feasible is not the same as right: see whether each change is what you mean.",
    ]


def _why_not(found: Fixed) -> list[str]:
    return [
        f"{INDENT}attempt {number}: {len(episode.steps)} steps, ended by {episode.stop}, "
        f"{episode.steps[-1].status.lower()} at the end"
        for number, episode in enumerate(found.attempts, start=1)
        if episode.steps
    ]


def _cost(found: Fixed) -> list[str]:
    quality = found.quality
    if quality is None or quality.touched is None:
        return []
    fewest = "" if quality.fewest is None else f"; the fewest possible {quality.fewest}"
    lines = [f"{INDENT}rows and variables changed: {quality.touched}{fewest}"]
    if quality.violation is not None and quality.least:
        lines.append(f"{INDENT}limits broken by {quality.violation / quality.least:.2f} times the least possible")
    return lines


def _cheapest(found: Fixed, meanings: Mapping[str, str]) -> list[str]:
    if found.cheapest is None:
        return []
    fewest, least = found.cheapest.fewest, found.cheapest.least
    if fewest is None or least is None:
        return [f"{INDENT}No relaxation helps: the protected rows and what cannot be relaxed have no solution."]
    lines = ["What the solver alone would relax:"]
    lines.append(f"{INDENT}fewest limits: {_relaxed(fewest, meanings)}")
    return (
        [*lines, f"{INDENT}least in all, each limit by its own scale: {_relaxed(least, meanings)}"]
        if least != fewest
        else lines
    )


def _relaxed(violations: Sequence[Violation], meanings: Mapping[str, str]) -> str:
    return "; ".join(
        f"{SIDES[violation.kind].format(safe(shown_name(violation.name)))}{_meant(violation.name, meanings)} "
        f"by {number_shown(round(violation.amount, 6))}"
        for violation in violations
    )


def _meant(name: str, meanings: Mapping[str, str]) -> str:
    return f" ({safe(meanings[name])})" if name in meanings else ""


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(line, markup=False, highlight=False, style=style or None, soft_wrap=True)
