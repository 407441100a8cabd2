"""Interquartile means over seeds with bootstrap intervals (Agarwal et al. 2021, arXiv:2108.13264), or with ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import trim_mean

from ..evaluation.statistics import FEWEST

RESAMPLES = 2000
CONFIDENCE = 0.95


class Aggregate(NamedTuple):
    """A score over seeds."""

    iqm: float
    """Interquartile mean: the mean of the middle half of the seeds."""
    low: float
    high: float
    """Ends of the 95% interval, or of the range of fewer than four seeds."""


def interquartile_mean(scores: np.ndarray) -> float:
    """Return the mean of all values without the lowest and the highest quarter, each rounded down."""
    return float(trim_mean(scores, 0.25, axis=None))


def aggregate(scores: Sequence[float] | np.ndarray, *, seed: int = 0) -> Aggregate:
    """Return the interquartile mean and its percentile interval by a stratified bootstrap.

    Seeds are drawn with replacement, separately for each task, and the interquartile mean of the draws is taken. The
    interval holds the middle 95% of these means and shows how much the choice of seeds matters. Fewer than `FEWEST`
    seeds have too few resamples for that, and the range of the seeds' own interquartile means over tasks is given.

    Args:
        scores: ``[S]``, or ``[S, tasks]`` to aggregate over tasks whose scores mean the same.
        seed: of the resampling.

    Raises:
        ValueError: there are no scores.
    """
    table = np.asarray(scores, float)
    if table.size == 0:
        raise ValueError("there are no scores to aggregate")
    table = table.reshape(len(table), -1)
    count, tasks = table.shape
    if count < FEWEST:
        each = [interquartile_mean(row) for row in table]
        return Aggregate(interquartile_mean(table), min(each), max(each))
    rows = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count, tasks))
    samples = table[rows, np.arange(tasks)].reshape(RESAMPLES, -1)
    means = trim_mean(samples, 0.25, axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Aggregate(interquartile_mean(table), float(low), float(high))
