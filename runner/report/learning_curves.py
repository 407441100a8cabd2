"""What learning curves show, read from run folders alone; drawn by `figures` and by the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...options import OptionError
from ..evaluation.scores import mean_score, seats
from ..runs.folder import RunFolder

X_AXES = ("updates", "outer-steps", "env-steps", "seconds")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's palette, which people with any colour vision can tell apart."""


class Panel(NamedTuple):
    """One pair of axes: what it shows and under which metrics that stands."""

    name: str
    title: str
    y_label: str
    opponent: str = ""
    """Whom the players are scored against; empty: each other."""

    metric: str = ""
    """A metric to show instead of a score."""

    references: Mapping[str, float] | None = None
    """Values to read a metric against; None: the run's reference scores."""


SCORE_PANELS = (
    Panel("self-play", "Against each other", "mean reward a step"),
    Panel("against always-defect", "Against always-defect", "mean reward a step", "always-defect"),
)
"""What learning curves show of every game, where a run has it."""


class Curves(NamedTuple):
    """What one run's metrics say about one panel."""

    x: np.ndarray  # [N]
    values: np.ndarray  # [S, N], NaN where a seed had ended


class LearningRun(NamedTuple):
    """What a run's folder says that its curves need."""

    label: str
    game: str
    outer_steps: int | None
    references: Mapping[str, float]
    measures: Sequence[Mapping[str, Any]]
    """What the game's own metrics mean: a mapping of the fields of `polax.envs.base.Measure` each."""
    rows: Sequence[Mapping[str, Any]]
    """The lines of metrics that have scores."""
    path: Path


def read_run(folder: RunFolder) -> LearningRun:
    """Read what the curves of a run need.

    Raises:
        RunError: the folder is damaged.
    """
    spec, manifest = folder.spec(), folder.manifest()
    outer_steps = spec.options.get("outer_steps")
    return LearningRun(
        label=spec.algorithm,
        game=spec.env,
        outer_steps=outer_steps if isinstance(outer_steps, int) and outer_steps > 0 else None,
        references=manifest.get("reference_scores", {}),
        measures=manifest.get("measures", []),
        rows=[row for row in folder.metrics() if seats(row)],
        path=folder.path,
    )


def panels_of(runs: Sequence[LearningRun]) -> list[Panel]:
    """Return what the learning curves of some runs may show: the measures their games want drawn, then scores."""
    measures = {measure["name"]: measure for run in runs for measure in run.measures if measure["plot"]}
    own = [
        Panel(
            measure["title"].lower(),
            measure["title"],
            measure["unit"],
            metric=measure["name"],
            references=measure["references"],
        )
        for measure in measures.values()
    ]
    return [*own, *SCORE_PANELS]


def common_axis(runs: Sequence[LearningRun]) -> str:
    """Return the horizontal axis to take where none was asked for: outer steps if every run has them, else updates."""
    return "outer-steps" if all(run.outer_steps for run in runs) else "updates"


def axis_label(axis: str) -> str:
    """Write an axis in words."""
    return axis.replace("-", " ").replace("env", "environment")


def curves_of(run: LearningRun, panel: Panel, axis: str) -> Curves | None:
    """Collect one panel's values; None where the run has none.

    Raises:
        OptionError: an axis, one of `X_AXES`, that the run does not have.
    """
    seeds = sorted({row["seed"] for row in run.rows})
    updates = sorted({row["update"] for row in run.rows})
    values = np.full((len(seeds), len(updates)), np.nan)
    position = {update: index for index, update in enumerate(updates)}
    places = np.zeros(len(updates))
    for row in run.rows:
        column = position[row["update"]]
        places[column] = _place(run, row, axis)
        value = row.get(panel.metric) if panel.metric else mean_score(row, panel.opponent)
        if value is not None:
            values[seeds.index(row["seed"]), column] = value
    drawn = np.isfinite(values).any(axis=0)
    return Curves(places[drawn], values[:, drawn]) if drawn.any() else None


def _place(run: LearningRun, row: Mapping[str, Any], axis: str) -> float:
    """Return where a line of metrics belongs on the horizontal axis."""
    if axis == "updates":
        return float(row["update"])
    if axis == "outer-steps":
        if run.outer_steps is None:
            raise OptionError(f"{run.path}: {run.label} has no outer steps; use --x updates")
        return float(row["update"] * run.outer_steps)
    if axis == "env-steps" and "env_steps" not in row:
        raise OptionError(f"{run.path}: {run.label} does not report its environment steps; use --x updates")
    return float(row[axis.replace("-", "_")])


def references(panel: Panel, run: LearningRun) -> Mapping[str, float]:
    """Return the scores (or proportions) that a panel is read against."""
    if panel.references is not None:
        return panel.references
    if panel.opponent:  # nobody gets more out of a defector than by defecting
        return {name: value for name, value in run.references.items() if name == "mutual defection"}
    return run.references
