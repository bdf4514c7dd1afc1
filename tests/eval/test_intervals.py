import numpy as np
import pytest

from ordebug.eval.intervals import Difference, Estimate, mean_interval, paired_difference


def test_nothing_measured() -> None:
    assert mean_interval([], [], share=True) == Estimate()
    assert paired_difference([], [], []) == Difference()


def test_all_ones_get_wilson() -> None:
    found = mean_interval([1.0] * 200, list(range(200)), share=True)
    assert (found.value, found.high, found.n) == (1.0, 1.0, 200)
    assert found.low == pytest.approx(0.981, abs=1e-3)


def test_wilson_counts_clusters_not_values() -> None:
    apart = mean_interval([0.0] * 40, list(range(40)), share=True)
    together = mean_interval([0.0] * 40, [i // 4 for i in range(40)], share=True)
    assert apart.high is not None and together.high is not None
    assert together.high > apart.high
    assert together.low == 0.0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_certain_share_lies_in_its_interval(share: float) -> None:
    for clusters in range(1, 60):
        found = mean_interval([share] * clusters, list(range(clusters)), share=True)
        assert found.low is not None and found.high is not None
        assert 0.0 <= found.low <= share <= found.high <= 1.0


def test_constant_that_is_no_share() -> None:
    assert mean_interval([1.0, 1.0], [0, 1], share=False) == Estimate(1.0, 1.0, 1.0, 2)


def test_one_cluster_has_no_interval() -> None:
    assert mean_interval([0.0, 1.0], [0, 0], share=True) == Estimate(0.5, None, None, 2)


def test_interval_widens_with_clusters_and_repeats_itself() -> None:
    rng = np.random.default_rng(1)
    values = list(np.repeat(rng.integers(0, 2, 50), 4).astype(float))
    clustered = mean_interval(values, [i // 4 for i in range(200)], share=True)
    naive = mean_interval(values, list(range(200)), share=True)
    assert clustered == mean_interval(values, [i // 4 for i in range(200)], share=True)
    assert clustered.low is not None and naive.low is not None
    assert clustered.value == naive.value
    assert clustered.low < naive.low


def test_coverage_of_clustered_shares() -> None:
    """Whole clusters agree, so only an interval over clusters covers the truth about 95 times in 100."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        values = np.repeat(rng.random(60) < 0.7, 3).astype(float)
        found = mean_interval(list(values), [i // 3 for i in range(180)], share=True)
        assert found.low is not None and found.high is not None
        hits += found.low <= 0.7 <= found.high
    assert 0.89 <= hits / 200 <= 0.99


def test_sign_flip_is_exact_for_few_clusters() -> None:
    found = paired_difference([1.0] * 6, [0.0] * 6, list(range(6)))
    assert found.difference == 1.0
    assert found.p == pytest.approx(2 / 64)


def test_clusters_flip_as_one() -> None:
    found = paired_difference([1.0] * 6, [0.0] * 6, [0, 0, 0, 1, 1, 1])
    assert found.p == pytest.approx(2 / 4)


def test_no_difference() -> None:
    values = [0.0, 1.0, 1.0]
    assert paired_difference(values, values, [0, 1, 2]) == Difference(0.0, 0.0, 0.0, 1.0, 3)


def test_sign_flip_by_sampling() -> None:
    better = paired_difference([1.0] * 40 + [0.0] * 5, [0.0] * 40 + [1.0] * 5, list(range(45)))
    equal = paired_difference([1.0, 0.0] * 20, [0.0, 1.0] * 20, list(range(40)))
    assert better.p is not None and better.p < 0.001
    assert better.low is not None and better.low > 0
    assert equal.p == 1.0


def test_sign_flip_is_calibrated() -> None:
    rng = np.random.default_rng(3)
    rejected = 0
    for _ in range(100):
        a, b = rng.integers(0, 2, (2, 60)).astype(float)
        found = paired_difference(list(a), list(b), list(range(60)))
        rejected += found.p is not None and found.p < 0.05
    assert rejected <= 12
