"""Figures 4 and 5 of the POLA paper: the three learners on sampled trajectories, trained again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from ...runner.evaluation.statistics import mean_and_interval
from ...runner.report.document import Document
from ...runner.report.learning import Mark, Quantity, learning_curves, quantities, read_run
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import RunSpec, resolve
from ...runner.training.loop import begin_or_continue, last_rows
from . import published
from .published import Score
from .report import ReproductionError, reproduction

EVALUATIONS = 200
"""About so many evaluations of a run, however many updates it has."""


class SampledFigure(NamedTuple):
    """A figure to train again."""

    name: str
    title: str
    env: str
    published: Mapping[tuple[str, str], Score]
    """Final values by learner and quantity."""

    @property
    def learners(self) -> tuple[str, ...]:
        """Return the names of the learners."""
        return tuple(dict.fromkeys(learner for learner, _ in self.published))


_FIGURE4 = SampledFigure(
    "figure4", "Figure 4: iterated prisoner's dilemma, sampled trajectories", "IPD-v0", published.FIGURE4
)
_FIGURE5 = SampledFigure("figure5", "Figure 5: coin game, sampled trajectories", "CoinGame-v0", published.FIGURE5)


def trained(spec: RunSpec, folder: Path, console: Console) -> RunFolder:
    """Train one learner, or read or continue what is there.

    Raises:
        ReproductionError: training was interrupted or came to nothing.
        PolaxError: the run that is there was made with other settings, or cannot be written.
    """
    spec = replace(spec, eval_every=max(1, spec.updates // EVALUATIONS))
    run, outcome = begin_or_continue(spec, folder, console=console)
    if outcome.exit_status > 1:
        raise ReproductionError(f"{spec.algorithm} was interrupted; run the same command again to continue")
    if outcome.exit_status:
        raise ReproductionError(outcome.message)
    return run


def figure4(**settings: Any) -> Document:
    """Train the three learners in the iterated prisoner's dilemma and compare them with the paper's Figure 4.

    Args:
        **settings: see `_reproduce`.

    Returns:
        Final scores beside the published ones, and the learning curves.

    Raises:
        ReproductionError: training was interrupted or came to nothing.
        PolaxError: a run that is there was made with other settings, or cannot be written.
    """
    return _reproduce(_FIGURE4, **settings)


def figure5(**settings: Any) -> Document:
    """Train the three learners in the coin game and compare them with the paper's Figure 5; see `figure4`."""
    return _reproduce(_FIGURE5, **settings)


def _reproduce(
    target: SampledFigure, *, runs: int, seed: int, scale: str, training: Path, console: Console
) -> Document:
    """Train the learners of a figure and compare their final scores.

    Args:
        target: the figure.
        runs: seeds of each learner.
        seed: the first of them.
        scale: the preset to train with.
        training: folder of the runs; those that are there are read, or continued.
        console: where progress is shown.
    """
    seeds = tuple(range(seed, seed + runs))
    folders = {
        learner: trained(resolve(learner, target.env, preset=scale, seeds=seeds), training / learner, console)
        for learner in target.learners
    }
    trained_runs = [read_run(folder) for folder in folders.values()]
    rows = [
        row
        for quantity in quantities(trained_runs)
        for learner, folder in folders.items()
        if (row := _compare(target, quantity, learner, folder)) is not None
    ]
    marks = [
        Mark(learner, what, score.value, score.low, score.high) for (learner, what), score in target.published.items()
    ]
    return reproduction(
        name=target.name,
        stem=target.name if scale == "published" else f"{target.name}_{scale}",
        title=f"{target.title} ({scale} scale)",
        columns=("learner", "what", "ours", "published", "difference", "seeds"),
        rows=[_text(row) for row in rows],
        cells=rows,
        notes=_notes(folders, scale),
        chart=learning_curves("", trained_runs, x="outer-steps", marks=marks),
    )


def _final_rows(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the last scores of the seeds that trained to the end."""
    rows = last_rows(folder)
    end = max((row["update"] for row in rows), default=0)
    return [row for row in rows if row["update"] == end]


def _compare(target: SampledFigure, quantity: Quantity, learner: str, folder: RunFolder) -> dict[str, Any] | None:
    """Return one final value, ours and the published one; None where the game has no such quantity."""
    rows = _final_rows(folder)
    values = [quantity.value(row) for row in rows]
    found = [float(value) for value in values if value is not None]
    if not found:
        return None
    mean, half = mean_and_interval(found)
    theirs = target.published[learner, quantity.name]
    return {
        "learner": learner,
        "what": quantity.name,
        "mean": mean,
        "half_interval": half,
        "per_seed": {str(row["seed"]): value for row, value in zip(rows, found, strict=True)},
        "published": theirs._asdict(),
        "difference": mean - theirs.value,
        "config": folder.spec().to_json(),
    }


def _text(row: Mapping[str, Any]) -> tuple[str, ...]:
    theirs = row["published"]
    interval = "" if theirs["low"] is None else f" ({theirs['low']:.3f} to {theirs['high']:.3f})"
    return (
        row["learner"],
        row["what"],
        f"{row['mean']:.3f} ± {row['half_interval']:.3f}",
        f"{theirs['value']:.3f}{interval}",
        f"{row['difference']:+.3f}",
        " ".join(f"{value:.2f}" for value in row["per_seed"].values()),
    )


def how_trained(folder: RunFolder) -> str:
    """Say in a line what a run trained, and how long."""
    spec, launch = folder.spec(), folder.manifest()["launches"][-1]
    sizes = f"batch {spec.options['num_envs']}, hidden {spec.options['hidden_size']}"
    minutes = launch["training_seconds"] / 60
    steps = spec.options["outer_steps"]
    return (
        f"{spec.algorithm}: {spec.updates} updates of {steps} outer step{'' if steps == 1 else 's'}, {sizes}; "
        f"{len(spec.seeds)} seeds together trained for {minutes:.1f} minutes on {', '.join(launch['devices'])}."
    )


def _notes(folders: Mapping[str, RunFolder], scale: str) -> list[str]:
    """Say what was trained, for how long, and what the comparison can mean."""
    notes = ["Mean over seeds and players of the last evaluation, with the 95% interval (Student's t) over seeds."]
    notes += [how_trained(folder) for folder in folders.values()]
    if scale != "published":
        notes.append("The published values are of the published settings, which train longer on larger batches.")
    lost = [learner for learner, folder in folders.items() if len(_final_rows(folder)) < len(folder.spec().seeds)]
    if lost:
        notes.append(f"Seeds that stopped being finite are left out: {', '.join(lost)}.")
    return notes
