"""From what happened in the matches to tables: scores, rankings, habits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .records import SITUATIONS, Played

DECIDED = 2.0
"""A player beats another where it scores more by this many standard errors of the difference; else it is a draw."""

WIN, DRAW = 1.0, 0.5
"""Points."""


class Scores(NamedTuple):
    """Mean reward a step of the row's player against the column's."""

    mean: np.ndarray  # [P, P], both seats averaged; the diagonal is self-play
    standard_error: np.ndarray  # [P, P], over episodes; NaN where there is one episode only
    by_seat: np.ndarray  # [P, P, 2], the row's player in seat 0 and in seat 1
    lead: np.ndarray  # [P, P]: the row's score less the column's
    lead_error: np.ndarray  # [P, P]: its standard error


def score(rewards: np.ndarray) -> Scores:
    """Average rewards over episodes and seats.

    Args:
        rewards: ``[P, P, N, 2]``, see `Played`.

    Returns:
        The scores.
    """
    first, second = rewards[..., 0], np.swapaxes(rewards[..., 1], 0, 1)  # [P, P, N], of the row's player
    mean = (first.mean(-1) + second.mean(-1)) / 2
    # Two matches of a pair are independent; with itself a player has one match, in which it has both seats.
    error = np.hypot(_error(first), _error(second)) / 2
    itself = np.arange(len(rewards))
    error[itself, itself] = _error(rewards[itself, itself].mean(-1))
    difference = rewards[..., 0] - rewards[..., 1]  # [P, P, N]
    lead = (difference.mean(-1) - difference.mean(-1).T) / 2
    lead_error = np.hypot(_error(difference), _error(difference).T) / 2
    return Scores(mean, error, np.stack([first.mean(-1), second.mean(-1)], axis=-1), lead, lead_error)


def _error(values: np.ndarray) -> np.ndarray:
    """Standard error of the mean over the last axis; NaN for one value."""
    count = values.shape[-1]
    if count == 1:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values.std(axis=-1, ddof=1) / np.sqrt(count))


def rank_by_mean(names: Sequence[str], scores: Scores) -> list[dict[str, Any]]:
    """Rank players by their mean score against the others (against itself where there is no other), best first."""
    count = len(names)
    others = ~np.eye(count, dtype=bool) if count > 1 else np.ones((1, 1), bool)
    number = others.sum(axis=1)
    mean = np.where(others, scores.mean, 0).sum(axis=1) / number
    error = np.sqrt(np.where(others, scores.standard_error**2, 0).sum(axis=1)) / number
    rows = [
        {"name": name, "score": float(mean[index]), "standard_error": float(error[index])}
        for index, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: -row["score"])


def rank_head_to_head(names: Sequence[str], scores: Scores) -> list[dict[str, Any]]:
    """Rank players by whom they score more than in direct encounter: a point for a win, half a point for a draw."""
    rounding = 1e-6  # of float32 sums, where nothing is random
    clear = np.abs(scores.lead) > np.maximum(DECIDED * np.nan_to_num(scores.lead_error), rounding)
    np.fill_diagonal(clear, val=False)
    wins, losses = (clear & (scores.lead > 0)).sum(axis=1), (clear & (scores.lead < 0)).sum(axis=1)
    rows = []
    for index, name in enumerate(names):
        won, lost = int(wins[index]), int(losses[index])
        drawn = len(names) - 1 - won - lost
        rows.append({"name": name, "wins": won, "draws": drawn, "losses": lost, "points": WIN * won + DRAW * drawn})
    return sorted(rows, key=lambda row: -row["points"])


def policy_tables(names: Sequence[str], played: Played) -> dict[str, Any]:
    """Return how often each player cooperated after each last joint action, all opponents and seats together.

    Returns:
        By name, None in games of more than two actions. Action 1 counts as cooperation.
    """
    if played.moves is None:
        return dict.fromkeys(names)
    tables = {}
    for index, name in enumerate(names):
        counts = played.moves[index, :, 0].sum(axis=0) + played.moves[:, index, 1].sum(axis=0)  # [5, 2]
        rows = []
        for after, situation in SITUATIONS.items():
            total = counts[situation].sum()
            rate = float(counts[situation, 1] / total) if total else None
            rows.append({"after": after, "cooperate": rate, "count": int(total)})
        tables[name] = {"memory": "played", "rows": rows}
    return tables


COIN_COUNTS = ("red_took_red", "red_took_blue", "blue_took_red", "blue_took_blue")


def pick_ups(names: Sequence[str], played: Played) -> dict[str, Any]:
    """Return which coins each player took a step, and how many of its own it lost; None in games without coins."""
    if not set(COIN_COUNTS) <= set(played.info):
        return dict.fromkeys(names)
    red_red, red_blue, blue_red, blue_blue = (played.info[name] for name in COIN_COUNTS)
    table = {}
    for index, name in enumerate(names):
        own = (red_red[index].mean() + blue_blue[:, index].mean()) / 2
        others = (red_blue[index].mean() + blue_red[:, index].mean()) / 2
        lost = (blue_red[index].mean() + red_blue[:, index].mean()) / 2
        share = own / (own + others) if own + others > 0 else None
        table[name] = {
            "own_coin_proportion": None if share is None else float(share),
            "own_coins": float(own),
            "other_coins": float(others),
            "lost_coins": float(lost),
        }
    return table


def episodes_shown(names: Sequence[str], played: Played) -> list[dict[str, Any]]:
    """Return one recorded episode of each pair, the first named in seat 0."""
    episodes = []
    shown = played.shown
    for row in range(len(names)):
        for column in range(row, len(names)):
            frames = {
                "actions": shown.actions[row, column].tolist(),
                "rewards": np.round(np.asarray(shown.rewards[row, column], np.float64), 6).tolist(),
                "state": _board(shown.states, row, column),
            }
            episodes.append({"row": names[row], "column": names[column], "frames": frames})
    return episodes


def _board(states: Any, row: int, column: int) -> Any:
    """Return what is needed to draw a game on a board, before the first step and after each; nothing for others."""
    if not all(hasattr(states, name) for name in ("players", "coin", "coin_owner")):
        return {}
    players, coin, owner = (getattr(states, name)[row, column].tolist() for name in ("players", "coin", "coin_owner"))
    return [
        {"players": cells, "coin": cell, "owner": colour}
        for cells, cell, colour in zip(players, coin, owner, strict=True)
    ]
