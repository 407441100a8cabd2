"""Matches in which a player of ordinary Python takes part, one pair after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ...envs.base import Game, Policy
from ...envs.policies.play import for_python
from ...envs.policies.python_play import start_in_python, steps_in_python
from .records import START, Played, Shown


def play_pair(
    key: jax.Array, game: Game[Any, Any], params: Any, policies: Sequence[Policy], *, episodes: int
) -> Played:
    """Play one ordered pair.

    Args:
        key: a typed key.
        game: a game of two players.
        params: its numbers.
        policies: who sits in seat 0 and in seat 1; pytrees or ordinary Python.
        episodes: how many.

    Returns:
        What happened, every array with two leading axes of length 1 in place of the players'.
    """
    players = [for_python(policy) for policy in policies]
    _, state = start_in_python(key, game, params, num_envs=episodes)
    states, actions, rewards, infos = [_first(state)], [], [], []
    total = np.zeros((episodes, 2))
    before = np.full((episodes, 2), START)
    moves = np.zeros((2, 5, 2)) if game.num_actions == 2 else None
    for step in steps_in_python(key, game, params, players, num_envs=episodes):
        if moves is not None:
            _count_moves(moves, before, step.actions)
        before = step.actions
        total += step.rewards
        states.append(_first(step.state))
        actions.append(step.actions[0])
        rewards.append(step.rewards[0])
        infos.append(jax.device_get(step.info))
    played = Played(
        rewards=total / len(actions),
        moves=moves,
        info={name: np.asarray(np.mean([info[name] for info in infos])) for name in infos[0]},
        shown=Shown(np.stack(actions), np.stack(rewards), jax.tree.map(lambda *leaves: np.stack(leaves), *states)),
    )
    wrapped: Played = jax.tree.map(lambda leaf: leaf[None, None], played)
    return wrapped


def _first(state: Any) -> Any:
    """Return the state of the first episode."""
    return jax.tree.map(lambda leaf: np.asarray(leaf[0]), state)


def _count_moves(moves: np.ndarray, before: np.ndarray, actions: np.ndarray) -> None:
    """Add what each seat did after which joint action to ``[seat, situation, action]``."""
    for seat in (0, 1):
        own, other = before[:, seat], before[:, 1 - seat]
        situation = np.where(own == START, 4, 2 * own + other)
        np.add.at(moves[seat], (situation, actions[:, seat]), 1)
