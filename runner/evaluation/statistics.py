"""Means over seeds with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit


class MeanInterval(NamedTuple):
    """A mean over seeds, and half the width of its 95% interval."""

    mean: float
    half_width: float


def mean_and_interval(values: Sequence[float]) -> MeanInterval:
    """Return the mean over seeds and half its 95% interval (Student's t); the interval of one seed is 0."""
    mean, half = mean_and_interval_over_seeds(np.asarray(values, float)[:, None])
    return MeanInterval(float(mean[0]), float(half[0]))


def mean_and_interval_over_seeds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and half interval of each column, without NaN (seeds that ended early).

    Args:
        values: ``[S, N]``, at least one number in each column.

    Returns:
        Both ``[N]``.
    """
    count = np.isfinite(values).sum(axis=0)
    mean = np.nansum(values, axis=0) / count
    variance = np.nansum((values - mean) ** 2, axis=0) / np.maximum(count - 1, 1)
    quantile = np.where(count > 1, stdtrit(np.maximum(count - 1, 1), 0.975), 0.0)
    return mean, quantile * np.sqrt(variance / count)
