"""Figures 4 and 5 of the POLA paper: the three learners on sampled trajectories, trained again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from ...runner.evaluation.scores import mean_gap, scores_of_seeds
from ...runner.evaluation.statistics import FEWEST, mean_and_spread
from ...runner.report.document import Document
from ...runner.report.learning import Mark, Quantity, learning_curves, quantities, read_run
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import resolve
from ..report import Row, reproduction, stem_of
from ..training import final_rows, how_trained, lost_seeds, trained
from .published import SCORES, Score

_AS_PUBLISHED = {"players": "two"}
"""The paper's players have parameters of their own, whatever the presets do."""


def figure4(**settings: Any) -> Document:
    """Train the three learners in the iterated prisoner's dilemma and compare them with the paper's Figure 4.

    Args:
        **settings: ``runs``, seeds of each learner; ``seed``, the first of them; ``scale``, the preset; ``training``,
            the folder of the runs, of which those that are there are read or continued; ``console``.

    Returns:
        Final scores beside the published ones, and the learning curves.

    Raises:
        PolaxError: see `trained`.
    """
    title = "Figure 4: iterated prisoner's dilemma, sampled trajectories"
    return _reproduce("figure4", title, "IPD-v0", **settings)


def figure5(**settings: Any) -> Document:
    """Train the three learners in the coin game and compare them with the paper's Figure 5; see `figure4`."""
    return _reproduce("figure5", "Figure 5: coin game, sampled trajectories", "CoinGame-v0", **settings)


def _reproduce(
    name: str, title: str, env: str, *, runs: int, seed: int, scale: str, training: Path, console: Console
) -> Document:
    published = {(learner, what): score for (figure, learner, what), score in SCORES.items() if figure == name}
    seeds = tuple(range(seed, seed + runs))
    folders = {
        learner: trained(
            resolve(learner, env, preset=scale, options=_AS_PUBLISHED, seeds=seeds), training / learner, console
        )
        for learner in dict.fromkeys(learner for learner, _ in published)
    }
    trained_runs = [read_run(folder) for folder in folders.values()]
    rows = [
        row
        for quantity in quantities(trained_runs)
        if not quantity.gap  # it stands beside the mean
        for learner, folder in folders.items()
        if (row := _compare(published, quantity, learner, folder)) is not None
    ]
    marks = [Mark(learner, what, *score) for (learner, what), score in published.items()]
    return reproduction(
        name,
        f"{title} ({scale} scale)",
        {
            "learner": "{learner}",
            "what": "{what}",
            "ours": "{mean:.3f} {spread}",
            "player 0": "{players[0]:.3f}",
            "player 1": "{players[1]:.3f}",
            "gap": "{gap:.3f}",
            "published": _published,
            "difference": "{difference:+.3f}",
            "seeds": lambda row: " ".join(f"{value:.2f}" for value in row["per_seed"].values()),
        },
        rows,
        stem=stem_of(name, scale),
        notes=_notes(folders, scale),
        chart=learning_curves("", trained_runs, x="outer-steps", marks=marks),
    )


def _compare(
    published: Mapping[tuple[str, str], Score], quantity: Quantity, learner: str, folder: RunFolder
) -> dict[str, Any] | None:
    """Return one final value, ours and the published one; None where the game has no such quantity."""
    rows = final_rows(folder)
    values = {str(row["seed"]): quantity.value(row) for row in rows}
    found = {seed: float(value) for seed, value in values.items() if value is not None}
    if not found:
        return None
    ours = mean_and_spread(list(found.values()))
    theirs = published.get((learner, quantity.name))
    scores = None if quantity.metric else scores_of_seeds(rows, quantity.opponent)
    return {
        "learner": learner,
        "what": quantity.name,
        "mean": ours.mean,
        "low": ours.low,
        "high": ours.high,
        "spread": str(ours),
        "players": None if scores is None else scores.mean(axis=0).tolist(),
        "gap": None if scores is None else mean_gap(rows, quantity.opponent),
        "per_seed": found,
        "published": None if theirs is None else theirs._asdict(),
        "difference": None if theirs is None else ours.mean - theirs.value,
        "config": folder.spec().to_json(),
    }


def _published(row: Row) -> str:
    if row["published"] is None:
        return ""
    template = "{value:.3f}" if row["published"]["low"] is None else "{value:.3f} ({low:.3f} to {high:.3f})"
    return template.format_map(row["published"])


def _notes(folders: Mapping[str, RunFolder], scale: str) -> list[str]:
    """Say what was trained, for how long, and what the comparison can mean."""
    notes = [
        "Mean over seeds and players of the last evaluation, with the 95% interval (Student's t) over seeds, or the "
        f"range of fewer than {FEWEST}; each player's mean over seeds, and the gap between them, which is the mean of "
        "each seed's.",
        "Co-play: the two policies that were trained together; each player has parameters of its own, as in the paper.",
    ]
    notes += [how_trained(learner, folder) for learner, folder in folders.items()]
    if scale != "published":
        notes.append("The published values are of the published settings, which train longer on larger batches.")
    return [*notes, *lost_seeds(folders)]
