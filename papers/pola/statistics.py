"""Shares of runs, their intervals, and whether a published share or policy fits ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, fisher_exact

from .exact_runs import ExactRuns

FOUND = (
    "Found: at some update the mean return exceeds 80% of the social optimum while both players cooperate with "
    "probability below 0.65 after mutual defection and after they alone cooperated."
)
"""What counts as having found tit-for-tat, for people."""


class Share(NamedTuple):
    """How many runs did something, with Wilson's 95% interval."""

    share: float
    low: float
    high: float

    def __contains__(self, other: object) -> bool:
        """Tell whether a share lies inside the interval."""
        return isinstance(other, float | int) and self.low <= other <= self.high


def share_of(found: np.ndarray) -> Share:
    """Return the share of True in ``[R]``."""
    interval = binomtest(int(found.sum()), len(found)).proportion_ci(method="wilson")
    # Wilson's bounds at no and at all successes are 0 and 1 up to rounding.
    low, high = (float(np.clip(round(bound, 12), 0, 1)) for bound in (interval.low, interval.high))
    return Share(float(found.mean()), low, high)


def p_value(found: np.ndarray, published: float, published_runs: int) -> float:
    """Return Fisher's exact two-sided p-value of the hypothesis that both samples have one probability."""
    ours, theirs = int(found.sum()), round(published * published_runs)
    table = [[ours, len(found) - ours], [theirs, published_runs - theirs]]
    return float(fisher_exact(table).pvalue)


class PolicyFit(NamedTuple):
    """How far a published mean policy is from ours."""

    difference: float
    """Largest difference of an entry between the means."""

    mixed_difference: float
    """The same after choosing which share of our runs found tit-for-tat."""

    mixed_share: float
    """The share chosen."""


def policy_fit(runs: ExactRuns, published: np.ndarray) -> PolicyFit:
    """Compare mean policies ``[5]``, as they are and as a mixture of two kinds of runs.

    At some settings a run either finds tit-for-tat or ends in defection, and the mean of a few runs mostly says how
    many did which: there the published mean should be *some* mixture of the means of our two kinds.
    """
    difference = float(np.abs(runs.policy - published).max())
    found = runs.found
    if found.all() or not found.any():
        return PolicyFit(difference, difference, float(found.mean()))
    kinds = runs.own_first[found].mean(axis=0), runs.own_first[~found].mean(axis=0)
    shares = np.linspace(0, 1, 101)[:, None]
    distances = np.abs(shares * kinds[0] + (1 - shares) * kinds[1] - published).max(axis=1)
    best = int(distances.argmin())
    return PolicyFit(difference, float(distances[best]), float(shares[best, 0]))
