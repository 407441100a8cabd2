"""How far a learner has come, and when: the first evaluation of each seed that reaches a level."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...envs.base import Threshold
from .scores import DEFECTOR, mean_score

Row = Mapping[str, Any]


def first_passes(rows: Iterable[Row], passes: Callable[[Row], bool]) -> dict[int, Row | None]:
    """Return by seed the line of the first evaluation that passes, unsmoothed; None where none does.

    Args:
        rows: the lines of metrics, update after update.
        passes: tells it of a line.
    """
    found: dict[int, Row | None] = {}
    for row in rows:
        if found.setdefault(row["seed"]) is None and passes(row):
            found[row["seed"]] = row
    return found


def exceeds(row: Row, threshold: Threshold) -> bool:
    """Tell whether a line of metrics exceeds a threshold, among its own players and against always-defect at once."""
    together, defector = mean_score(row), mean_score(row, DEFECTOR)
    if together is None or defector is None:
        return False
    return together > threshold.self_play and defector > threshold.against_defector
