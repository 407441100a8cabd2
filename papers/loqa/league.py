"""LOQA's league: the final policy of every seed with itself, with strategies and with the other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ...runner.report.document import Document
from ...runner.report.parts import Chart, Reach, Section, Value, number, score
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import resolve
from ..report import Columns, Row, as_table, reproduction_of, stem_of
from ..training import configs_of, how_trained, lost_seeds, trained
from .drawings import Line, draw_seeds
from .matches import ENV, EPISODES, OTHER_SEEDS, SELF_PLAY, Matches, compared, play_matches, with_preset

LEARNERS = ("loqa", "advantage-alignment", "goodwill-loqa")
OPPONENTS = ("always-cooperate-loqa", "always-defect", "random", "tit-for-tat")
STEPS = (50, 16)
"""Lengths of the episodes of the published league."""


def loqa_league(*, runs: int, seed: int, scale: str, training: Path, console: Console) -> Document:
    """Train the learners in the coin game and compare the final policies of their seeds with the published league.

    Args:
        runs: seeds of each learner.
        seed: the first of them.
        scale: the preset.
        training: folder of the runs; those that are there are read or continued.
        console: where progress is shown.

    Returns:
        For episodes of each length in `STEPS`, apart, what every learner gets and leaves to its opponents.

    Raises:
        PolaxError: training was interrupted or failed, or the folder holds a run with other settings.
    """
    learners, seeds = with_preset(LEARNERS, scale), tuple(range(seed, seed + runs))
    folders = {
        learner: trained(resolve(learner, ENV, preset=scale, seeds=seeds), training / learner, console, course=False)
        for learner in learners
    }
    title, stem = f"LOQA's league in the coin game ({scale} scale)", stem_of("loqa-league", scale)
    rows, sections = [], []
    for steps in STEPS:
        found = [
            row
            for learner, folder in folders.items()
            for row in league_rows(
                learner, steps, play_matches(folder, OPPONENTS, steps=steps, seed=seed, console=console)
            )
        ]
        rows += found
        heading = f"Episodes of {steps} steps"
        table = as_table(f"{heading}: mean reward per step", _COLUMNS, found)
        sections.append(Section(heading, [table, _chart(f"{stem}_{steps}", heading, found)], Reach.CONSOLE))
    notes, configs = _notes(folders, scale), configs_of(folders)
    return reproduction_of("loqa-league", title, sections, rows, notes=notes, configs=configs, stem=stem)


def league_rows(learner: str, steps: int, matches: Matches) -> list[dict[str, Any]]:
    """Return a row for each kind of match: what the learner gets, and what it leaves."""
    return [
        {"learner": learner, "steps": steps, "opponent": opponent, **compared(learner, steps, opponent, matches)}
        for opponent in matches.scores
    ]


def _ours(row: Row) -> Value:
    return score(row["mean"], row["spread"], 3)


def _left(row: Row) -> Value:
    return number(row["opponent_mean"])


def _theirs(row: Row) -> Value:
    published = row["published"]
    return number(None) if published is None else score(published["value"], published["spread"], 3)


def _theirs_left(row: Row) -> Value:
    return number(None if row["published"] is None else row["published"]["opponent_value"])


_COLUMNS: Columns = {
    "learner": "{learner}",
    "opponent": "{opponent}",
    "learner gets": _ours,
    "lowest seed": lambda row: number(row["lowest"]),
    "opponent gets": _left,
    "gap": lambda row: number(row["gap"]),
    "published: learner gets": _theirs,
    "published: opponent gets": _theirs_left,
}


def _chart(name: str, title: str, rows: Sequence[Row]) -> Chart:
    """Draw every seed's score, a panel for each learner."""
    learners = list(dict.fromkeys(row["learner"] for row in rows))
    panels = {
        learner: [_line(row, place) for row in rows if row["learner"] == learner]
        for place, learner in enumerate(learners)
    }
    return draw_seeds(name, title, panels, same_range=True)


def _line(row: Row, colour: int) -> Line:
    published = None if row["published"] is None else row["published"]["value"]
    return Line(row["opponent"], colour, list(row["per_seed"].values()), published)


def _notes(folders: Mapping[str, RunFolder], scale: str) -> list[str]:
    """Say what was trained and measured, and what the comparison can mean."""
    absent = [learner for learner in LEARNERS if learner not in folders]
    notes = [
        f"The final policies, {EPISODES} episodes for each ordered pair. Against an opponent the learner plays both "
        "roles, and ± is the standard deviation over seeds, divided by their number as in the published league.",
        f"{SELF_PLAY}: one policy as both players; the score is the pair's mean, and 'opponent gets' is player 1's. "
        f"{OTHER_SEEDS}: every two different seeds of a learner, in both roles.",
        "gap: mean over seeds of the absolute difference between the two players.",
        "Published values: LOQA's public league (10 seeds, 32 episodes for each pair). It measured LOQA in episodes of "
        "50 steps and Advantage Alignment (9 seeds) in episodes of 16; in fewer steps the first ones weigh more, so "
        "scores of the two lengths must not be compared.",
        "always-cooperate-loqa is that league's always-cooperate, which waits at a distance from the other's coin.",
        *(how_trained(learner, folder) for learner, folder in folders.items()),
        *lost_seeds(folders),
    ]
    if "goodwill-loqa" in folders:
        notes.append("goodwill-loqa is not LOQA: it has a social preference.")
    if absent:
        notes.append(f"Without a {scale} preset for the coin game, and left out: {', '.join(absent)}.")
    if scale != "published":
        notes.append("The published values are of the published settings, which train longer on larger batches.")
    return notes
