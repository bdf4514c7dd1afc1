"""The groups that GRPO would draw: the samples of one problem, and how often they would all end alike."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ordebug.eval.metrics import Case, passed


@dataclass(frozen=True)
class Group:
    """The scored samples of one problem.

    Attributes:
        cluster: What the problem is statistically dependent with.
        passes: Whether each sample passed (``passed``).
        returns: Each sample's return, where it was stored.
    """

    cluster: str
    passes: tuple[bool, ...]
    returns: tuple[float, ...]

    @property
    def pass_rate(self) -> float:
        """The share of samples that passed."""
        return sum(self.passes) / len(self.passes)

    @property
    def teaches(self) -> bool:
        """Whether the pass rate lies strictly between 0 and 1."""
        return 0 < sum(self.passes) < len(self.passes)

    def alike(self, size: int) -> float | None:
        """P(``size`` of these samples, drawn without replacement, all pass or all fail); None for fewer samples."""
        tries, good = len(self.passes), sum(self.passes)
        if tries < size:
            return None
        return (math.comb(good, size) + math.comb(tries - good, size)) / math.comb(tries, size)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the returns, as GRPO divides by it; None for fewer than two."""
        if len(self.returns) < 2:
            return None
        mean = sum(self.returns) / len(self.returns)
        return math.sqrt(sum((value - mean) ** 2 for value in self.returns) / (len(self.returns) - 1))


def groups_of(cases: Iterable[Case]) -> dict[str, Group]:
    """The groups by problem; episodes that ended in ``error`` are in none."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.problem.problem_id, []).append(case)
    return {
        problem_id: Group(
            cases[0].problem.cluster,
            tuple(map(passed, cases)),
            tuple(case.episode.reward for case in cases if case.episode.reward is not None),
        )
        for problem_id, cases in found.items()
    }


def pass_rates(groups: Mapping[str, Group], samples: int) -> dict[str, float]:
    """The pass rate of every problem with at least so many scored samples."""
    return {name: group.pass_rate for name, group in groups.items() if len(group.passes) >= samples}
