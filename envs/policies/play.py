"""Let policies play a game against each other and report what happened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..base import Game, Memory, Policy

_ARRAYS = (jax.Array, np.ndarray, np.generic, bool, int, float)


class EpisodeStatistics(NamedTuple):
    """What happened in a batch of episodes of equal length."""

    reward: jax.Array  # [players]: mean reward per step
    reward_standard_error: jax.Array  # [players]: of that mean, from the spread over episodes
    info: dict[str, jax.Array]  # mean of each entry of the environment's ``info``, [] each


@partial(jax.jit, static_argnames=("env", "num_envs", "num_steps"))
def play(
    key: jax.Array,
    env: Game[Any, Any],
    params: Any,
    policies: Sequence[Policy],
    *,
    num_envs: int,
    num_steps: int,
) -> EpisodeStatistics:
    """Play ``num_envs`` episodes of ``num_steps`` steps, one policy in each seat.

    It may be called inside ``jax.jit`` and mapped over ``key``, ``params`` and ``policies``. It is compiled once for
    all policies of one structure.

    Args:
        key: a typed key.
        env: the game.
        params: its numbers; the horizon in them is ignored.
        policies: one for each player; they may be of different kinds.
        num_envs: B, how many episodes.
        num_steps: their length.

    Returns:
        Means over episodes and steps.

    Raises:
        ValueError: not one policy for each player, or no episode or step.
    """
    if len(policies) != env.num_players:
        raise ValueError(f"{env.name} needs {env.num_players} policies, one for each player; got {len(policies)}")
    if num_envs < 1 or num_steps < 1:
        raise ValueError(f"num_envs and num_steps must be at least 1; got {num_envs} and {num_steps}")
    reset_key, steps_key = jax.random.split(key)
    observation, state = jax.vmap(env.reset_env, in_axes=(0, None))(jax.random.split(reset_key, num_envs), params)
    memories = tuple(policy.initial_memory(num_envs) for policy in policies)

    def step(carry: _Carry, step_key: jax.Array) -> tuple[_Carry, dict[str, jax.Array]]:
        env_key, *policy_keys = jax.random.split(step_key, 1 + env.num_players)
        chosen = [
            policy.act(policy_key, carry.observation[:, seat], memory)
            for seat, (policy, policy_key, memory) in enumerate(zip(policies, policy_keys, carry.memories, strict=True))
        ]
        actions = jnp.stack([action for action, _ in chosen], axis=1)
        observation, state, reward, _, info = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))(
            jax.random.split(env_key, num_envs), carry.state, actions, params
        )
        memories = tuple(memory for _, memory in chosen)
        return _Carry(observation, state, memories, carry.total + reward), jax.tree.map(jnp.mean, info)

    start = _Carry(observation, state, memories, jnp.zeros((num_envs, env.num_players)))
    end, info = jax.lax.scan(step, start, jax.random.split(steps_key, num_steps))
    per_step = end.total / num_steps  # [B, players]
    spread = per_step.std(axis=0, ddof=1) if num_envs > 1 else jnp.full(env.num_players, jnp.nan)
    return EpisodeStatistics(
        reward=per_step.mean(axis=0),
        reward_standard_error=spread / jnp.sqrt(num_envs),
        info={name: values.mean() for name, values in info.items()},
    )


class _Carry(NamedTuple):
    observation: jax.Array  # [B, players, features]
    state: Any
    memories: tuple[Any, ...]
    total: jax.Array  # [B, players]: reward so far


def is_compiled(policy: Policy) -> bool:
    """Tell whether a policy is a pytree of arrays, which goes through ``jax.jit``, or an object of ordinary Python."""
    return all(isinstance(leaf, _ARRAYS) for leaf in jax.tree.leaves(policy))


class Compiled:
    """A pytree player whose choices are compiled, in a game that is otherwise played in Python."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the player's memory."""
        return self._policy.initial_memory(num_envs)

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Let the player choose, ``[B]`` int32."""
        return _act(self._policy, key, observation, memory)


def for_python(policy: Policy) -> Policy:
    """Return a policy whose ``act`` is quick when called from Python: compiled where that can be."""
    return Compiled(policy) if is_compiled(policy) else policy


@jax.jit
def _act(policy: Policy, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
    return policy.act(key, observation, memory)
