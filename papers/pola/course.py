"""How POLA-DiCE gets there: its scores update by update, beside those of the published program at the same setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from rich.console import Console

from ...runner.evaluation.scores import over_players, scores_of_seeds
from ...runner.report.document import Document
from ...runner.report.learning import learning_curves, quantities, read_run
from ...runner.report.parts import Chart, Panel
from ...runner.report.svg import SERIES
from ...runner.runs.files import RunError
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import resolve
from ..report import Row, reproduction
from ..tables import read_table
from ..training import how_trained, trained

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


def course(*, runs: int, seed: int, scale: str, training: Path, console: Console) -> Document:
    """Train POLA-DiCE and compare its scores after some updates with those of the published program.

    Args:
        runs: seeds.
        seed: the first of them.
        scale: ``small``, the only one.
        training: folder of the run; a run that is there is read or continued.
        console: where progress is shown.

    Returns:
        Scores after the updates for which the published program's are known, and the learning curves.

    Raises:
        PolaxError: training was interrupted or failed, or the folder holds a run with other settings.
    """
    del scale
    spec = resolve("pola-dice", "IPD-v0", seeds=tuple(range(seed, seed + runs)), **SMALL)
    folder = trained(spec, training / spec.algorithm, console)
    rows = [_compare(theirs, folder) for theirs in read_table(__package__, "course.csv")]
    worst = max(rows, key=lambda row: abs(row["difference"]))
    return reproduction(
        "course",
        "POLA-DiCE in the iterated prisoner's dilemma, update by update, at a small setting",
        {
            "what": "{what}",
            "update": "{update}",
            "ours, mean": "{mean:.3f}",
            "ours, lowest to highest seed": "{low:.3f} to {high:.3f}",
            "ours, player 0 and 1": "{players[0]:.3f}, {players[1]:.3f}",
            "ours, gap": "{gap:.3f}",
            "published program": "{published[0]:.3f}, {published[1]:.3f}",
            "difference": "{difference:+.3f}",
        },
        rows,
        notes=[
            f"Ours: {runs} seeds. {how_trained(spec.algorithm, folder)}",
            "The published program: two seeds of its own code at the same setting, 8.5 to 9.2 s per update and seed.",
            f"The difference is that of the means; the largest is {worst['difference']:+.3f}, in {worst['what']} after "
            f"update {worst['update']}.",
        ],
        chart=_chart(folder, rows),
    )


def _compare(theirs: Mapping[str, Any], folder: RunFolder) -> dict[str, Any]:
    (quantity,) = (each for each in quantities([read_run(folder)]) if each.name == theirs["what"])
    rows = [row for row in folder.metrics() if row["update"] == theirs["update"]]
    scores = scores_of_seeds(rows, quantity.opponent)
    if scores is None:
        raise RunError(f"{folder.path} has no score after update {theirs['update']}; remove it to train again")
    values, gaps = over_players(scores)
    published = [theirs["seed_0"], theirs["seed_1"]]
    return {
        "what": theirs["what"],
        "update": theirs["update"],
        "mean": float(values.mean()),
        "low": float(values.min()),
        "high": float(values.max()),
        "players": scores.mean(axis=0).tolist(),
        "gap": float(gaps.mean()),
        "published": published,
        "difference": float(values.mean() - np.mean(published)),
    }


def _chart(folder: RunFolder, rows: Sequence[Row]) -> Chart:
    """Return the learning curves with the published program's scores as points."""
    chart = learning_curves("", [read_run(folder)], x="updates")
    return chart._replace(panels=[_with_points(rows, panel) for panel in chart.panels])


def _with_points(rows: Sequence[Row], panel: Panel) -> Panel:
    """Return a panel with the published scores that there are of it."""
    own = [row for row in rows if row["what"] == panel.title.lower()]
    if not own:
        return panel

    def draw(axes: Axes) -> None:
        panel.draw(axes)
        points = np.array([(row["update"], score) for row in own for score in row["published"]])
        axes.plot(*points.T, "D", color=SERIES[1], markerfacecolor="white", label="published program")

    return panel._replace(draw=draw)
