"""Sampling: two recurrent policies play a batch of episodes, and everything a lookahead needs later is recorded."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game
from . import networks
from .devices import steps_at_once
from .networks import NetworkParams, Observations


class Side(NamedTuple):
    """One player's side of a batch of episodes."""

    observations: Observations  # values [T+1, B] or [T+1, B, F]; the last is what follows the last step
    actions: jax.Array  # [T, B] int32
    rewards: jax.Array  # [T, B]
    logits: jax.Array  # [T, B, A], of the policy that acted
    hidden: jax.Array  # [T, B, H], its hidden state before each step

    @property
    def acted_on(self) -> Observations:
        """The observations that an action followed, ``T`` of them."""
        return self.observations._replace(values=self.observations.values[:-1])


class Batch(NamedTuple):
    """A batch of episodes, seen from both sides."""

    self: Side
    other: Side


@struct.dataclass
class RecurrentPolicy:
    """A learned player: samples its actions from a recurrent network's logits."""

    params: NetworkParams

    def initial_memory(self, num_envs: int) -> jax.Array:
        """Return the hidden state at the start of an episode, ``[B, H]``."""
        return networks.initial_hidden(self.params, num_envs)

    def act(self, key: jax.Array, observation: jax.Array, memory: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Sample one action ``[B]`` for each observation ``[B, F]``."""
        logits, memory = networks.step(self.params.encoder, self.params.recurrent, memory, observation)
        return sample_actions(jax.random.uniform(key, logits.shape[:1]), logits), memory


def sample_actions(uniforms: jax.Array, logits: jax.Array) -> jax.Array:
    """Draw actions ``[B]`` int32 from logits ``[B, A]`` by inverting their distribution at ``uniforms`` ``[B]``."""
    cumulative = jnp.cumsum(jax.nn.softmax(logits)[..., :-1], axis=-1)
    return jnp.sum(uniforms[..., None] >= cumulative, axis=-1, dtype=jnp.int32)


def sample(
    key: jax.Array,
    env: Game[Any, Any],
    params: Any,
    policies: tuple[NetworkParams, NetworkParams],
    *,
    player: jax.Array,
    num_envs: int,
    num_steps: int,
) -> Batch:
    """Let two policies play ``num_envs`` episodes of ``num_steps`` steps from the start of the game.

    Nothing is differentiated through sampling: the result is data.

    Args:
        key: a typed key, used once.
        env: the game.
        params: its params.
        policies: of the player called ``self`` and of the ``other``.
        player: which player ``self`` is, 0 or 1; may be traced.
        num_envs: ``B``.
        num_steps: ``T``.

    Returns:
        Both sides of the batch.
    """
    key_reset, key_actions, key_env = jax.random.split(key, 3)
    table = None if env.num_observations is None else env.observation_table()
    lookups = tuple(networks.prepare(policy.encoder, table) for policy in policies)
    own_side = jnp.stack([player, 1 - player])

    def view(observation: jax.Array, state: Any) -> jax.Array:
        """Arrange what the players see as (self, other), batch first."""
        seen = observation if table is None else jax.vmap(env.observation_index)(state)
        return jnp.take(seen, own_side, axis=1)

    def play(carry: tuple[Any, ...], randomness: tuple[jax.Array, jax.Array]) -> tuple[tuple[Any, ...], Any]:
        state, seen, hidden = carry
        uniforms, key_step = randomness
        logits, after, actions = [], [], []
        for role in (0, 1):
            outputs, memory = networks.step(lookups[role], policies[role].recurrent, hidden[role], seen[:, role])
            logits.append(outputs)
            after.append(memory)
            actions.append(sample_actions(uniforms[role], outputs))
        joint = jnp.take(jnp.stack(actions, axis=1), own_side, axis=1)
        observation, state, reward, _, _ = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(
            jax.random.split(key_step, num_envs), state, joint, params
        )
        record = (seen, tuple(actions), jnp.take(reward, own_side, axis=1), tuple(logits), hidden)
        return (state, view(observation, state), tuple(after)), record

    observation, state = jax.vmap(env.reset_env, in_axes=(0, None))(jax.random.split(key_reset, num_envs), params)
    start = (state, view(observation, state), tuple(networks.initial_hidden(policy, num_envs) for policy in policies))
    uniforms = jax.random.uniform(key_actions, (num_steps, 2, num_envs))
    randomness = (uniforms, jax.random.split(key_env, num_steps))
    (_, last, _), record = jax.lax.scan(play, start, randomness, unroll=steps_at_once())
    seen, actions, rewards, logits, hidden = record
    sides = (
        Side(
            observations=Observations(jnp.concatenate([seen[:, :, role], last[None, :, role]]), table),
            actions=actions[role],
            rewards=rewards[:, :, role],
            logits=logits[role],
            hidden=hidden[role],
        )
        for role in (0, 1)
    )
    return jax.lax.stop_gradient(Batch(*sides))
