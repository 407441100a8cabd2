"""Figures of a benchmark: learning curves of each game, and final scores with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...options import PolaxError
from ..report.figures import COLOURS, STYLE, draw_learning_curves
from ..runs.folder import RunFolder, writing
from .results import by_env, figures_of, metric_title, shown_metrics


def draw_all(folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Draw every figure for which there is something to draw.

    Args:
        folder: of the benchmark.
        rows: what is known of its combinations.

    Returns:
        The paths.

    Raises:
        RunError: a file cannot be written.
    """
    drawn = []
    for env, own in by_env(rows).items():
        scores, curves = (folder / path for path, _ in figures_of(env))
        scored = [row for row in own if row["scores"]]
        if scored:
            drawn.append(draw_scores(scored, scores, title=env))
        runs = [RunFolder.open(folder / row["run"]) for row in own if (folder / row["run"] / "config.json").exists()]
        runs = [run for run in runs if any("score/player_0" in row for row in run.metrics())]
        if runs:
            steps = all("env_steps" in row for run in runs for row in run.metrics())
            drawn.append(draw_learning_curves(runs, curves, x="env-steps" if steps else "updates"))
    return drawn


def draw_scores(rows: Sequence[Mapping[str, Any]], out: Path, *, title: str) -> Path:
    """Draw the interquartile means and their intervals: a panel a metric, a line a learner.

    Raises:
        RunError: the file cannot be written.
    """
    metrics = shown_metrics(rows)
    names = [row["algorithm"] for row in rows]
    with rc_context({**STYLE, "axes.grid.axis": "x"}):
        height = 1.1 + 0.42 * len(rows)
        figure = Figure(figsize=(1.4 + 2.7 * len(metrics), height), layout="constrained")
        grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric in zip(grid, metrics, strict=True):
            _draw_metric(axes, rows, metric)
        grid[0].set_yticks(range(len(names)), names)
        figure.suptitle(f"{title}: interquartile mean, 95 % interval", x=0.01, ha="left", fontsize=11, color="#333333")
        with writing(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(out, dpi=160)
    return out


def _draw_metric(axes: Axes, rows: Sequence[Mapping[str, Any]], metric: str) -> None:
    for place, row in enumerate(rows):
        found = row["scores"].get(metric)
        if found is None:
            continue
        colour = COLOURS[place % len(COLOURS)]
        axes.plot([found["low"], found["high"]], [place, place], color=colour, linewidth=6, alpha=0.35)
        seeds = [value for value in found["per_seed"] if value is not None]
        axes.plot(seeds, [place] * len(seeds), "|", color=colour, markersize=7, alpha=0.8)
        axes.plot([found["iqm"]], [place], "o", color=colour, markersize=6)
    axes.set(title=metric_title(metric), xlabel="mean reward a step" if metric.startswith("score") else "")
    axes.margins(x=0.1)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def draw_or_say(folder: Path, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Draw every figure; return what went wrong in place of raising: results are worth more than their pictures."""
    try:
        draw_all(folder, rows)
    except PolaxError as error:
        return str(error)
    return None
