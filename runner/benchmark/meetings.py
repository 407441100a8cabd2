"""Who earns what beside whom: a matrix from the combinations in which different learners meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ... import registry
from ..evaluation.scores import mean_name, score_name
from ..report.figures import HeatMap, heat_map
from ..report.parts import Chart

Row = Mapping[str, Any]


def meetings(name: str, env: str, rows: Sequence[Row]) -> Chart | None:
    """Return the heat map of what each learner earns beside each other one; None where no two different ones met.

    A learner that trains both players is the one that meets itself: its entry is the mean of its players.

    Args:
        name: of the chart's file.
        env: the game.
        rows: the combinations of one game.
    """
    earned: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in rows:
        names, scores = registry.names_by_player(row["algorithm"]), row["scores"]
        if not scores:
            continue
        if len(names) == 1:
            earned[names * 2] = scores[mean_name()]
        elif len(names) == 2 and names[0] != names[1]:
            earned[names] = scores[score_name(0)]
            earned[names[::-1]] = scores[score_name(1)]
    if all(own == other for own, other in earned):
        return None
    everyone = list(dict.fromkeys(each for pair in earned for each in pair))
    values = np.full((len(everyone), len(everyone)), np.nan)
    tips = [["they did not meet"] * len(everyone) for _ in everyone]
    for (own, other), found in earned.items():
        place = everyone.index(own), everyone.index(other)
        values[place] = found["iqm"]
        tips[place[0]][place[1]] = (
            f"{own} beside {other}: {found['iqm']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
        )
    title = f"{env}: side by side"  # short enough for a matrix of two learners
    return heat_map(name, title, HeatMap(everyone, everyone, values, tips, "mean reward per step", x_label="beside"))
