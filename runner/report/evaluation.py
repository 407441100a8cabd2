"""What an evaluation found, as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..evaluation.scores import opponents_of, over_players, pairing, scored_players, scores_of_seeds
from ..evaluation.statistics import mean_and_spread, spread_word
from ..runs.manifest import versions
from .document import Document
from .figures import Estimate, draw_estimates
from .parts import Cell, Chart, Panel, Provenance, Reach, Section, Table, Value


def document(result: Mapping[str, Any], command: Sequence[str]) -> Document:
    """Return the document of what an evaluation found.

    Args:
        result: ``run``, ``algorithm``, ``env``, ``checkpoint``, ``self_play``, ``learned``, and ``seeds``, the
            metrics of each.
        command: the words of the command line.
    """
    rows, self_play = result["seeds"], result["self_play"]
    return Document(
        title=f"{result['algorithm']} in {result['env']}, checkpoint {result['checkpoint']} of {result['run']}",
        kind="evaluation",
        sections=[Section("Scores", [_chart(result), score_table(rows, self_play=self_play)], Reach.CONSOLE)],
        provenance=Provenance(command, versions()),
        notes=[result["learned"]] if result["learned"] else [],
        data=result,
    )


def _chart(result: Mapping[str, Any]) -> Chart:
    """Return a line for each line-up: the mean over players of each seed, and the mean of these with its interval."""
    estimates = []
    for opponent in opponents_of(result["seeds"][0]):
        if (scores := scores_of_seeds(result["seeds"], opponent)) is not None:
            seeds = over_players(scores)[0].tolist()
            found = mean_and_spread(seeds)
            name = opponent or pairing(self_play=result["self_play"])
            estimates.append(Estimate(name, 0, found.mean, found.low, found.high, seeds))
    draw = partial(draw_estimates, estimates=estimates, label="mean reward per step")
    title = f"{result['algorithm']} in {result['env']}: mean over players"
    return Chart("scores", title, [Panel("Scores", draw)], (5.6, 1.4 + 0.3 * len(estimates)), grid="x")


def score_table(rows: Sequence[Mapping[str, Any]], *, self_play: bool) -> Table:
    """Return a table of the mean over players, each player's score and the gap between them, for each opponent.

    Args:
        rows: the metrics of each seed at one update; with several, their spread is shown. The gap is the mean of
            theirs.
        self_play: whether one policy plays as every player.
    """
    lines: list[list[Cell]] = []
    for opponent in opponents_of(rows[0]):
        if (scores := scores_of_seeds(rows, opponent)) is not None:
            mean, gap = over_players(scores)
            values = [_mean(each) for each in (mean, *scores.T)]
            lines.append([opponent or pairing(self_play=self_play), *values, _mean(gap, sign="")])
    players = [f"player {player}" for player in scored_players(rows[0])]
    seeds = "" if len(rows) == 1 else f", {len(rows)} seeds, {spread_word(len(rows))}"
    return Table(f"Mean reward per step{seeds}", ["line-up", "mean", *players, "gap"], lines)


def _mean(values: np.ndarray, sign: str = "+") -> Value:
    found = mean_and_spread(values.tolist())
    return Value(f"{found.mean:{sign}.3f}", found.mean, str(found))
