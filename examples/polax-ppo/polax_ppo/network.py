"""The network of one player, and the player."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen, struct

__all__ = ["ActorCritic", "Player"]


class ActorCritic(linen.Module):
    """Two layers with tanh, shared by the logits of the actions and the value."""

    num_actions: int
    hidden_size: int

    @linen.compact
    def __call__(self, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return logits ``[..., A]`` and values ``[...]`` of observations ``[..., F]``."""
        features = observation
        for _ in range(2):
            features = jnp.tanh(linen.Dense(self.hidden_size)(features))
        small = linen.initializers.variance_scaling(1e-4, "fan_in", "truncated_normal")  # begin near uniform play
        logits = linen.Dense(self.num_actions, kernel_init=small)(features)
        return logits, linen.Dense(1)(features)[..., 0]


@struct.dataclass
class Player:
    """A learned player: draws actions from the network's logits and remembers nothing."""

    params: Any
    network: ActorCritic = struct.field(pytree_node=False)

    def initial_memory(self, num_envs: int) -> tuple[()]:
        """Return nothing: the observation is all it goes by."""
        del num_envs
        return ()

    def act(self, key: jax.Array, observation: jax.Array, memory: tuple[()]) -> tuple[jax.Array, tuple[()]]:
        """Draw one action ``[B]`` int32 for each observation ``[B, F]``."""
        logits, _ = self.network.apply(self.params, observation)
        return jax.random.categorical(key, logits).astype(jnp.int32), memory
