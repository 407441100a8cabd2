"""Means over seeds, with a 95% interval, or with the range where there are too few seeds for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

FEWEST = 4
"""Seeds from which an interval is shown. With fewer, the lowest and the highest value say all that is known."""


class Spread(NamedTuple):
    """A mean over seeds, and the ends of its 95% interval, or those of the range where there are few seeds."""

    mean: float
    low: float
    high: float
    num_seeds: int
    """Seeds with a value."""

    def __str__(self) -> str:
        """Return the interval as ``± 0.012``, a range as ``(0.310 to 0.330)``; nothing for one seed."""
        if self.num_seeds >= FEWEST:
            return f"± {(self.high - self.low) / 2:.3f}"
        return f"({self.low:.3f} to {self.high:.3f})" if self.num_seeds > 1 else ""


def spread_word(num_seeds: int) -> str:
    """Say what is shown beside a mean over so many seeds."""
    return "95% interval" if num_seeds >= FEWEST else "range"


def mean_and_spread(values: Sequence[float]) -> Spread:
    """Return the mean over seeds with its 95% interval (Student's t), or the range of fewer than four seeds."""
    mean, low, high = mean_and_spread_over_seeds(np.asarray(values, float)[:, None])
    return Spread(float(mean[0]), float(low[0]), float(high[0]), int(np.isfinite(values).sum()))


def mean_and_spread_over_seeds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, low and high of each column as `mean_and_spread` does, without NaN (seeds that ended early).

    Args:
        values: ``[S, N]``, at least one number in each column.

    Returns:
        Each ``[N]``.
    """
    count = np.isfinite(values).sum(axis=0)
    mean = np.nansum(values, axis=0) / count
    variance = np.nansum((values - mean) ** 2, axis=0) / np.maximum(count - 1, 1)
    half = stdtrit(np.maximum(count - 1, 1), 0.975) * np.sqrt(variance / count)
    few = count < FEWEST
    low = np.where(few, np.nanmin(values, axis=0), mean - half)
    return mean, low, np.where(few, np.nanmax(values, axis=0), mean + half)
