"""Play a game step by step in ordinary Python, for players that cannot be compiled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..envs.base import Game, Memory, Policy
from ..envs.play import EpisodeStatistics


class Compiled:
    """A scripted player whose choices are compiled, in a game that is otherwise played in Python."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the player's memory."""
        return self._policy.initial_memory(num_envs)

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Let the player choose, ``[B]`` int32."""
        return _act(self._policy, key, observation, memory)


@jax.jit
def _act(policy: Policy, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
    return policy.act(key, observation, memory)


def play_in_python(
    key: jax.Array, env: Game[Any, Any], params: Any, policies: Sequence[Policy], *, num_envs: int
) -> EpisodeStatistics:
    """Play one batch of episodes, one policy in each seat; what `polax.envs.play.play` does, uncompiled.

    Args:
        key: a typed key.
        env: the game.
        params: its numbers; the horizon among them.
        policies: one for each player. Their actions may be any integer array, of numpy or of another library.
        num_envs: B, how many episodes.

    Returns:
        Means over episodes and steps.
    """
    num_steps = int(params.max_steps_in_episode)
    reset_key, steps_key = jax.random.split(key)
    observation, state = _reset(env, params, jax.random.split(reset_key, num_envs))
    memories = [policy.initial_memory(num_envs) for policy in policies]
    total = np.zeros((num_envs, env.num_players))
    infos: list[dict[str, float]] = []
    for step_key in jax.random.split(steps_key, num_steps):
        env_key, *policy_keys = jax.random.split(step_key, 1 + env.num_players)
        actions = []
        for seat, policy in enumerate(policies):
            chosen, memories[seat] = policy.act(policy_keys[seat], observation[:, seat], memories[seat])
            actions.append(np.asarray(chosen, np.int32))
        joint = env.check_actions(np.stack(actions, axis=1))
        observation, state, reward, info = _step(env, params, jax.random.split(env_key, num_envs), state, joint)
        total += np.asarray(reward)
        infos.append(jax.device_get(info))
    per_step = total / num_steps
    spread = per_step.std(axis=0, ddof=1) if num_envs > 1 else np.full(env.num_players, np.nan)
    return EpisodeStatistics(
        reward=jnp.asarray(per_step.mean(axis=0)),
        reward_standard_error=jnp.asarray(spread / np.sqrt(num_envs)),
        info={name: jnp.asarray(np.mean([info[name] for info in infos])) for name in infos[0]},
    )


@partial(jax.jit, static_argnums=0)
def _reset(env: Game[Any, Any], params: Any, keys: jax.Array) -> tuple[jax.Array, Any]:
    return jax.vmap(env.reset_env, in_axes=(0, None))(keys, params)


@partial(jax.jit, static_argnums=0)
def _step(
    env: Game[Any, Any], params: Any, keys: jax.Array, state: Any, actions: jax.Array
) -> tuple[jax.Array, Any, jax.Array, dict[str, jax.Array]]:
    """Step every episode; the mean of each ``info`` entry comes back."""
    observation, state, reward, _, info = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(keys, state, actions, params)
    return observation, state, reward, jax.tree.map(jnp.mean, info)
