"""Memory-one policies of a repeated game with two actions, scripted or learned on exact returns."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ..base import Memory, PageProgram

TURNED = np.array([0, 2, 1, 3, 4])
"""Puts the states 00, 01, 10, 11 and the start in order for the other player: 01 and 10 change places."""


@struct.dataclass
class MemoryOnePlayer:
    """Cooperates with a probability that depends on the last joint action alone."""

    cooperation: jax.Array  # [5]: probability of action 1 after (own, other) = 00, 01, 10, 11 and at the start
    swapped: jax.Array  # [] bool: the observation names the other player first

    def initial_memory(self, num_envs: int) -> Memory:
        """It remembers nothing."""
        return jnp.zeros((num_envs, 0))

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Draw one action for each environment, ``[B]`` int32."""
        own, other = split_views(observation, self.swapped)
        # own and other are one-hot over (0, 1, start); both are "start" together.
        after = (own[:, :2, None] * other[:, None, :2]).reshape(-1, 4)
        probability = jnp.where(own[:, 2] > 0, self.cooperation[4], (after * self.cooperation[:4]).sum(-1))
        uniform = jax.random.uniform(key, probability.shape)
        return (uniform < probability).astype(jnp.int32), memory

    def page_program(self) -> PageProgram:
        """Return the probabilities for a page in the browser, the action that the observation names first first."""
        as_seen: Any = np.asarray(self.cooperation)[TURNED if self.swapped else slice(None)]
        return PageProgram.beside(__file__, {"cooperation": as_seen})


@struct.dataclass
class JointMemoryPlayer:
    """Cooperates with a probability that depends on the last joint action of any number of players alone."""

    cooperation: jax.Array  # [2^N + 1]: probability of action 1 after each joint action, own first, and at the start

    def initial_memory(self, num_envs: int) -> Memory:
        """It remembers nothing."""
        return jnp.zeros((num_envs, 0))

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Draw one action for each environment, ``[B]`` int32."""
        players = observation.reshape(observation.shape[0], -1, 3)  # one-hot over (0, 1, start), the own first
        states = self.cooperation.shape[0] - 1
        row = (players[:, :, 1] * 2.0 ** np.arange(players.shape[1])[::-1]).sum(axis=1).astype(jnp.int32)
        probability = self.cooperation[jnp.where(players[:, 0, 2] > 0, states, row)]
        uniform = jax.random.uniform(key, probability.shape)
        return (uniform < probability).astype(jnp.int32), memory


def split_views(observation: jax.Array, swapped: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return own and other's last action, one-hot ``[B, 3]``."""
    first, second = observation[:, :3], observation[:, 3:]
    return jnp.where(swapped, second, first), jnp.where(swapped, first, second)
