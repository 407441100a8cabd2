"""Scripted players of games in which several players contribute or not: they go by how many of the others did."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ...options import check_number
from ..base import Game, Memory, Policy, StrategyFactory


@struct.dataclass
class CountingPlayer:
    """Contributes with a probability that depends on how many of the others contributed last."""

    cooperation: jax.Array  # [N + 1]: probability after 0, 1, ..., N - 1 of the others contributed, and at the start
    reader: jax.Array  # [features, 2]: an observation times it is (how many of the others contributed, it is the start)

    def initial_memory(self, num_envs: int) -> Memory:
        """It remembers nothing."""
        return jnp.zeros((num_envs, 0))

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Draw one action for each environment, ``[B]`` int32."""
        probability = _probability(self, observation)
        uniform = jax.random.uniform(key, probability.shape)
        return (uniform < probability).astype(jnp.int32), memory


@struct.dataclass
class GrimCountingPlayer:
    """Does what a `CountingPlayer` does until that does not contribute, and never contributes again."""

    counting: CountingPlayer

    def initial_memory(self, num_envs: int) -> Memory:
        """Nobody has failed to contribute so far, ``[B]`` bool."""
        return jnp.zeros(num_envs, bool)

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Return one action for each environment, ``[B]`` int32."""
        gave_up = memory | (_probability(self.counting, observation) == 0.0)
        return (~gave_up).astype(jnp.int32), gave_up


def _probability(player: CountingPlayer, observation: jax.Array) -> jax.Array:
    """Return the probability of contributing in each environment, ``[B]``."""
    # Small whole numbers: exact in every precision of a matrix product.
    read = (observation @ player.reader).astype(jnp.int32)  # [B, 2]
    states = player.cooperation.shape[0] - 1
    situation = jnp.where(read[:, 1] > 0, states, read[:, 0])
    return jnp.where(np.arange(states + 1) == situation[:, None], player.cooperation, 0.0).sum(axis=1)


def _reader(game: Game[Any, Any]) -> np.ndarray:
    """Return what turns an observation into (how many of the others contributed, it is the start)."""
    others = game.num_players - 1
    counts = {"own": [], "all": [0, 1, 0] * others, "count": range(others + 1)}[game.observed]
    reader = np.zeros((3 + len(counts), 2), np.float32)
    reader[2, 1], reader[3:, 0] = 1, counts
    return reader


def _counting(game: Game[Any, Any], probabilities: Any, start: float) -> CountingPlayer:
    by_count = np.broadcast_to(np.asarray(probabilities, np.float32), game.num_players)
    return CountingPlayer(jnp.asarray(np.append(by_count, np.float32(start))), jnp.asarray(_reader(game)))


def always(probability: float) -> StrategyFactory:
    """Return the factory of the player that contributes with this probability, whatever the others do."""
    return lambda game, player: _counting(game, probability, probability)


def at_random(game: Game[Any, Any], player: int, *, p: float = 0.5) -> Policy:
    """Contributes with probability ``p``."""
    check_number("p", p, at_least=0.0, at_most=1.0)
    return _counting(game, p, p)


def conditional(least: int) -> StrategyFactory:
    """Return the factory of the player that contributes first, and after ``least`` of the others or more did.

    Boyd and Richerson (1988) call it T_a.
    """
    return lambda game, player: _counting(game, np.arange(game.num_players) >= least, 1.0)


def tit_for_tat(game: Game[Any, Any], player: int) -> Policy:
    """Contributes first, and after all the others did."""
    return conditional(game.num_players - 1)(game, player)


def majority(game: Game[Any, Any], player: int) -> Policy:
    """Contributes first, and after at least half of the others did."""
    return conditional(game.num_players // 2)(game, player)


def grim(game: Game[Any, Any], player: int) -> Policy:
    """Contributes until one of the others does not, then never again."""
    return GrimCountingPlayer(conditional(game.num_players - 1)(game, player))  # type: ignore[arg-type]


BLIND_STRATEGIES: Mapping[str, StrategyFactory] = MappingProxyType(
    {"always-cooperate": always(1.0), "always-defect": always(0.0), "random": at_random}
)
"""Games in which the others are not seen."""


@cache
def counting_strategies(num_players: int) -> Mapping[str, StrategyFactory]:
    """Return the strategies of a game of N players; ``conditional-k`` needs k of the others, up to N - 2.

    With k = N - 1 it is tit-for-tat.
    """
    conditionals = {f"conditional-{least}": conditional(least) for least in range(1, num_players - 1)}
    return MappingProxyType(
        {
            "always-cooperate": always(1.0),
            "always-defect": always(0.0),
            "tit-for-tat": tit_for_tat,
            "majority": majority,
            "grim": grim,
            **conditionals,
            "random": at_random,
        }
    )
