"""Figures of seeds as points on lines, with the published means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ...runner.report.figures import Estimate, colour_of, draw_estimates
from ...runner.report.parts import Chart, Panel


class Line(NamedTuple):
    """The scores of some seeds in matches of one kind."""

    name: str
    colour: int
    seeds: Sequence[float]
    published: float | None


def draw_seeds(name: str, title: str, panels: Mapping[str, Sequence[Line]], *, same_range: bool = False) -> Chart:
    """Draw every seed, the mean and the range of the seeds, and the published mean.

    Args:
        name: of the chart.
        title: what is drawn.
        panels: by title; all have the same lines in the same order.
        same_range: whether one score has the same place in every panel.
    """
    values = [value for lines in panels.values() for line in lines for value in (*line.seeds, line.published)]
    known = [value for value in values if value is not None]
    limits = (min(known) - 0.04, max(known) + 0.04) if same_range else None
    drawn = [Panel(heading, partial(_draw, lines, limits)) for heading, lines in panels.items()]
    height = 1.4 + 0.32 * max(map(len, panels.values()))
    caption = f"{title}: the seeds, their mean and their range; diamonds: published means"
    return Chart(name, caption, drawn, (12.8 / len(panels), height), share_y=True, grid="x")


def _draw(lines: Sequence[Line], limits: tuple[float, float] | None, axes: Axes) -> None:
    estimates = [
        Estimate(line.name, line.colour, float(np.mean(line.seeds)), min(line.seeds), max(line.seeds), line.seeds)
        for line in lines
    ]
    draw_estimates(axes, estimates, "mean reward per step")
    for place, line in enumerate(lines):
        if line.published is not None:
            colour = colour_of(line.colour)
            axes.plot([line.published], [place], "D", color=colour, markerfacecolor="white", markeredgewidth=1.4)
    axes.set_yticks(range(len(lines)), [line.name for line in lines])
    if limits is not None:
        axes.set_xlim(*limits)
