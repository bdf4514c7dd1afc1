"""How often a fresh group ends alike on kept problems, held to what the true rates say."""

import random
from collections.abc import Callable

import pytest

from ordebug.eval.gate.fresh import fresh_alike
from ordebug.eval.gate.groups import Group
from ordebug.eval.gate.thresholds import read_thresholds

SIZE = 8
LIMIT = read_thresholds().checks["zero_variance_filtered"]


def kept(rate: Callable[[random.Random], float], count: int, tries: int = SIZE) -> tuple[list[Group], float]:
    """So many problems that the filter keeps, and how often fresh groups of them would truly end alike."""
    dice, groups, rates = random.Random(7), list[Group](), list[float]()
    while len(groups) < count:
        p = rate(dice)
        group = Group(str(len(groups)), tuple(dice.random() < p for _ in range(tries)), ())
        if group.teaches:
            groups.append(group)
            rates.append(p)
    return groups, sum(p**SIZE + (1 - p) ** SIZE for p in rates) / count


@pytest.mark.parametrize(
    ("rate", "holds"),
    [
        (lambda dice: 0.02, False),
        (lambda dice: dice.choice([0.02, 0.98]), False),
        (lambda dice: 0.98 if dice.random() < 0.99 else 0.5, False),
        (lambda dice: dice.betavariate(0.2, 0.2), True),
        (lambda dice: dice.betavariate(9, 1), True),
        (lambda dice: dice.random(), True),
        (lambda dice: 0.5, True),
    ],
)
@pytest.mark.parametrize("tries", [8, 12])
def test_it_finds_what_the_true_rates_say(rate: Callable[[random.Random], float], holds: bool, tries: int) -> None:
    groups, truth = kept(rate, 400, tries)
    found = fresh_alike(groups, SIZE)
    assert found.value == pytest.approx(truth, abs=0.08) and found.n == 400
    assert found.low is not None and found.high is not None and found.low - 0.02 <= truth <= found.high + 0.02
    assert LIMIT.holds(truth) == holds == LIMIT.holds(found.value or 0.0)


def test_of_little_there_is_no_interval() -> None:
    groups, _ = kept(lambda dice: 0.5, 1)
    found = fresh_alike(groups, SIZE)
    assert found.value is not None and found.low is None and fresh_alike([], SIZE).value is None
