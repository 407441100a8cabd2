"""The names of scores, and what is said of a pair: its mean, its players and the gap between them.

A learner's own players are scored together as ``score/player_0`` and ``score/player_1``, and each of them against a
strategy as ``score/player_0/vs/tit-for-tat``. What they do together is *co-play* where each has learned parameters of
its own, and *self-play* where one policy plays as every player.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...options import digits

if TYPE_CHECKING:
    import numpy as np

COOPERATOR, TIT_FOR_TAT, DEFECTOR = "always-cooperate", "tit-for-tat", "always-defect"
"""The strategies that a learner is judged by, where the game has them; every table shows the last two."""

MAIN = ("", TIT_FOR_TAT, DEFECTOR)
"""Opponents whose scores are shown first; the empty one: the learner's own players together."""


def pairing(*, self_play: bool) -> str:
    """Return the word for what a learner's own players do together."""
    return "self-play" if self_play else "co-play"


def score_name(player: int, opponent: str = "") -> str:
    """Return the metric of one player's score against a strategy, or with the learner's other players."""
    return _against(f"score/player_{player}", opponent)


def mean_name(opponent: str = "") -> str:
    """Return what results call the mean over players: ``score``, ``score/vs/tit-for-tat``."""
    return _against("score", opponent)


def gap_name(opponent: str = "") -> str:
    """Return what results call the gap between the players: ``score/gap``, ``score/gap/vs/tit-for-tat``."""
    return _against("score/gap", opponent)


def _against(name: str, opponent: str) -> str:
    return f"{name}/vs/{opponent}" if opponent else name


def scored_players(row: Mapping[str, Any]) -> list[int]:
    """Return the players that have scores in a line of metrics; none where nothing was evaluated."""
    heads = {name.removeprefix("score/player_").split("/")[0] for name in row if name.startswith("score/player_")}
    return sorted(player for head in heads if (player := digits(head)) is not None)


def opponents_of(row: Mapping[str, Any]) -> list[str]:
    """Return the opponents that have scores in a line of metrics, those of `MAIN` first."""
    names = [name for name in row if name.startswith("score/player_")]
    found = {name.partition("/vs/")[2] for name in names}
    return [*(name for name in MAIN if name in found), *sorted(found - set(MAIN))]


def player_scores(row: Mapping[str, Any], opponent: str = "") -> list[float] | None:
    """Return each player's score against ``opponent``; None if the line has none."""
    names = [score_name(player, opponent) for player in scored_players(row)]
    return [float(row[name]) for name in names] if names and all(name in row for name in names) else None


def mean_score(row: Mapping[str, Any], opponent: str = "") -> float | None:
    """Return the mean over players of the scores against ``opponent``; None if the line has none."""
    values = player_scores(row, opponent)
    return None if values is None else sum(values) / len(values)


def score_gap(row: Mapping[str, Any], opponent: str = "") -> float | None:
    """Return the highest player's score less the lowest one's against ``opponent``; None if the line has none."""
    values = player_scores(row, opponent)
    return None if values is None else max(values) - min(values)


def scores_of_seeds(rows: Iterable[Mapping[str, Any]], opponent: str = "") -> np.ndarray | None:
    """Return each player's score against ``opponent`` in the lines that have them, ``[S, players]``; None without."""
    import numpy as np  # not before it is needed: listings, which have nothing to do with scores, import this module

    found = [scores for row in rows if (scores := player_scores(row, opponent)) is not None]
    return np.array(found) if found else None


def mean_gap(rows: Iterable[Mapping[str, Any]], opponent: str = "") -> float | None:
    """Return the mean over seeds of their gaps, which is not the gap of their means; None if no line has one."""
    scores = scores_of_seeds(rows, opponent)
    return None if scores is None else float(over_players(scores)[1].mean())


def by_seed(table: Mapping[str, np.ndarray], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return what was scored, each ``[S]``, as an object for each seed."""
    return [
        {"seed": seed, **{name: float(values[index]) for name, values in table.items()}}
        for index, seed in enumerate(seeds)
    ]


def over_players(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and gap of the players of each seed; the gap of several seeds is the mean of theirs.

    Args:
        scores: ``[S, players]``.

    Returns:
        Both ``[S]``.
    """
    return scores.mean(axis=1), scores.max(axis=1) - scores.min(axis=1)


def with_pairs(table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the mean over players of each score, and the gap between them, before what there is; all ``[S]``."""
    import numpy as np

    pairs = {}
    for opponent in opponents_of(table):
        scores = np.stack([table[score_name(player, opponent)] for player in scored_players(table)], axis=1)
        pairs[mean_name(opponent)], pairs[gap_name(opponent)] = over_players(scores)
    return {**pairs, **table}
