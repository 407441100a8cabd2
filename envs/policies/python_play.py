"""Play a game whatever its players are: compiled, or step by step in ordinary Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..base import Game, Policy
from .play import EpisodeStatistics, for_python, is_compiled, play


def play_together(
    key: jax.Array, env: Game[Any, Any], params: Any, policies: Sequence[Policy], *, num_envs: int
) -> EpisodeStatistics:
    """Play one batch of episodes between policies of any kind: compiled where all of them are pytrees, else in Python.

    Args:
        key: a typed key.
        env: the game.
        params: its numbers; the horizon among them.
        policies: one for each player.
        num_envs: B, how many episodes.

    Returns:
        Means over episodes and steps.
    """
    if all(is_compiled(policy) for policy in policies):
        return play(key, env, params, policies, num_envs=num_envs, num_steps=int(params.max_steps_in_episode))
    return play_in_python(key, env, params, [for_python(policy) for policy in policies], num_envs=num_envs)


class PythonStep(NamedTuple):
    """One step of a batch of episodes."""

    actions: np.ndarray  # [B, players] int32
    rewards: np.ndarray  # [B, players]
    state: Any  # after the step, every leaf [B, ...]
    info: dict[str, jax.Array]  # [] each: mean over episodes


def start_in_python(key: jax.Array, env: Game[Any, Any], params: Any, *, num_envs: int) -> tuple[jax.Array, Any]:
    """Return observations and states at the start of the episodes that `steps_in_python` plays with the same key."""
    reset_key, _ = jax.random.split(key)
    return _reset(env, params, jax.random.split(reset_key, num_envs))


def steps_in_python(
    key: jax.Array, env: Game[Any, Any], params: Any, policies: Sequence[Policy], *, num_envs: int
) -> Iterator[PythonStep]:
    """Play one batch of episodes step by step, one policy in each seat.

    Args:
        key: a typed key.
        env: the game.
        params: its numbers; the horizon among them.
        policies: one for each player. Their actions may be any integer array, of numpy or of another library.
        num_envs: B, how many episodes.

    Yields:
        What happened in each step.
    """
    _, steps_key = jax.random.split(key)
    observation, state = start_in_python(key, env, params, num_envs=num_envs)
    memories = [policy.initial_memory(num_envs) for policy in policies]
    for step_key in jax.random.split(steps_key, int(params.max_steps_in_episode)):
        env_key, *policy_keys = jax.random.split(step_key, 1 + env.num_players)
        actions = []
        for seat, policy in enumerate(policies):
            chosen, memories[seat] = policy.act(policy_keys[seat], observation[:, seat], memories[seat])
            actions.append(np.asarray(chosen, np.int32))
        joint = env.check_actions(np.stack(actions, axis=1))
        observation, state, reward, info = _step(env, params, jax.random.split(env_key, num_envs), state, joint)
        yield PythonStep(joint, np.asarray(reward), state, info)


def play_in_python(
    key: jax.Array, env: Game[Any, Any], params: Any, policies: Sequence[Policy], *, num_envs: int
) -> EpisodeStatistics:
    """Play one batch of episodes, one policy in each seat; what `polax.envs.policies.play.play` does, uncompiled.

    Args:
        key: a typed key.
        env: the game.
        params: its numbers; the horizon among them.
        policies: one for each player.
        num_envs: B, how many episodes.

    Returns:
        Means over episodes and steps.
    """
    total = np.zeros((num_envs, env.num_players))
    infos: list[dict[str, float]] = []
    for step in steps_in_python(key, env, params, policies, num_envs=num_envs):
        total += step.rewards
        infos.append(jax.device_get(step.info))
    per_step = total / len(infos)
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
