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
    earned: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        own, _, other = row["algorithm"].partition(registry.BESIDE)
        if not row["scores"]:
            continue
        if not other:
            earned[own, own] = row["scores"][mean_name()]
        elif registry.BESIDE not in other and own != other:
            earned[own, other] = row["scores"][score_name(0)]
            earned[other, own] = row["scores"][score_name(1)]
    if all(own == other for own, other in earned):
        return None
    names = list(dict.fromkeys(each for pair in earned for each in pair))
    values = np.full((len(names), len(names)), np.nan)
    tips = [["they did not meet"] * len(names) for _ in names]
    for (own, other), found in earned.items():
        place = names.index(own), names.index(other)
        values[place] = found["iqm"]
        tips[place[0]][place[1]] = (
            f"{own} beside {other}: {found['iqm']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
        )
    title = f"{env}: what the learner of the row earns while it learns beside that of the column"
    return heat_map(name, title, HeatMap(names, names, values, tips, "mean reward per step", x_label="beside"))
