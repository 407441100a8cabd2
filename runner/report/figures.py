"""Charts as matplotlib figures: one look, and the drawings that several kinds of documents share."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import EngFormatter, MaxNLocator

from ..evaluation.statistics import Spread
from ..runs.files import writing
from .parts import Chart, Panel, number
from .svg import MUTED, SERIES, STYLE, hover, saving, to_svg

FORMATS = (".png", ".svg", ".pdf")
DASHES = ("-", (0, (7, 3)), (0, (2, 2)), (0, (8, 3, 2, 3)), (0, (5, 2)), (0, (1, 1.5)), (0, (12, 4)))
"""Of the lines, which can be told apart without their colours."""

CELL = 0.62
"""Side of a heat map's cell, in inches."""

ABREAST = 3
"""Panels of a chart side by side; more of them stand in two rows."""

LONGEST = 40
"""Characters of a name in a chart."""

NUMBERED = 40
"""Rows of a heat map up to which its cells have their numbers in them."""

HEAT = colormaps["viridis"].resampled(64)
"""Runs evenly from dark to light, also for readers who cannot tell red from green."""

INKS = ("#fefefe", "#020202")
"""Of the numbers in a heat map, which stay as they are in a dark theme."""


class Picture(Figure):
    """A figure that notebooks show, without the windows and the global state of pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        with saving():
            self.savefig(file, format="png")
        return file.getvalue()


def colour_of(index: int) -> str:
    """Return the colour of the n-th curve."""
    return SERIES[index % len(SERIES)]


def figure_of(chart: Chart, panel: Panel | None = None) -> Figure:
    """Draw a chart.

    Args:
        chart: what to draw.
        panel: the only panel to draw, without its title; None: all, with their titles and the chart's.
    """
    panels = list(chart.panels) if panel is None else [panel]
    rows = 1 + (len(panels) > ABREAST)
    columns = -(-len(panels) // rows)
    width, height = chart.size
    with rc_context({**STYLE, "axes.grid": bool(chart.grid), "axes.grid.axis": chart.grid or "both"}):
        figure = Picture(figsize=(width * columns, height * rows), layout="constrained")
        grid = figure.subplots(rows, columns, sharey=chart.share_y, squeeze=False).ravel()
        for axes in grid[len(panels) :]:
            axes.remove()
        grid = grid[: len(panels)]
        for axes, each in zip(grid, panels, strict=True):
            each.draw(axes)
            if panel is None:
                axes.set_title(each.title)
        _legend(figure, grid)
        if panel is None and chart.title:
            figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11)
    return figure


def _legend(figure: Figure, grid: np.ndarray) -> None:
    """Name what is drawn, where there is more than one thing."""
    found = {label: line for axes in grid for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if len(found) > 1:
        columns = max(1, int(figure.get_figwidth() * 8 / (8 + max(map(len, found)))))
        figure.legend(
            found.values(), found, loc="outside lower left", ncols=min(len(found), columns), fontsize=9, handlelength=3
        )


def save(figure: Figure, out: Path) -> Path:
    """Write a figure; the suffix says in which of `FORMATS`.

    Raises:
        RunError: the file cannot be written.
    """
    with saving(), writing(out, hint="choose another file"):
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".svg":
            out.write_text(to_svg(figure), encoding="utf-8")
        else:
            figure.savefig(out, dpi=160)
    return out


def shorten(name: str, longest: int = LONGEST) -> str:
    """Return a name that fits a chart."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


class Curve(NamedTuple):
    """A line with a band around it."""

    name: str
    colour: int
    x: np.ndarray  # [N]
    mean: np.ndarray  # [N]
    low: np.ndarray  # [N]
    high: np.ndarray  # [N]
    seeds: np.ndarray  # [S, N], NaN where a seed has ended
    thin: bool = False
    """Whether the seeds are drawn too, thin."""

    def spread(self, place: int) -> Spread:
        """Return the value at one place with what is beside it."""
        count = int(np.isfinite(self.seeds[:, place]).sum())
        return Spread(float(self.mean[place]), float(self.low[place]), float(self.high[place]), count)


HOVERED = 30
"""Points of a curve that show their values on hover, at most."""


def draw_curve(axes: Axes, curve: Curve, x_label: str) -> None:
    """Draw a curve, its band, and what it shows on hover."""
    colour = colour_of(curve.colour)
    if len(curve.seeds) > 1:
        axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
    if curve.thin:
        axes.plot(curve.x, curve.seeds.T, color=colour, alpha=0.3, linewidth=0.7)
    name, style = shorten(curve.name), DASHES[curve.colour % len(DASHES)]
    axes.plot(curve.x, curve.mean, color=colour, linestyle=style, linewidth=2, label=name)
    axes.plot(curve.x[-1:], curve.mean[-1:], "o", color=colour, markersize=4)
    for place in spread_over(len(curve.x), HOVERED):
        (point,) = axes.plot(curve.x[place], curve.mean[place], "o", color=colour, alpha=0, markersize=11)
        value = f"{curve.mean[place]:.3f} {curve.spread(place)}".rstrip()
        hover(point, f"{curve.name}, {x_label} {curve.x[place]:,.0f}: {value}")


def draw_players(axes: Axes, curves: Sequence[Curve]) -> None:
    """Draw the curves of single players, thin, beside that of their mean."""
    for index, curve in enumerate(curves):
        style = DASHES[1 + index % (len(DASHES) - 1)]
        axes.plot(curve.x, curve.mean, color=MUTED, linestyle=style, linewidth=1.2, label=shorten(curve.name))


