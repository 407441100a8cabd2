"""The payoff matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure

from ..report.figures import STYLE
from ..runs.folder import writing

COLOURS = "viridis"
"""Runs evenly from dark to light, also for those who do not tell red from green."""

CELL = 0.62
"""Inches."""


def draw_payoffs(names: Sequence[str], mean: np.ndarray, out: Path, *, title: str) -> Path:
    """Draw the mean scores ``[P, P]`` of the row's player against the column's.

    Raises:
        RunError: the file cannot be written.
    """
    count, longest = len(names), max(map(len, names))
    label = 0.085 * min(longest, 40)
    size = (label + CELL * count + 1.4, label + CELL * count + 0.7)
    with rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(max(size[0], 4.6), max(size[1], 3.4)), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(mean, cmap=COLOURS)
        ticks = range(count)
        shown = [_shorten(name) for name in names]
        axes.set_xticks(ticks, shown, rotation=45 if longest > 4 else 0, ha="right" if longest > 4 else "center")
        axes.set_yticks(ticks, shown)
        axes.set(xlabel="against", title=title)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        colours = np.asarray(colormaps[COLOURS](np.asarray(image.norm(mean))))
        for row in ticks:
            for column in ticks:
                axes.text(
                    column,
                    row,
                    _number(mean[row, column]),
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if _luminance(colours[row, column]) < 0.45 else "#222222",
                )
        figure.colorbar(image, ax=axes, label="the row's mean reward a step", shrink=0.8)
        with writing(out):
            figure.savefig(out, dpi=160)
    return out


def _number(value: float) -> str:
    """Write a score in as few characters as tell it: no zero before the point."""
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return text.replace("-0.", "-.", 1) if text.startswith("-0.") else text.removeprefix("0") if value < 1 else text


def _shorten(name: str) -> str:
    return name if len(name) <= 40 else f"…{name[-39:]}"


def _luminance(colour: np.ndarray) -> float:
    return float(np.dot(colour[:3], (0.2126, 0.7152, 0.0722)))
