"""Rows that belong together, and the draw of whole groups into parts."""

import random
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ordebug.converters.row_keys import Digests

Numbers = NDArray[np.int64]


def grouped(keys: Sequence[Digests]) -> Numbers:
    """Each row's group: rows with a key in common are in one, and so are those that a chain of such rows joins.

    Args:
        keys: One digest a row for each kind of key.

    Returns:
        Group numbers from 0; a group comes where the least of its keys does, whatever the order of the rows.
    """
    known, places = np.unique(np.concatenate(keys), return_inverse=True)
    columns = places.reshape(len(keys), -1)
    first = np.tile(columns[0], len(keys) - 1)
    others = columns[1:].ravel()
    graph = coo_array((np.ones(len(first), np.int8), (first, others)), shape=(len(known), len(known)))
    _, component = connected_components(graph, directed=False)
    _, least = np.unique(component, return_index=True)
    number = np.empty(len(least), np.int64)
    number[np.argsort(least)] = np.arange(len(least))
    return np.asarray(number[component[columns[0]]])


def group_types(groups: Numbers, codes: Numbers) -> Numbers:
    """Each group's error type, the most frequent of its rows; of several, the first."""
    kinds = int(codes.max()) + 1
    pairs, counts = np.unique(groups * kinds + codes, return_counts=True)
    order = np.lexsort((pairs % kinds, -counts, pairs // kinds))
    _, first = np.unique(pairs[order] // kinds, return_index=True)
    return np.asarray(pairs[order][first] % kinds)


def drawn(groups: Numbers, codes: Numbers, types: Sequence[str], wanted: Mapping[str, float], seed: int) -> Numbers:
    """Each group's part, as its place in ``wanted``.

    Within an error type the groups come in random order, the largest first; each goes where most rows are lacking.

    Args:
        groups: Each row's group.
        codes: Each row's error type, as its place in ``types``.
        types: Names of the error types.
        wanted: Share of the rows by part.
        seed: What the order of groups of one size depends on.
    """
    sizes, kinds = np.bincount(groups), group_types(groups, codes)
    part_of = np.zeros(len(sizes), np.int64)
    lacking = [0.0] * len(wanted)
    for code, name in enumerate(types):
        own = np.flatnonzero(kinds == code).tolist()
        rows = int(sizes[own].sum())
        lacking = [lack + share * rows for lack, share in zip(lacking, wanted.values(), strict=True)]
        random.Random(f"{seed}/{name}").shuffle(own)
        for group in sorted(own, key=lambda number: -sizes[number]):
            part = lacking.index(max(lacking))
            part_of[group] = part
            lacking[part] -= int(sizes[group])
    return part_of
