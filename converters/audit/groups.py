"""Rows that are alike: copies, inputs that are equal, and what training can reach where their actions differ."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ordebug.converters.audit.catalogue import Severity
from ordebug.converters.audit.finding import EXAMPLES_EACH, Example, Finding, found
from ordebug.converters.audit.tally import Columns

Place = Callable[[np.void | tuple[int, int]], str]
Indices = NDArray[np.int64]
ACCEPTED = 0.95
"""Conflicting actions are an error where they keep training below this accuracy."""


def copies(table: Columns, place: Place) -> Iterator[Finding]:
    """Rows that an earlier one equals, and prompts that equal another problem's when masked."""
    yield from _duplicates(table, place)
    yield from _near_duplicates(table, place)


def conflicts(table: Columns, place: Place) -> Iterator[Finding]:
    """Equal inputs with different actions."""
    inputs, first, of_row = np.unique(table["prompt"], return_index=True, return_inverse=True)
    kinds = _distinct(of_row, table["action"], len(inputs))
    shared = int((np.bincount(of_row, minlength=len(inputs)) > 1).sum())
    apart = np.flatnonzero(kinds > 1)
    best = majority(table["prompt"], table["action"])
    without_id = majority(table["bare"], table["action"])
    if not len(apart) and without_id == 1:
        return
    chosen = np.sort(first[apart])[:EXAMPLES_EACH]
    examples = tuple(_differing(table, int(row), place) for row in chosen)
    figures = {
        "rows_in_them": int(np.isin(of_row, apart).sum()),
        "identical_inputs": shared,
        "best_accuracy": best,
        "best_without_id": without_id,
    }
    severity: Severity = "error" if min(best, without_id) < ACCEPTED else "warning"
    yield found(
        "conflicting_actions", len(apart), len(inputs), examples, unit="inputs", figures=figures, severity=severity
    )


def majority(inputs: NDArray[np.uint64], actions: NDArray[np.uint64]) -> float:
    """The best accuracy of an answer that depends on the input alone: sum of the majorities over the rows."""
    if not len(inputs):
        return 1.0
    pairs, counts = np.unique(np.stack([inputs, actions], axis=1), axis=0, return_counts=True)
    starts = np.flatnonzero(np.r_[True, pairs[1:, 0] != pairs[:-1, 0]])
    return float(np.maximum.reduceat(counts, starts).sum() / len(inputs))


def _duplicates(table: Columns, place: Place) -> Iterator[Finding]:
    pairs, first, of_row = np.unique(table["pair"], return_index=True, return_inverse=True)
    again = np.flatnonzero(first[of_row] != np.arange(len(table)))
    if len(again):
        examples = tuple(
            Example(place(table[row]), f"as {place(table[first[of_row[row]]])}") for row in again[:EXAMPLES_EACH]
        )
        yield found("duplicate", len(again), len(table), examples, figures={"distinct": len(pairs)})


def _near_duplicates(table: Columns, place: Place) -> Iterator[Finding]:
    texts, first, of_row = np.unique(table["masked"], return_index=True, return_inverse=True)
    near = np.flatnonzero(_distinct(of_row, table["problem"], len(texts))[of_row] > 1)
    if len(near):
        later = near[first[of_row[near]] != near][:EXAMPLES_EACH]
        examples = tuple(Example(place(table[row]), f"like {place(table[first[of_row[row]]])}") for row in later)
        yield found("near_duplicate", len(near), len(table), examples, figures={"distinct": len(texts)})


def _distinct(group: Indices, values: NDArray[np.uint64], groups: int) -> Indices:
    """How many distinct values each group has."""
    pairs = np.unique(np.stack([group.astype(np.uint64), values], axis=1), axis=0)
    return np.bincount(pairs[:, 0].astype(np.int64), minlength=groups)


def _differing(table: Columns, row: int, place: Place) -> Example:
    """The first row of an input, with the first that answers otherwise."""
    other = (table["prompt"] == table[row]["prompt"]) & (table["action"] != table[row]["action"])
    return Example(place(table[row]), f"otherwise {place(table[np.flatnonzero(other)[0]])}")
