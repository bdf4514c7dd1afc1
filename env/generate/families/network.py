"""Network flow: what flows through each pipe of a network, at the least cost.

What comes into a node leaves it, but for what is fed in or taken out there (protected); pipes have capacities.
"""

import random
from itertools import pairwise

from ordebug.env.generate.builder import Builder, names, tenths
from ordebug.env.generate.draft import Draft
from ordebug.env.generate.scale import Scale

NODES = ("well", "tank", "mill", "farm", "town", "spring", "lake", "plant")
TOPICS = (
    "pump contract",
    "fish passage",
    "meter limit",
    "pressure rule",
    "repair window",
    "neighbor treaty",
    "filter hours",
    "leak reserve",
    "power budget",
    "drought plan",
)


def draw(rng: random.Random, scale: Scale) -> Draft:
    """A network of pipes, each node on a path from the one before."""
    size = rng.choice(scale.variables)
    nodes = names(NODES, max(3, rng.randint(size // 3, min(2 * size // 3, size // 3 + 100))))
    b = Builder(
        rng,
        "network",
        "A utility routes water in megaliters. Minimize pumping cost.",
        maximize=False,
        topics=TOPICS,
        unit="units",
    )
    pipes = _pipes(rng, nodes, size)
    for tail, head in pipes:
        flow = tenths(rng, 0.2, 4)
        b.variable(f"{tail}_{head}", flow, rng.randint(1, 12), upper=b.above(flow))
    for node in nodes:
        into = {f"{t}_{h}": 1.0 for t, h in pipes if h == node}
        b.balance(f"balance of {node}", into | {f"{t}_{h}": -1.0 for t, h in pipes if t == node}, "megaliters")
    _power(b, nodes, pipes)
    b.side_rows(max(2, size // 5))
    return b.draft()


def _pipes(rng: random.Random, nodes: list[str], size: int) -> list[tuple[str, str]]:
    """Pipes from each node to the next, then others between near nodes; none twice, none back."""
    pipes = dict.fromkeys(pairwise(nodes))
    for _ in range(20 * size):
        if len(pipes) >= size:
            break
        tail = rng.randrange(len(nodes) - 1)
        pipes[nodes[tail], nodes[min(len(nodes) - 1, tail + rng.randint(1, 6))]] = None
    return list(pipes)


def _power(b: Builder, nodes: list[str], pipes: list[tuple[str, str]]) -> None:
    """Power for pumping: each node has a limit and so has the whole; a pipe's need stands in both rows."""
    need = {f"{t}_{h}": float(b.rng.randint(1, 9)) for t, h in pipes}
    whole = b.limit("power of the network", need, "megawatts", "<=")
    for node in nodes:
        own = {f"{t}_{h}": need[f"{t}_{h}"] for t, h in pipes if t == node}
        if len(own) > 1:
            row, pipe = b.limit(f"power at {node}", own, "megawatts", "<="), b.rng.choice(sorted(own))
            b.datum(f"power of {pipe}", need[pipe], [(row, pipe), (whole, pipe)])
