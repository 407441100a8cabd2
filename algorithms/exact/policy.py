"""A memory-one policy as a player of the sampled game."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import PageProgram
from .returns import START


@struct.dataclass
class MemoryOnePolicy:
    """Cooperates with a probability that depends on the last joint action only.

    The states are DD, DC, CD, CC, start with the action that comes first *in the observation* first: the own one in
    the egocentric layout, player 0's in the shared one.
    """

    cooperation: jax.Array  # [5] probability of action 1

    def initial_memory(self, num_envs: int) -> tuple[()]:
        """Return nothing: the observation has all that the policy needs."""
        del num_envs
        return ()

    def act(self, key: jax.Array, observation: jax.Array, memory: tuple[()]) -> tuple[jax.Array, tuple[()]]:
        """Draw one action for each environment.

        Args:
            key: a typed key, used once.
            observation: ``[B, 6]``, two one-hots over (defect, cooperate, start).
            memory: from `initial_memory`.

        Returns:
            The actions ``[B]`` int32 and the memory.
        """
        played = 2 * observation[:, 1] + observation[:, 4]
        state = jnp.where(observation[:, 2] > 0, START, played).astype(jnp.int32)
        return jax.random.bernoulli(key, self.cooperation[state]).astype(jnp.int32), memory

    def page_program(self) -> PageProgram:
        """Return the probabilities for a page in the browser."""
        return PageProgram.beside(__file__, {"cooperation": self.cooperation})
