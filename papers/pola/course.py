"""How POLA-DiCE gets there: its scores update by update, beside those of the published program at the same setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from rich.console import Console

from ...runner.evaluation.scores import mean_score
from ...runner.report.document import Chart, Document, Panel
from ...runner.report.learning import SCORES, learning_curves, read_run
from ...runner.report.svg import SERIES
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import resolve
from . import published
from .report import reproduction
from .sampled import how_trained, trained

SMALL: Mapping[str, Any] = {
    "updates": 40,
    "options": {
        "num_envs": 128,
        "hidden_size": 16,
        "outer_steps": 50,
        "inner_lr": 0.01,
        "outer_lr": 0.02,
        "critic_lr": 0.002,
    },
    "env_options": {"observation_layout": "shared"},
}
"""The published setting with a smaller batch and network, at which both programs were run."""

THEIRS = {
    "self-play": published.COURSE.self_play,
    "against always-defect": published.COURSE.against_always_defect,
}
"""Scores of the published program's two seeds by quantity."""


def course(*, runs: int, seed: int, scale: str, training: Path, console: Console) -> Document:
    """Train POLA-DiCE and set its scores after some updates beside the published program's.

    Args:
        runs: seeds.
        seed: the first of them.
        scale: ``small``, the only one.
        training: folder of the run; one that is there is read, or continued.
        console: where progress is shown.

    Returns:
        Scores after the updates for which the published program's are known, and the learning curves.

    Raises:
        PolaxError: training was interrupted or came to nothing, or a run that is there has other settings.
    """
    del scale
    spec = resolve("pola-dice", "IPD-v0", seeds=tuple(range(seed, seed + runs)), **SMALL)
    folder = trained(spec, training / spec.algorithm, console)
    opponents = {quantity.name: quantity.opponent for quantity in SCORES}
    rows = [
        _compare(what, opponents[what], number, folder)
        for what in THEIRS
        for number in range(len(published.COURSE.updates))
    ]
    worst = max(rows, key=lambda row: abs(row["difference"]))
    return reproduction(
        name="course",
        title="POLA-DiCE in the iterated prisoner's dilemma, update by update, at a small setting",
        columns=("what", "update", "ours, mean", "ours, lowest to highest seed", "published program", "difference"),
        rows=[_text(row) for row in rows],
        cells=rows,
        notes=[
            f"Ours: {runs} seeds. {how_trained(folder)}",
            "The published program: two seeds of its own code at the same setting, 8.5 to 9.2 s an update and seed.",
            f"The difference is that of the means; the largest is {worst['difference']:+.3f}, in {worst['what']} after "
            f"update {worst['update']}.",
        ],
        chart=_chart(folder),
    )


def _compare(what: str, opponent: str, number: int, folder: RunFolder) -> dict[str, Any]:
    update, theirs = published.COURSE.updates[number], THEIRS[what][number]
    scores = [mean_score(row, opponent) for row in folder.metrics() if row["update"] == update]
    values = np.array([score for score in scores if score is not None])
    return {
        "what": what,
        "update": update,
        "mean": float(values.mean()),
        "low": float(values.min()),
        "high": float(values.max()),
        "published": list(theirs),
        "difference": float(values.mean() - np.mean(theirs)),
    }


def _text(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["what"],
        str(row["update"]),
        f"{row['mean']:.3f}",
        f"{row['low']:.3f} to {row['high']:.3f}",
        ", ".join(f"{value:.3f}" for value in row["published"]),
        f"{row['difference']:+.3f}",
    )


def _chart(folder: RunFolder) -> Chart:
    """Return the learning curves with the published program's scores as points."""
    chart = learning_curves("", [read_run(folder)], x="updates")
    return chart._replace(panels=[_with_points(*each) for each in zip(THEIRS.values(), chart.panels, strict=True)])


def _with_points(theirs: Sequence[Sequence[float]], panel: Panel) -> Panel:
    points = np.array(theirs)
    updates = np.repeat(published.COURSE.updates, points.shape[1])

    def draw(axes: Axes) -> None:
        panel.draw(axes)
        axes.plot(updates, points.ravel(), "D", color=SERIES[1], markerfacecolor="white", label="published program")

    return panel._replace(draw=draw)
