"""How often a fresh group on the kept prompts would end alike, without using twice the samples that chose them.

A problem is kept because its samples differ, so the rate measured on the same samples lies too near the middle: with 8
samples p^8 + (1 - p)^8 is .34 at most, and no set could fail. What is fitted here instead is the distribution w of the
true rates among kept problems, from how many of them had 1, 2, .. n - 1 of n samples pass, given that 0 and n were not
kept (the nonparametric maximum likelihood, by EM on a grid)::

    P(k | p) = p^k (1-p)^(n-k) / (1 - p^n - (1-p)^n)    but for a factor that does not depend on p
    w          maximises the product over problems of sum_p w(p) P(k | p)
    value    = sum_p w(p) (p^G + (1-p)^G)

Where all true rates are .02 or .98 it finds .85, as it should; from 100 problems its standard error is about .06.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ordebug.eval.gate.groups import Group
from ordebug.eval.intervals import CONFIDENCE, SEED, Estimate, Floats

RATES: Floats = np.arange(1, 100) / 100
"""The true rates that are thought possible."""

ROUNDS = 300
RESAMPLES = 499


def fresh_alike(groups: Sequence[Group], size: int) -> Estimate:
    """P(``size`` fresh samples of a kept problem all pass or all fail), with a bootstrap over clusters.

    Args:
        groups: The kept problems: of each some samples passed and some failed.
        size: The planned group size.
    """
    if not groups:
        return Estimate()
    patterns = {pattern: place for place, pattern in enumerate(sorted({_pattern(group) for group in groups}))}
    clusters = {name: place for place, name in enumerate(dict.fromkeys(group.cluster for group in groups))}
    counts = np.zeros((len(clusters), len(patterns)))
    for (cluster, pattern), times in Counter((group.cluster, _pattern(group)) for group in groups).items():
        counts[clusters[cluster], patterns[pattern]] = times
    draws = np.random.default_rng(SEED).multinomial(len(clusters), [1 / len(clusters)] * len(clusters), RESAMPLES)
    likelihood = np.array([_likelihood(*pattern) for pattern in patterns])
    value, *resampled = _fitted(np.vstack([counts.sum(axis=0), draws @ counts]), likelihood) @ _alike(size)
    if len(clusters) < 2:
        return Estimate(float(value), n=len(groups))
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(float(value), float(low), float(high), len(groups))


def _pattern(group: Group) -> tuple[int, int]:
    """How many samples there are, and how many passed."""
    return len(group.passes), sum(group.passes)


def _alike(size: int) -> Floats:
    """Of each rate, how often a fresh group ends alike."""
    return RATES**size + (1 - RATES) ** size


def _likelihood(tries: int, good: int) -> Floats:
    """Of each rate, how likely these passes are, given that neither all nor none passed."""
    return RATES**good * (1 - RATES) ** (tries - good) / (1 - _alike(tries))


def _fitted(counts: Floats, likelihood: Floats) -> Floats:
    """The weights of the rates that fit each row of counts best."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    weights = np.full((len(counts), len(RATES)), 1 / len(RATES))
    for _ in range(ROUNDS):
        weights = weights * ((shares / (weights @ likelihood.T)) @ likelihood)
    return weights
