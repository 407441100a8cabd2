"""Learning curves, drawn from run folders alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...options import OptionError
from ..evaluation.statistics import mean_and_interval_over_seeds
from ..runs.folder import RunError, RunFolder, writing
from .learning_curves import (
    COLOURS,
    X_AXES,
    LearningRun,
    Panel,
    axis_label,
    common_axis,
    curves_of,
    panels_of,
    read_run,
    references,
)

__all__ = ["COLOURS", "STYLE", "X_AXES", "Mark", "Panel", "draw_learning_curves", "learning_curves"]

FORMATS = (".png", ".svg", ".pdf")
STYLE: Mapping[Any, Any] = {
    "font.size": 10,
    "font.family": "sans-serif",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": "#333333",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    "svg.hashsalt": "polax",
}


class Mark(NamedTuple):
    """A published value, drawn at the end of a learner's curve."""

    learner: str
    panel: str
    value: float
    low: float | None
    high: float | None


def draw_learning_curves(folders: Sequence[RunFolder], out: Path, *, x: str | None = None) -> Path:
    """Write the figure of `learning_curves` to a file.

    Args:
        folders: the runs.
        out: where the figure goes; its suffix decides the format.
        x: the horizontal axis, see `learning_curves`.

    Returns:
        The path of the figure.

    Raises:
        PolaxError: no scores to draw, an axis that a run does not have, or a file that cannot be written.
    """
    if out.suffix not in FORMATS:
        raise OptionError(f"{out} must end in {', '.join(FORMATS)}")
    figure = learning_curves(folders, x=x)
    with rc_context(dict(STYLE)), writing(out, hint="choose another file"):
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, dpi=160)
    return out


def learning_curves(folders: Sequence[RunFolder], *, x: str | None = None, marks: Sequence[Mark] = ()) -> Figure:
    """Draw the learning curves of some runs: mean, and 95 % interval over seeds where there are several.

    Args:
        folders: the runs.
        x: one of `X_AXES`; by default outer steps if every run has them, else updates.
        marks: published values, shown in the colours of the curves of the same learners.

    Returns:
        The figure, a panel for each of `panels_of` the runs that has values.

    Raises:
        PolaxError: no scores to draw, or an axis that a run does not have.
    """
    runs = [read_run(folder) for folder in folders]
    axis = x or common_axis(runs)
    panels = [panel for panel in panels_of(runs) if any(curves_of(run, panel, axis) is not None for run in runs)]
    if not panels:
        raise RunError(f"{folders[0].path} has no scores to draw yet")
    with rc_context(dict(STYLE)):
        figure = Figure(figsize=(4.6 * len(panels), 3.5), layout="constrained")
        grid = np.atleast_1d(figure.subplots(1, len(panels)))
        for axes, panel in zip(grid, panels, strict=True):
            _draw_panel(axes, panel, runs, axis)
            _draw_marks(axes, panel, runs, marks)
        _finish(figure, grid, runs)
    return figure


def _draw_panel(axes: Axes, panel: Panel, runs: Sequence[LearningRun], axis: str) -> None:
    for colour, run in zip(_cycle(len(runs)), runs, strict=True):
        curves = curves_of(run, panel, axis)
        if curves is None:
            continue
        mean, half = mean_and_interval_over_seeds(curves.values)
        if len(curves.values) > 1:
            axes.fill_between(curves.x, mean - half, mean + half, color=colour, alpha=0.18, linewidth=0)
            if len(runs) == 1:
                axes.plot(curves.x, curves.values.T, color=colour, alpha=0.3, linewidth=0.7)
        axes.plot(curves.x, mean, color=colour, linewidth=2, label=run.label, solid_capstyle="round")
        axes.plot(curves.x[-1:], mean[-1:], "o", color=colour, markersize=4)
    for name, value in references(panel, runs[0]).items():
        _reference_line(axes, name, value)
    axes.set(title=panel.title, xlabel=axis_label(axis), ylabel=panel.y_label)
    axes.margins(x=0.02, y=0.12)


def _draw_marks(axes: Axes, panel: Panel, runs: Sequence[LearningRun], marks: Sequence[Mark]) -> None:
    """Mark published values beyond the right end of the curves, side by side."""
    colours = dict(zip((run.label for run in runs), _cycle(len(runs)), strict=True))
    shown = [mark for mark in marks if mark.panel == panel.name and mark.learner in colours]
    for number, mark in enumerate(shown):
        low = mark.value if mark.low is None else mark.low
        high = mark.value if mark.high is None else mark.high
        axes.errorbar(
            1.03 + 0.025 * number,
            mark.value,
            yerr=[[mark.value - low], [high - mark.value]],
            transform=axes.get_yaxis_transform(),
            fmt="D",
            markersize=5,
            markerfacecolor="white",
            markeredgewidth=1.4,
            color=colours[mark.learner],
            clip_on=False,
            label="published" if number == 0 and axes is axes.figure.axes[0] else None,
        )


def _reference_line(axes: Axes, name: str, value: float) -> None:
    axes.axhline(value, color="#888888", linewidth=1, linestyle=(0, (5, 3)), zorder=1.5)
    axes.annotate(
        f"{name} {value:.3g}",
        xy=(1, value),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8,
        color="#666666",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
    )


def _finish(figure: Figure, grid: np.ndarray, runs: Sequence[LearningRun]) -> None:
    """Add the title, and a legend where there is more than one run."""
    games = ", ".join(dict.fromkeys(run.game for run in runs))
    seeds = {len({row["seed"] for row in run.rows}) for run in runs}
    count = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else f"{min(seeds)}"
    shown = "1 seed" if seeds == {1} else f"{count} seeds, mean and 95 % interval"
    what = f"{runs[0].label} in {games}" if len(runs) == 1 else games
    figure.suptitle(f"{what} ({shown})", x=0.01, ha="left", fontsize=11, color="#333333")
    if len(runs) > 1:
        grid[0].legend(loc="best", fontsize=9)


def _cycle(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]
