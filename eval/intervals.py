"""95 % intervals and paired tests for values that come in clusters: problems made from one clean model go together."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import bootstrap, norm
from statsmodels.stats.proportion import proportion_confint

CONFIDENCE = 0.95
POWER = 0.8
NOTHING = 1e-9
RESAMPLES = 1999
FLIPS = 9999
BATCH = 250
EXACT_CLUSTERS = 13
SEED = 0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval; all None where nothing was measured, the interval None for a single cluster.

    Attributes:
        value: The mean.
        low: Lower end.
        high: Upper end.
        n: How many values it is the mean of.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True)
class Difference:
    """A paired difference.

    Attributes:
        difference: Mean of a - b over the problems both were measured on.
        low: Lower end of its interval.
        high: Upper end.
        p: Two-sided p-value of the sign-flip test.
        n: Problems compared.
    """

    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: int = 0


def mean_interval(values: Sequence[float], clusters: Sequence[Hashable], *, share: bool) -> Estimate:
    """The mean, with a bootstrap over clusters; a share that is exactly 0 or 1 gets a Wilson interval instead.

    Args:
        values: One value an episode.
        clusters: What each value belongs to.
        share: Whether values lie in [0, 1].
    """
    if not values:
        return Estimate()
    sums, counts = _by_cluster(values, clusters)
    mean = float(sums.sum() / counts.sum())
    certain = share and mean in (0.0, 1.0)
    low, high = _wilson(mean, len(sums)) if certain else _bootstrap(sums, counts)
    return Estimate(mean, low, high, len(values))


def paired_difference(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable]) -> Difference:
    """The mean of a - b with a bootstrap interval over clusters and the p-value of a sign flip of whole clusters.

    Args:
        a: One value a problem.
        b: The other policy's value on the same problem.
        clusters: What each problem belongs to.
    """
    if not a:
        return Difference()
    sums, counts = _by_cluster([x - y for x, y in zip(a, b, strict=True)], clusters)
    low, high = _bootstrap(sums, counts)
    return Difference(float(sums.sum() / counts.sum()), low, high, _sign_flip(sums), len(a))


def problems_needed(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable]) -> int | None:
    """How many problems, clustered as these are, would show the difference found with a power of 80 %.

    ``n (z(.975) + z(.8))^2 s^2 / d^2`` for a paired mean d with standard error s over n problems (Chow, Shao, Wang
    and Lokhnygina, Sample Size Calculations in Clinical Research, 3.1); s counts whole clusters.

    Args:
        a: One value a problem.
        b: The other policy's value on the same problem.
        clusters: What each problem belongs to.

    Returns:
        None where there is no difference, or fewer than two clusters to tell how much it varies.
    """
    if not a:
        return None
    sums, counts = _by_cluster([x - y for x, y in zip(a, b, strict=True)], clusters)
    mean = float(sums.sum() / counts.sum())
    if abs(mean) < NOTHING or len(sums) < 2:
        return None
    spread = float(np.sum((sums - mean * counts) ** 2)) * len(sums) / (len(sums) - 1)
    variance = spread / float(counts.sum()) ** 2
    quantiles = float(norm.ppf((1 + CONFIDENCE) / 2) + norm.ppf(POWER))
    return max(2, math.ceil(len(a) * quantiles**2 * variance / mean**2))


def _by_cluster(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[Floats, Floats]:
    """Sum and count of each cluster's values."""
    place = {name: index for index, name in enumerate(dict.fromkeys(clusters))}
    index = np.array([place[name] for name in clusters])
    sums, counts = np.zeros(len(place)), np.zeros(len(place))
    np.add.at(sums, index, np.asarray(values, dtype=np.float64))
    np.add.at(counts, index, 1.0)
    return sums, counts


def _wilson(share: float, clusters: int) -> tuple[float, float]:
    """Wilson with the largest design effect: where all values agree, a whole cluster tells no more than one value."""
    low, high = proportion_confint(round(share * clusters), clusters, alpha=1 - CONFIDENCE, method="wilson")
    return min(float(low), share), max(float(high), share)  # rounding can leave the share itself outside


def _bootstrap(sums: Floats, counts: Floats) -> tuple[float | None, float | None]:
    if len(sums) < 2:
        return None, None
    if np.ptp(sums / counts) == 0:
        return float(sums[0] / counts[0]), float(sums[0] / counts[0])
    interval = bootstrap(
        (sums, counts),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=BATCH,
        confidence_level=CONFIDENCE,
        method="percentile",  # BCa's jackknife is quadratic in the clusters and undefined for values that hardly vary
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _ratio(sums: Floats, counts: Floats, axis: int = -1) -> Any:
    return sums.sum(axis=axis) / counts.sum(axis=axis)


def _sign_flip(sums: Floats) -> float:
    """P(a difference as large) if a and b were exchangeable within each cluster; exact for few clusters."""
    moving = sums[sums != 0]
    observed = abs(moving.sum()) - 1e-9 * max(1.0, float(np.abs(moving).sum()))
    if not len(moving):
        return 1.0
    if len(moving) <= EXACT_CLUSTERS:
        patterns = np.arange(2 ** len(moving))[:, None] >> np.arange(len(moving)) & 1
        return float(np.mean(np.abs((2.0 * patterns - 1) @ moving) >= observed))
    rng = np.random.default_rng(SEED)
    extreme = sum(
        int(np.sum(np.abs((2.0 * rng.integers(0, 2, (size, len(moving))) - 1) @ moving) >= observed))
        for size in [BATCH] * (FLIPS // BATCH) + [FLIPS % BATCH]
    )
    return (extreme + 1) / (FLIPS + 1)
