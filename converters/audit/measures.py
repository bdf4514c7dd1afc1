"""What is measured over all rows: lengths, actions and types, reasoning templates, and rules that need no reasoning."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ordebug.converters.audit.choices import SAMPLED, SURE, Choice, Rule, patterns, rules, sampled, telltales
from ordebug.converters.audit.finding import EXAMPLES_EACH, Cells, Example, Finding, Table, found
from ordebug.converters.audit.groups import Place
from ordebug.converters.audit.inspection import VERBS
from ordebug.converters.audit.tally import Columns, Tally
from ordebug.env.action import ACTION_SETS, ActionSet

SUFFIX = 2
"""Tokens behind the action that ms-swift adds: the end of the turn and a line feed."""
QUIET = ("GET_IIS", "SUBMIT")
FEW = 10
LEAST_ROWS = 50
"""Below that many rows, few templates or a lucky rule mean nothing."""
ABOVE_CHANCE = 0.15
TEMPLATES_SHOWN = 5
TEMPLATE_SHOWN = 300


def lengths(table: Columns, unit: str) -> Table:
    """Least, median, 95 % and most of prompt, answer and both."""
    parts = {"prompt": table["asked"], "answer": table["answered"], "both": _total(table)}
    rows: tuple[Cells, ...] = tuple((name, *_quantiles(values)) for name, values in parts.items() if len(values))
    note = "As ms-swift encodes a row with its template qwen3." if unit == "tokens" else ""
    return Table("lengths", f"Lengths in {unit}", ("part", "min", "median", "p95", "max"), rows, note)


def too_long(table: Columns, most: int, place: Place) -> Iterator[Finding]:
    """What a longest length would cut."""
    total = _total(table)
    rows = np.flatnonzero(total > most)
    if len(rows):
        examples = tuple(Example(place(table[row]), f"{total[row]} tokens") for row in rows[:EXAMPLES_EACH])
        figures = {
            "max_length": most,
            "loses_action": int((total > most + SUFFIX).sum()),
            "longest": int(total.max()),
        }
        yield found("too_long", len(rows), len(table), examples, figures=figures)


def distribution(title: str, key: str, counts: Counter[str]) -> Table:
    """Rows by action or by type."""
    total = counts.total()
    rows = tuple((name or "not told", count, count / total) for name, count in _ordered(counts))
    return Table(key, title, (key.removesuffix("s"), "rows", "share"), rows)


def unused(tally: Tally, actions: ActionSet) -> Iterator[Finding]:
    """Actions of the set that no row takes."""
    absent = [name for name in ACTION_SETS[actions] if not tally.actions[name]]
    readable = tally.actions.total()
    quiet = [name for name in absent if name in QUIET]
    if quiet and readable:
        figures = {"absent": " or ".join(quiet)}
        yield found("no_get_iis_or_submit", len(quiet), len(QUIET), unit="actions", figures=figures)
    if absent and readable:
        figures = {"unused": ", ".join(absent), "actions": actions}
        yield found("unused_actions", len(absent), len(ACTION_SETS[actions]), unit="actions", figures=figures)


def templates(tally: Tally, table: Columns, place: Place) -> tuple[Table, list[Finding]]:
    """How many thoughts are left when names and numbers are masked, over all and by action."""
    rows = [("all", *_variety(table["thought"]))] if len(table) else []
    for verb in np.unique(table["verb"]):
        rows.append((VERBS[verb] or "no action", *_variety(table["thought"][table["verb"] == verb])))
    findings = []
    if len(table) >= LEAST_ROWS and rows[0][4] < FEW:
        figures = {"distinct": rows[0][2], "effective": rows[0][4], "largest": rows[0][5]}
        examples = _largest(tally, table, place)
        findings.append(found("few_templates", rows[0][2], len(table), examples, unit="thoughts", figures=figures))
    headings = ("action", "rows", "distinct", "entropy_bits", "effective", "largest_share")
    note = "Thoughts with names and numbers masked. Effective: as many equally frequent ones have the same entropy."
    return Table("templates", "Variety of the reasoning", headings, tuple(rows), note), findings


def predictors(tally: Tally, places: Place) -> tuple[Table, list[Finding]]:
    """Rules without algebra, and the leaks that they show."""
    choices = sampled(tally.choices)
    measured = rules(choices) if choices else []
    whole = len(tally.choices) <= SAMPLED
    note = f"Over {len(choices)} rows{'' if whole else ' drawn from all'}; ties count as a fair draw."
    rows = tuple((rule.name, rule.accuracy, rule.with_choice) for rule in measured)
    headings = ("rule", "accuracy", "where_a_choice")
    table = Table("predictors", "The target found without reading any algebra", headings, rows, note)
    return table, [*_name_leak(choices, places), *_rule_leaks(measured, choices)] if choices else []


def _name_leak(choices: list[Choice], place: Place) -> Iterator[Finding]:
    tales = telltales(choices)
    known = {tale.pattern for tale in tales}
    told = sorted(choice.place for choice in choices if known.intersection(patterns(choice.target)))
    if told:
        first = {choice.place: choice.target for choice in choices if choice.place in set(told[:EXAMPLES_EACH])}
        examples = tuple(Example(place(at), first[at]) for at in told[:EXAMPLES_EACH])
        figures = {"patterns": {tale.pattern: {"shown": tale.shown, "target": tale.chosen} for tale in tales[:20]}}
        yield found("name_leak", len(told), len(choices), examples, figures=figures)


def _rule_leaks(measured: list[Rule], choices: list[Choice]) -> Iterator[Finding]:
    """Rules that are right nearly always, and far above chance."""
    right = {rule.name: rule.with_choice or 0.0 for rule in measured}
    chance = right["any of the conflict"]
    open_rows = sum(len(choice.rows) > 1 for choice in choices)
    for name, kind in (
        ("name pattern, learned", "name_rule"),
        ("first of the conflict", ""),
        ("last of the conflict", ""),
    ):
        if open_rows >= LEAST_ROWS and right[name] >= max(SURE, chance + ABOVE_CHANCE):
            figures = {"accuracy": right[name], "chance": chance, "place": name.split()[0]}
            yield found(kind or "place_leak", round(right[name] * open_rows), open_rows, figures=figures)


def _variety(hashes: NDArray[np.uint64]) -> tuple[int, int, float, float, float]:
    """Rows, distinct hashes, entropy in bits, its power of two, and the share of the most frequent one."""
    counts = np.unique(hashes, return_counts=True)[1]
    shares = counts / counts.sum()
    entropy = abs(float(-(shares * np.log2(shares)).sum()))
    return len(hashes), len(counts), entropy, 2**entropy, float(shares.max())


def _largest(tally: Tally, table: Columns, place: Place) -> tuple[Example, ...]:
    """The most frequent thoughts, where they stand first."""
    hashes, first, counts = np.unique(table["thought"], return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))[:TEMPLATES_SHOWN]
    return tuple(
        Example(
            place(table[first[index]]),
            f"{counts[index]} times: {tally.thoughts.get(int(hashes[index]), '')[:TEMPLATE_SHOWN]}",
        )
        for index in order
    )


def _quantiles(values: NDArray[np.int64]) -> tuple[int, ...]:
    found = np.quantile(values, [0, 0.5, 0.95, 1], method="inverted_cdf")
    return tuple(int(value) for value in found)


def _total(table: Columns) -> NDArray[np.int64]:
    total: NDArray[np.int64] = table["asked"].astype(np.int64) + table["answered"]
    return total


def _ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
