"""Memory-one policies of a repeated game with two actions, scripted or learned on exact returns."""

from __future__ import annotations

from dataclasses import field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ..base import Memory, PageProgram, Policy

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
        return _draw(key, self.cooperation, *split_views(observation, self.swapped)), memory

    def page_program(self) -> PageProgram:
        """Return the probabilities for a page in the browser, the action that the observation names first first."""
        as_seen: Any = np.asarray(self.cooperation)[TURNED if self.swapped else slice(None)]
        return PageProgram.beside(__file__, {"cooperation": as_seen})


@struct.dataclass
class AmongMemoryOne:
    """A policy in whose place memory-one players move in the first episodes of a batch, each in one episode.

    The five probabilities of each are drawn anew at the start of its episode, uniformly from 0 to 1.
    """

    policy: Policy
    swapped: jax.Array  # [] bool: the observation names the other player first
    num_drawn: int = field(metadata={"pytree_node": False})

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the policy's memory, and no probabilities yet, ``[num_drawn, 5]``."""
        return self.policy.initial_memory(num_envs), jnp.zeros((self.num_drawn, 5))

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Draw one action for each environment, ``[B]`` int32."""
        key_policy, key_players, key_actions = jax.random.split(key, 3)
        inner, cooperation = memory
        actions, inner = self.policy.act(key_policy, observation, inner)
        own, other = split_views(observation[: self.num_drawn], self.swapped)
        drawn = jax.random.uniform(key_players, cooperation.shape)
        cooperation = jnp.where(own[:, 2:] > 0, drawn, cooperation)
        return actions.at[: self.num_drawn].set(_draw(key_actions, cooperation, own, other)), (inner, cooperation)


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


def _draw(key: jax.Array, cooperation: jax.Array, own: jax.Array, other: jax.Array) -> jax.Array:
    """Return actions ``[B]`` int32 of players with probabilities ``[5]`` or ``[B, 5]``."""
    # own and other are one-hot over (0, 1, start); both are "start" together.
    after = (own[:, :2, None] * other[:, None, :2]).reshape(-1, 4)
    probability = jnp.where(own[:, 2] > 0, cooperation[..., 4], (after * cooperation[..., :4]).sum(-1))
    return (jax.random.uniform(key, probability.shape) < probability).astype(jnp.int32)


def names_other_first(observation_layout: str, player: jax.Array | int) -> jax.Array:
    """Return whether observations name the other player first, ``[]`` bool: those of player 1 in a shared layout."""
    return jnp.asarray((observation_layout == "shared") & (player == 1))


def split_views(observation: jax.Array, swapped: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return own and other's last action, one-hot ``[B, 3]``."""
    first, second = observation[:, :3], observation[:, 3:]
    return jnp.where(swapped, second, first), jnp.where(swapped, first, second)