def spread_over(total: int, most: int) -> list[int]:
    """Return at most so many places among ``total``, evenly spread, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, total - 1, min(total, most))})


NAME_WIDTH, NAME_HEIGHT = 0.4, 0.08
"""About what the name of a level takes, as parts of a panel."""


def finish_curves(axes: Axes, x_label: str, y_label: str, levels: Mapping[str, float]) -> None:
    """Add what curves are read against, and the labels."""
    for value in levels.values():
        axes.axhline(value, color=MUTED, linewidth=1, linestyle=(0, (5, 3)), zorder=1.5)
    axes.margins(x=0.02, y=0.12)
    for name, value in levels.items():
        below = _has_room_below(axes, value, list(levels.values()))
        axes.annotate(
            f"{name} {value:.3g}",
            xy=(1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-2, -3 if below else 3),
            textcoords="offset points",
            ha="right",
            va="top" if below else "bottom",
            fontsize=8,
            color=MUTED,
        )
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set(xlabel=x_label, ylabel=y_label)


def _has_room_below(axes: Axes, level: float, levels: Sequence[float]) -> bool:
    """Return whether less is drawn just below a level, at the right, than just above it."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    places = np.linspace(right - NAME_WIDTH * (right - left), right, 20)
    curves = [np.asarray(line.get_xydata()).T for line in axes.lines if line.get_transform() == axes.transData]
    drawn = [np.interp(places, x, y, left=np.nan, right=np.nan) for x, y in curves if len(x) > 1]
    heights = (np.array([*drawn, *(np.full(20, each) for each in levels)]) - level) / (top - bottom)
    near = heights[np.abs(heights) < NAME_HEIGHT]
    return bool(np.sum(near < 0) < np.sum(near > 0))


class Estimate(NamedTuple):
    """A number with its interval or range, and the seeds behind it."""

    name: str
    colour: int
    middle: float
    low: float
    high: float
    seeds: Sequence[float]


def draw_estimates(axes: Axes, estimates: Sequence[Estimate], label: str) -> None:
    """Draw a line for each estimate: the point, its interval or range, a tick for each seed."""
    for place, each in enumerate(estimates):
        colour = colour_of(each.colour)
        axes.plot([each.low, each.high], [place, place], color=colour, linewidth=6, alpha=0.35)
        axes.plot(each.seeds, [place] * len(each.seeds), "|", color=colour, markersize=7, alpha=0.8)
        (point,) = axes.plot([each.middle], [place], "o", color=colour, markersize=6)
        spread = f" ({each.low:.3f} to {each.high:.3f})" if len(each.seeds) > 1 else ""
        hover(point, f"{each.name}: {each.middle:.3f}{spread}")
    axes.set_yticks(range(len(estimates)), [shorten(each.name, 24) for each in estimates])
    axes.set(xlabel=label)
    axes.margins(x=0.1)
    axes.set_ylim(len(estimates) - 0.5, -0.5)


class HeatMap(NamedTuple):
    """A number for each row and column, and what it shows on hover."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: np.ndarray  # [R, C], NaN where there is none
    tips: Sequence[Sequence[str]]
    label: str
    digits: int = 3
    x_label: str = ""


def heat_map(name: str, title: str, content: HeatMap, *, cells: bool = False) -> Chart:
    """Return the chart of a heat map; ``cells``: whether the page lets a reader choose one."""
    longest = max(len(shorten(each)) for each in (*content.rows, *content.columns))
    label, side = 0.085 * longest, CELL if len(content.rows) <= NUMBERED else CELL / 4
    size = label + side * len(content.columns) + 1.4, label + side * len(content.rows) + 0.7
    panel = Panel(title, lambda axes: _draw_heat_map(axes, content))
    return Chart(name, "", [panel], (max(size[0], 4.6), max(size[1], 2.6)), grid="", cells=cells)


def _draw_heat_map(axes: Axes, content: HeatMap) -> None:
    image = axes.imshow(content.values, cmap=HEAT)
    image.set_visible(False)  # gives the axes their shape and the colours their range; each cell is drawn below
    colours = np.asarray(HEAT(image.norm(np.nan_to_num(content.values))))
    for (row, column), value in np.ndenumerate(content.values):
        colour = to_hex(tuple(colours[row, column])) if np.isfinite(value) else "none"
        patch = Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, facecolor=colour, edgecolor="none")
        hover(patch, content.tips[row][column], cell=f"{row} {column}")
        axes.add_patch(patch)
        if len(content.rows) <= NUMBERED:
            words = "\N{EN DASH}"
            if np.isfinite(value):
                words = number(float(value), content.digits).text.replace("-", "\N{MINUS SIGN}")
            look = ink(colour) if np.isfinite(value) else MUTED
            axes.text(column, row, words, ha="center", va="center", fontsize=8, color=look)
    longest = max(map(len, content.columns))
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > 4 else {}
    axes.set_xticks(range(len(content.columns)), [shorten(name) for name in content.columns], **slant)
    axes.set_yticks(range(len(content.rows)), [shorten(name) for name in content.rows])
    axes.set(xlabel=content.x_label)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(image, ax=axes, label=content.label, shrink=0.8)
    for solids in bar.ax.collections:
        solids.set_rasterized(False)  # else an SVG would hold a picture, which the page may not load
    bar.outline.set_visible(False)


def ink(colour: str) -> str:
    """Return the one of `INKS` that is easier to read on a colour."""
    return max(INKS, key=lambda each: contrast(each, colour))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = np.array([int(colour[index : index + 2], 16) for index in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
