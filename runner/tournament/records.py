"""What the matches of a tournament leave behind."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

START = 2
"""Stands for an action where nobody has acted yet."""

START_ROW = 4
"""The row of `Played.moves` of the first step. The others are 2 * (own last action) + (the other's)."""


class Shown(NamedTuple):
    """One episode of each ordered pair, step by step."""

    actions: np.ndarray  # [P, P, T, 2]
    rewards: np.ndarray  # [P, P, T, 2]
    states: Any  # the game's state, every leaf [P, P, T + 1, ...]: before the first step, and after each


class Played(NamedTuple):
    """Every ordered pair of P players, N episodes each: the first sits in seat 0, the second in seat 1."""

    rewards: np.ndarray  # [P, P, N, 2]: mean reward a step in each episode, by seat
    moves: np.ndarray | None
    """``[P, P, seat, situation, action]``: how often; None in games of more than two actions."""

    info: dict[str, np.ndarray]  # [P, P] each: mean of the game's ``info`` over steps and episodes
    shown: Shown

    def without_last(self, count: int) -> Played:
        """Return the same without the last ``count`` players."""
        kept = slice(0, len(self.rewards) - count)

        def cut(array: Any) -> Any:
            return array[kept, kept]

        return Played(
            rewards=cut(self.rewards),
            moves=None if self.moves is None else cut(self.moves),
            info={name: cut(values) for name, values in self.info.items()},
            shown=_map(cut, self.shown),
        )


def _map(function: Any, tree: Any) -> Any:
    import jax

    return jax.tree.map(function, tree)
