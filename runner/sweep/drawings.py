"""The pictures of a sweep: its trials as lines through all options, and the importance of each option."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from ..report.figures import HEAT, colour_of, shorten
from ..report.parts import Chart, Panel, Table, number
from ..report.svg import INK, LINE, MUTED, PAPER, hover
from .space import Axis, Choices, Range, Space

Row = Mapping[str, Any]


class _Scale(NamedTuple):
    """Where the values of one vertical axis stand, from 0 (bottom) to 1 (top)."""

    marks: Sequence[tuple[float, str]]
    places: Sequence[float]  # of the trials, NaN where there is none


def parallel_chart(name: str, title: str, rows: Sequence[Row], space: Space, objective: str) -> Chart:
    """Return the chart of parallel coordinates: a line for each trial, coloured by its objective.

    Args:
        name: of its file.
        title: of the chart.
        rows: the trials that have ended.
        space: what is varied.
        objective: in words.
    """
    draw = partial(_draw_parallel, rows=rows, space=space, objective=objective)
    return Chart(name, title, [Panel("Options and scores", draw)], (2.2 + 1.3 * (len(space) + 1), 4.0), grid="")


def _draw_parallel(axes: Axes, rows: Sequence[Row], space: Space, objective: str) -> None:
    scales = [_scale([row["values"][name] for row in rows], axis) for name, axis in space.items()]
    scores = np.array([math.nan if row["objective"] is None else row["objective"] for row in rows], float)
    scales.append(_scale_of_scores(scores))
    places = np.array([scale.places for scale in scales])  # [axes, trials]
    for column, scale in enumerate(scales):
        axes.axvline(column, color=LINE, linewidth=1.5, zorder=1)
        for height, text in scale.marks:
            axes.annotate(
                text, (column, height), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color=MUTED,
                zorder=5, bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
            )  # fmt: skip
    for index in np.argsort(np.nan_to_num(scores, nan=-np.inf), kind="stable").tolist():  # the best ones on top
        row, done = rows[index], np.isfinite(scores[index])
        look: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (2, 2)), "alpha": 0.7}
        if done:
            look = {"color": to_hex(HEAT(places[-1, index])), "linewidth": 1.3, "alpha": 0.85}
        (line,) = axes.plot(range(len(scales)), places[:, index], zorder=2 + done, **look)
        hover(line, _tip(row, objective))
    names = [*(shorten(name, 28) for name in space), objective]
    axes.set_xticks(range(len(scales)), names, rotation=15, ha="right", rotation_mode="anchor")
    axes.set_yticks([])
    axes.set(xlim=(-0.2, len(scales) - 0.4), ylim=(-0.06, 1.06))
    axes.tick_params(length=0, labelcolor=INK)
    axes.spines[:].set_visible(False)


def _tip(row: Row, objective: str) -> str:
    values = ", ".join(f"{name} {value}" for name, value in row["values"].items())
    score = row["status"] if row["objective"] is None else f"{objective} {row['objective']:.3f}"
    return f"trial {row['number']}: {values}: {score}"


def _scale(values: Sequence[Any], axis: Axis) -> _Scale:
    if isinstance(axis, Choices):
        count = max(1, len(axis.values) - 1)
        marks = [(place / count, shorten(str(value), 14)) for place, value in enumerate(axis.values)]
        return _Scale(marks, [axis.values.index(value) / count for value in values])
    low, high = _straight(axis.low, axis), _straight(axis.high, axis)
    marks = [(0.0, f"{axis.low:g}"), (1.0, f"{axis.high:g}")]
    return _Scale(marks, [(_straight(value, axis) - low) / (high - low) for value in values])


def _straight(value: float, axis: Range) -> float:
    return math.log(value) if axis.log else float(value)


def _scale_of_scores(scores: np.ndarray) -> _Scale:
    if not np.isfinite(scores).any():
        return _Scale([], scores.tolist())
    low, high = float(np.nanmin(scores)), float(np.nanmax(scores))
    marks = [(0.0, f"{low:.3f}"), (1.0, f"{high:.3f}")] if high > low else [(0.5, f"{low:.3f}")]
    return _Scale(marks, ((scores - low) / (high - low) if high > low else 0.5 + 0 * scores).tolist())


def importance_chart(name: str, title: str, shares: Mapping[str, float]) -> Chart:
    """Return the chart of the importance of each option, the most important one on top."""
    ranked = dict(sorted(shares.items(), key=lambda each: -each[1]))
    values = Table(title, ["option", "share"], [[option, number(share, 2)] for option, share in ranked.items()])
    panel = Panel("Importance", partial(_draw_importance, shares=ranked), values)
    return Chart(name, title, [panel], (5.2, 1.0 + 0.34 * len(ranked)), grid="x")


def _draw_importance(axes: Axes, shares: Mapping[str, float]) -> None:
    for place, (name, share) in enumerate(shares.items()):
        (bar,) = axes.barh([place], [share], height=0.6, color=colour_of(0))
        hover(bar, f"{name}: {share:.2f}")
    axes.set_yticks(range(len(shares)), [shorten(name, 24) for name in shares])
    axes.set(xlabel="share of the variance of the objective", xlim=(0, 1), ylim=(len(shares) - 0.4, -0.6))
