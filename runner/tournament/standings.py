"""From what happened in the matches to tables: scores, rankings, habits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ...envs.base import Game
from ...envs.rendering.frame import letters
from .records import START_ROW, Played

DECIDED = 2.0
"""A player beats another where it scores more by this many standard errors of the difference; else it is a draw."""

WIN, DRAW = 1.0, 0.5
"""Points."""


class Scores(NamedTuple):
    """Mean reward a step of the row's player against the column's."""

    mean: np.ndarray  # [P, P], the mean over playing as player 0 and as player 1; the diagonal is against itself
    standard_error: np.ndarray  # [P, P], over episodes; NaN where there is one episode only
    by_player: np.ndarray  # [P, P, 2], the row's score as player 0 and as player 1
    lead: np.ndarray  # [P, P]: the row's score less the column's
    lead_error: np.ndarray  # [P, P]: its standard error


def score(rewards: np.ndarray) -> Scores:
    """Average rewards ``[P, P, N, 2]`` (see `Played`) over episodes and over both players of the game."""
    first, second = rewards[..., 0], np.swapaxes(rewards[..., 1], 0, 1)  # [P, P, N], of the row's player
    mean = (first.mean(-1) + second.mean(-1)) / 2
    # The two matches of a pair are independent; against itself a player has one match, in which it is both players.
    error = np.hypot(standard_error(first), standard_error(second)) / 2
    itself = np.arange(len(rewards))
    error[itself, itself] = standard_error(rewards[itself, itself].mean(-1))
    difference = rewards[..., 0] - rewards[..., 1]  # [P, P, N]
    lead = (difference.mean(-1) - difference.mean(-1).T) / 2
    lead_error = np.hypot(standard_error(difference), standard_error(difference).T) / 2
    return Scores(mean, error, np.stack([first.mean(-1), second.mean(-1)], axis=-1), lead, lead_error)


def standard_error(values: np.ndarray) -> np.ndarray:
    """Standard error of the mean over the last axis; NaN for one value."""
    count = values.shape[-1]
    if count == 1:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values.std(axis=-1, ddof=1) / np.sqrt(count))


def rank_by_mean(names: Sequence[str], scores: Scores) -> list[dict[str, Any]]:
    """Rank players by their mean score against the others (against itself where there is no other), best first."""
    count = len(names)
    others = ~np.eye(count, dtype=bool) if count > 1 else np.ones((1, 1), bool)
    count_others = others.sum(axis=1)
    mean = np.where(others, scores.mean, 0).sum(axis=1) / count_others
    by_player = np.where(others[..., None], scores.by_player, 0).sum(axis=1) / count_others[:, None]  # [P, 2]
    error = np.sqrt(np.where(others, scores.standard_error**2, 0).sum(axis=1)) / count_others
    rows = [
        {
            "name": name,
            "score": float(mean[index]),
            "standard_error": float(error[index]),
            "by_player": by_player[index].tolist(),
        }
        for index, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: -row["score"])


def rank_head_to_head(names: Sequence[str], scores: Scores) -> list[dict[str, Any]]:
    """Rank players by how many others they outscore head to head: a point for a win, half a point for a draw."""
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


def policy_tables(names: Sequence[str], played: Played, game: Game[Any, Any]) -> dict[str, Any]:
    """Return how often each player cooperated after each last joint action, over all its matches.

    Returns:
        Rows by name, None in games of more than two actions. Situations are written with C and D, the own action
        first. In a game without cooperation, letters of its actions are written and action 1 is counted.
    """
    if played.moves is None:
        return dict.fromkeys(names)
    counted, signs = 1, letters(game.action_names)
    if game.cooperative_action is not None:
        counted = game.cooperative_action
        signs = ["C" if action == counted else "D" for action in range(2)]
    order = (counted, 1 - counted)
    situations = {
        "start": START_ROW,
        **{signs[own] + signs[other]: 2 * own + other for own in order for other in order},
    }
    tables: dict[str, Any] = {}
    for index, name in enumerate(names):
        counts = played.moves[index, :, 0].sum(axis=0) + played.moves[:, index, 1].sum(axis=0)  # [5, 2]
        tables[name] = []
        for after, situation in situations.items():
            total = counts[situation].sum()
            rate = float(counts[situation, counted] / total) if total else None
            tables[name].append({"after": after, "cooperate": rate, "count": int(total)})
    return tables


def player_measures(names: Sequence[str], played: Played, game: Game[Any, Any]) -> dict[str, Any]:
    """Return the game's measures of each player, all opponents together.

    Returns:
        ``measures``, what they are; ``values``, by player and measure: None where a measure is undefined.
    """
    values = {}
    for index, name in enumerate(names):
        infos = [
            {entry: means[index].mean() for entry, means in played.info.items()},
            {entry: means[:, index].mean() for entry, means in played.info.items()},
        ]
        found = {measure: float(value) for measure, value in game.summarise_player(infos).items()}
        values[name] = {measure: None if np.isnan(value) else value for measure, value in found.items()}
    return {"measures": [measure._asdict() for measure in game.player_measures], "values": values}


def episodes_shown(names: Sequence[str], played: Played, game: Game[Any, Any]) -> list[dict[str, Any]]:
    """Return one recorded episode of each pair, ``row`` as player 0."""
    episodes = []
    shown = played.shown
    if shown is None:
        raise ValueError("episodes that were not watched cannot be shown")
    for row in range(len(names)):
        for column in range(row, len(names)):
            frames = {
                "actions": shown.actions[row, column].tolist(),
                "rewards": np.round(np.asarray(shown.rewards[row, column], np.float64), 6).tolist(),
                "boards": _boards(game, jax.tree.map(lambda leaf, at=(row, column): leaf[at], shown.states)),
            }
            episodes.append({"row": names[row], "column": names[column], "frames": frames})
    return episodes


def _boards(game: Game[Any, Any], states: Any) -> list[dict[str, Any]]:
    """Return the board before the first step and after each, JSON-ready; nothing for games without one."""
    times = range(len(jax.tree.leaves(states)[0]))
    boards = [game.board(jax.tree.map(lambda leaf, at=at: leaf[at], states)) for at in times]
    return [
        {**board._asdict(), "pieces": [piece._asdict() for piece in board.pieces]}
        for board in boards
        if board is not None
    ]
