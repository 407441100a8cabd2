"""What the matches of a tournament leave behind, and how it is noted while they are played, by either engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...envs.base import Game
from ...envs.policies.play import Episodes, Step

START = 2
"""Stands for an action before the first step."""

START_ROW = 4
"""The row of `Played.moves` of the first step. The others are 2 * (own last action) + (the opponent's)."""


class Shown(NamedTuple):
    """One episode of each ordered pair, step by step."""

    actions: np.ndarray  # [P, P, T, 2]
    rewards: np.ndarray  # [P, P, T, 2]
    states: Any  # the game's state, every leaf [P, P, T + 1, ...]: before the first step, and after each


class Played(NamedTuple):
    """Every ordered pair of P players, N episodes each: the first as player 0, the second as player 1.

    What was not watched has rewards alone.
    """

    rewards: np.ndarray  # [P, P, N, 2]: mean reward a step in each episode, by player of the game
    moves: np.ndarray | None
    """``[P, P, player of the game, situation, action]``: how often; None in games of more than two actions."""

    info: dict[str, np.ndarray]  # [P, P] each: mean of the game's ``info`` over steps and episodes
    shown: Shown | None

    def without_last(self, count: int) -> Played:
        """Return the same without the last ``count`` players."""
        kept = slice(0, len(self.rewards) - count)
        fewer: Played = jax.tree.map(lambda leaf: leaf[kept, kept], self)
        return fewer


class _Known(NamedTuple):
    """N = P P B episodes between two steps, in the order (player 0, player 1, episode)."""

    counted: jax.Array  # [B]: 1 where an episode counts and 0 where not
    before: jax.Array  # [N, 2]: the last actions, see `START`
    moves: jax.Array | None  # [P, P, 2, 5, 2]


@dataclass(frozen=True)
class Tally:
    """Watches a batch of B episodes of each of P P ordered pairs.

    A record of many players is large: where rewards are all that is wanted, nothing else should be watched.
    """

    players: int
    num_envs: int
    watched: bool = True

    def start(self, game: Game[Any, Any], counted: jax.Array) -> _Known:
        """Return what is known before the first step; ``counted`` ``[B]`` is 1 where an episode counts, else 0."""
        counts_moves = self.watched and game.num_actions == 2
        moves = jnp.zeros((self.players, self.players, 2, 5, 2)) if counts_moves else None
        return _Known(counted, jnp.full((self.players**2 * self.num_envs, 2), START, jnp.int32), moves)

    def __call__(self, known: _Known, step: Step) -> tuple[_Known, Any]:
        """Count the moves; record each pair's sums of ``info`` and its first episode."""
        if not self.watched:
            return known, None
        moves = None if known.moves is None else known.moves + self._count_moves(known, step.actions)
        sums = {name: self._by_pair(values) @ known.counted for name, values in step.info.items()}
        return known._replace(before=step.actions, moves=moves), (sums, self._first(step[:3]))

    def result(self, played: Episodes) -> Played:
        """Return what a batch gives; ``info`` is summed over the episodes that count."""
        if not self.watched:
            return Played(rewards=self._by_pair(played.rewards), moves=None, info={}, shown=None)
        info, (actions, rewards, states) = played.records
        first = self._first(played.start)
        states = jax.tree.map(lambda start, later: jnp.concatenate([start[None], later]), first, states)
        return Played(
            rewards=self._by_pair(played.rewards),
            moves=played.known.moves,
            info={name: values.mean(axis=0) for name, values in info.items()},
            shown=Shown(*jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 2), (actions, rewards, states))),
        )

    def _by_pair(self, leaf: Any) -> Any:
        """Return ``[N, ...]`` as ``[P, P, B, ...]``."""
        return leaf.reshape(self.players, self.players, self.num_envs, *leaf.shape[1:])

    def _first(self, tree: Any) -> Any:
        """Return the first episode of every pair, ``[P, P, ...]``."""
        return jax.tree.map(lambda leaf: self._by_pair(leaf)[:, :, 0], tree)

    def _count_moves(self, known: _Known, actions: jax.Array) -> jax.Array:
        """Count what each player did after which joint action, ``[P, P, 2, 5, 2]``."""
        situation = jnp.where(known.before == START, START_ROW, 2 * known.before + known.before[:, ::-1])
        happened = self._by_pair(jax.nn.one_hot(2 * situation + actions, 10))  # [P, P, B, 2, 10]
        counts = jnp.einsum("pqbsm,b->pqsm", happened, known.counted)
        return counts.reshape(self.players, self.players, 2, 5, 2)


def whole(batches: Sequence[Played], episodes: int) -> Played:
    """Put batches together, of which so many episodes count."""
    moves = [batch.moves for batch in batches if batch.moves is not None]
    rewards = np.concatenate([batch.rewards for batch in batches], axis=2)[:, :, :episodes]
    return Played(
        rewards=np.asarray(rewards, np.float64),
        moves=np.asarray(moves, np.float64).sum(axis=0) if moves else None,
        info={
            name: np.asarray([batch.info[name] for batch in batches], np.float64).sum(axis=0) / episodes
            for name in batches[0].info
        },
        shown=batches[0].shown,
    )
