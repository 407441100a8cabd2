"""Learning curves of a benchmark: drawings with the values for whoever points at them, or reads the table below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..evaluation.statistics import mean_and_interval_over_seeds
from .axes import DASHES, WIDTH, Scale, line, scale, svg, text, tick_label, ticks
from .learning_curves import Curves, LearningRun, Panel, axis_label, curves_of, panels_of, references
from .markup import Markup, element, number
from .parts import Cell, folded, table

LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 42, 322, 12, 196, 234
LABEL_GAP = 14
"""Least distance of two labels of reference lines; a label that would be nearer to another is left out."""

ROWS = 10
"""Of the table below a chart."""


class Series(NamedTuple):
    """One learner's curve."""

    name: str
    colour: int
    """Its place in the palette."""
    x: np.ndarray  # [N]
    mean: np.ndarray  # [N]
    half: np.ndarray  # [N], half of the 95 % interval; 0 with one seed
    seeds: int


class Chart(NamedTuple):
    """A drawing, and what the script shows where somebody points at it."""

    drawing: Markup
    data: dict[str, Any]


def charts(runs: Sequence[LearningRun], colours: Mapping[str, int], first: int) -> list[Chart]:
    """Return the learning curves of the learners in one game, a chart for each of the panels that they have.

    Args:
        runs: of one game.
        colours: place in the palette by learner.
        first: number of the first chart among all of the page.
    """
    axis = "env-steps" if all("env_steps" in row for run in runs for row in run.rows) else "updates"
    made: list[Chart] = []
    for panel in panels_of(runs):
        found = [(run, curves_of(run, panel, axis)) for run in runs]
        series = [_series(run, curves, colours[run.label]) for run, curves in found if curves is not None]
        if series:
            made.append(_chart(panel, series, runs[0], axis_label(axis), first + len(made)))
    return made


def _series(run: LearningRun, curves: Curves, colour: int) -> Series:
    mean, half = mean_and_interval_over_seeds(curves.values)
    return Series(run.label, colour, curves.x, mean, half, len(curves.values))


def _chart(panel: Panel, series: Sequence[Series], run: LearningRun, x_label: str, index: int) -> Chart:
    levels = references(panel, run)
    y_values = [value for each in series for value in (*(each.mean - each.half), *(each.mean + each.half))]
    x_scale = scale((value for each in series for value in each.x), LEFT, RIGHT)
    y_scale = scale([*y_values, *levels.values()], BOTTOM, TOP, margin=0.06)
    title = f"{panel.title} in {run.game}: {panel.y_label} by {x_label}, {', '.join(each.name for each in series)}"
    drawing = svg(
        HEIGHT,
        title,
        _grid(x_scale, y_scale),
        text(LEFT, HEIGHT - 4, panel.y_label, "start", "axis-title"),
        text(RIGHT, HEIGHT - 4, x_label, "end", "axis-title"),
        _levels(levels, y_scale),
        [_band(each, x_scale, y_scale) for each in series],
        [_curve(each, x_scale, y_scale) for each in series],
        line((LEFT, LEFT), (TOP, BOTTOM), "cursor"),
        data_chart=index,
    )
    figure = element(
        "figure",
        element("figcaption", panel.title),
        drawing,
        folded("Values", _values(panel, series, x_label)),
        class_="chart",
    )
    return Chart(figure, _data(series, x_scale, x_label))


def _grid(x_scale: Scale, y_scale: Scale) -> list[Markup]:
    marks = []
    for value in ticks(y_scale.low, y_scale.high):
        place = y_scale(value)
        marks += [line((LEFT, RIGHT), (place, place), "grid"), text(LEFT - 5, place + 4, tick_label(value), "end")]
    for value in ticks(x_scale.low, x_scale.high, 4):
        marks.append(text(min(x_scale(value), WIDTH - 14), BOTTOM + 15, tick_label(value)))
    return [*marks, line((LEFT, RIGHT), (BOTTOM, BOTTOM), "axis")]


def _levels(levels: Mapping[str, float], y_scale: Scale) -> list[Markup]:
    """Draw the lines that a score is read against; of labels that would overlap, the first stays."""
    marks, taken = [], list[float]()
    for name, value in levels.items():
        place = y_scale(value)
        marks.append(line((LEFT, RIGHT), (place, place), "level"))
        if all(abs(place - other) >= LABEL_GAP for other in taken):
            taken.append(place)
            marks.append(text(RIGHT - 2, place - 4, f"{name} {tick_label(round(value, 3))}", "end", "level-name"))
    return marks


def _look(each: Series) -> str:
    return f"--series:var(--series-{each.colour + 1})"


def _band(each: Series, x_scale: Scale, y_scale: Scale) -> Markup | None:
    if each.seeds < 2:
        return None
    upper = [f"{x_scale(x)},{y_scale(y)}" for x, y in zip(each.x, each.mean + each.half, strict=True)]
    lower = [f"{x_scale(x)},{y_scale(y)}" for x, y in zip(each.x, each.mean - each.half, strict=True)]
    return element("polygon", points=" ".join([*upper, *reversed(lower)]), style=_look(each), class_="band")


def _curve(each: Series, x_scale: Scale, y_scale: Scale) -> Markup:
    points = [(x_scale(x), y_scale(y)) for x, y in zip(each.x, each.mean, strict=True)]
    last = points[-1]
    return element(
        "g",
        element("polyline", points=" ".join(f"{x},{y}" for x, y in points), stroke_dasharray=DASHES[each.colour]),
        element("circle", cx=last[0], cy=last[1], r=3.5),
        style=_look(each),
        class_="curve",
    )


def _data(series: Sequence[Series], x_scale: Scale, x_label: str) -> dict[str, Any]:
    return {
        "x": {"label": x_label, "low": x_scale.low, "high": x_scale.high, "left": LEFT, "right": RIGHT},
        "width": WIDTH,
        "series": [
            {
                "name": each.name,
                "colour": each.colour + 1,
                "x": each.x.tolist(),
                "shown": [_shown(each, place) for place in range(len(each.x))],
            }
            for each in series
        ],
    }


def _shown(each: Series, place: int) -> str:
    spread = f" ± {number(float(each.half[place]))}" if each.seeds > 1 else ""
    return f"{number(float(each.mean[place]))}{spread}"


def _values(panel: Panel, series: Sequence[Series], x_label: str) -> Markup:
    """Return a table of some of the values, as evenly spread as can be."""
    rows = []
    for each in series:
        for place in sorted({round(step) for step in np.linspace(0, len(each.x) - 1, ROWS)}):
            x = float(each.x[place])
            rows.append([each.name, Cell(f"{x:,.0f}", x), Cell(_shown(each, place), float(each.mean[place]))])
    return table(f"{panel.title}: some values", ["learner", x_label, panel.y_label], rows)


def legend(names: Mapping[str, int]) -> Markup:
    """Return which learner has which line."""
    entries = (
        element(
            "li",
            element(
                "svg",
                element("line", x1=1, x2=31, y1=6, y2=6, stroke_dasharray=DASHES[colour]),
                viewBox="0 0 32 12",
                aria_hidden="true",
                style=f"--series:var(--series-{colour + 1})",
            ),
            name,
        )
        for name, colour in names.items()
    )
    return element("ul", entries, class_="series")
