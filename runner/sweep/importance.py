"""How much of the objective an option accounts for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .space import Axis, Choices, Space

GROUPS, FEWEST = 4, 4
"""A range is cut into so many groups of trials at most, with so many trials in each at least."""


def importance(rows: Sequence[Mapping[str, Any]], space: Space) -> dict[str, float | None]:
    """Return the share of the objective's variance that each option accounts for by itself.

    The trials are put into groups: by the value of a list, or by the order of their numbers into up to four groups of
    equal size for a range. The share is epsilon squared of a one-way analysis of variance (Kelley 1935), one less the
    ratio of the variance within the groups to that of all trials: ``1 - (SSW / (n - k)) / (SST / (n - 1))``, and 0
    where that is negative. Unlike the plain correlation ratio it is 0 on average for an option without effect. It does
    not see what options do only together, so the shares need not add up to 1.

    Args:
        rows: trials, of which those with an objective count.
        space: what is varied.

    Returns:
        By option, 0 to 1; None where there are too few trials to tell.
    """
    scored = [row for row in rows if row["objective"] is not None]
    scores = np.array([row["objective"] for row in scored], float)
    return {
        name: _share(scores, _groups([row["values"][name] for row in scored], axis)) for name, axis in space.items()
    }


def _groups(values: Sequence[Any], axis: Axis) -> np.ndarray:
    """Return the number of each trial's group."""
    if isinstance(axis, Choices):
        listed = list(axis.values)
        return np.array([listed.index(value) for value in values], int)
    order = np.argsort(np.argsort(np.array(values, float), kind="stable"), kind="stable")
    count = max(1, min(GROUPS, len(values) // FEWEST))
    return order * count // max(1, len(values))


def _share(scores: np.ndarray, groups: np.ndarray) -> float | None:
    """Return epsilon squared; None unless there are two groups, and more trials than groups."""
    members = [scores[groups == group] for group in np.unique(groups)]
    if len(members) < 2 or len(scores) <= len(members):
        return None
    within = sum(float(((own - own.mean()) ** 2).sum()) for own in members) / (len(scores) - len(members))
    total = float(((scores - scores.mean()) ** 2).sum()) / (len(scores) - 1)
    return max(0.0, 1.0 - within / total) if total > 0 else 0.0
