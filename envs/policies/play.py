"""The compiled engine: policies that are pytrees of arrays play batches of episodes in one program.

What happens is reduced while it is played, by an observer. The engine for other policies is `python_play`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..base import Game, Memory, Policy

_ARRAYS = (jax.Array, np.ndarray, np.generic, bool, int, float)


class Step(NamedTuple):
    """One step of a batch of B episodes."""

    actions: jax.Array  # [B, players] int32
    rewards: jax.Array  # [B, players]
    state: Any  # after the step, every leaf [B, ...]
    info: dict[str, jax.Array]  # [B] each
    observation: jax.Array  # after the step, [B, players, features]


Observe = Callable[[Any, Step], tuple[Any, Any]]
"""``observe(known, step) -> (known, record)`` watches a batch inside the compiled step. ``known`` is a pytree of arrays
that keeps its form; records are stacked. It is a function of a module or a frozen dataclass, since it is hashed."""


class Episodes(NamedTuple):
    """A batch of B episodes of T steps, as an observer saw it."""

    rewards: Any  # [B, players]: mean per step
    start: Any  # the state before the first step, every leaf [B, ...]
    known: Any  # at the end
    records: Any  # every leaf [T, ...]
    observation: Any  # before the first step, [B, players, features]


class Position(NamedTuple):
    """Where a batch of episodes is between two steps."""

    observation: jax.Array  # [B, players, features]
    state: Any
    known: Any


Choose = Callable[[jax.Array, Position, Memory], tuple[jax.Array, Memory, jax.Array]]
"""``choose(key, position, memory) -> (actions, memory, env_key)``: what all players do in a step, ``[B, players]``
int32, and the key of the game's part in it."""


def play_episodes(
    key: jax.Array,
    env: Game[Any, Any],
    params: Any,
    choose: Choose,
    observe: Observe,
    *,
    memory: Memory,
    known: Any,
    num_envs: int,
    num_steps: int,
) -> Episodes:
    """Play ``num_envs`` episodes of ``num_steps`` steps in one scan, inside ``jax.jit``.

    Args:
        key: a typed key.
        env: the game.
        params: its numbers; the horizon in them is ignored.
        choose: lets the players choose.
        observe: watches.
        memory: the players' at the start.
        known: the observer's knowledge at the start.
        num_envs: B, how many episodes.
        num_steps: T, their length.
    """
    reset_key, steps_key = jax.random.split(key)
    start = begin(env, params, reset_key, known, num_envs=num_envs)

    def step(carry: tuple[Position, Memory, jax.Array], step_key: jax.Array) -> tuple[Any, Any]:
        position, memory, total = carry
        actions, memory, env_key = choose(step_key, position, memory)
        position, rewards, record = advance(env, observe, params, env_key, position, actions=actions)
        return (position, memory, total + rewards), record

    first = (start, memory, jnp.zeros((num_envs, env.num_players)))
    (end, _, total), records = jax.lax.scan(step, first, jax.random.split(steps_key, num_steps))
    return Episodes(total / num_steps, start.state, end.known, records, start.observation)


def begin(env: Game[Any, Any], params: Any, key: jax.Array, known: Any, *, num_envs: int) -> Position:
    """Start a batch of episodes."""
    observation, state = jax.vmap(env.reset_env, in_axes=(0, None))(jax.random.split(key, num_envs), params)
    return Position(observation, state, known)


def advance(
    env: Game[Any, Any], observe: Observe, params: Any, key: jax.Array, position: Position, *, actions: jax.Array
) -> tuple[Position, jax.Array, Any]:
    """Take one step of a batch of episodes; return where that leads, the rewards and the observer's record."""
    keys = jax.random.split(key, len(actions))
    step = jax.vmap(env.step_env, in_axes=(0, 0, 0, None))
    observation, state, rewards, _, info = step(keys, position.state, actions, params)
    known, record = observe(position.known, Step(actions, rewards, state, info, observation))
    return Position(observation, state, known), rewards, record


def whole_step(known: Any, step: Step) -> tuple[Any, Step]:
    """Record everything, for few episodes."""
    return known, step


class Means(NamedTuple):
    """What `mean_info` records of a step."""

    info: dict[str, jax.Array]  # [] each
    lowest: jax.Array  # [players]: of the actions
    highest: jax.Array  # [players]


def mean_info(known: Any, step: Step) -> tuple[Any, Means]:
    """Record the mean of each ``info`` entry over the episodes, and the range of each player's actions."""
    return known, Means(jax.tree.map(jnp.mean, step.info), step.actions.min(axis=0), step.actions.max(axis=0))


class EpisodeStatistics(NamedTuple):
    """What happened in a batch of episodes of equal length."""

    reward: jax.Array  # [players]: mean reward per step
    reward_standard_error: jax.Array  # [players]: of that mean, from the spread over episodes
    info: dict[str, jax.Array]  # mean of each entry of the environment's ``info``, [] each
    lowest: jax.Array  # [players] int32: the lowest action of each
    highest: jax.Array  # [players] int32: the highest; compiled games do not notice one that does not exist


def statistics(played: Episodes) -> EpisodeStatistics:
    """Return the statistics of episodes that `mean_info` watched."""
    rewards, count = played.rewards, len(played.rewards)
    spread = rewards.std(axis=0, ddof=1) if count > 1 else np.nan * rewards[0]
    seen: Means = played.records
    means = {name: values.mean() for name, values in seen.info.items()}
    found = (rewards.mean(axis=0), spread / count**0.5, means, seen.lowest.min(axis=0), seen.highest.max(axis=0))
    return EpisodeStatistics(*jax.tree.map(jnp.asarray, found))


def play_policies(
    key: jax.Array,
    env: Game[Any, Any],
    params: Any,
    policies: Sequence[Policy],
    observe: Observe,
    *,
    num_envs: int,
    num_steps: int,
) -> Episodes:
    """Do what `play_episodes` does with one policy for each player, and an observer that knows nothing at the start.

    Raises:
        ValueError: not one policy for each player, or no episode or step.
    """
    check_count(env, policies)
    if num_envs < 1 or num_steps < 1:
        raise ValueError(f"num_envs and num_steps must be at least 1; got {num_envs} and {num_steps}")

    def choose(step_key: jax.Array, position: Position, memory: Memory) -> tuple[jax.Array, Memory, jax.Array]:
        env_key, *keys = jax.random.split(step_key, 1 + env.num_players)
        chosen = [policy.act(keys[i], position.observation[:, i], memory[i]) for i, policy in enumerate(policies)]
        return jnp.stack([action for action, _ in chosen], axis=1), tuple(after for _, after in chosen), env_key

    memory = tuple(policy.initial_memory(num_envs) for policy in policies)
    size = {"num_envs": num_envs, "num_steps": num_steps}
    return play_episodes(key, env, params, choose, observe, memory=memory, known=(), **size)


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
    """Play ``num_envs`` episodes of ``num_steps`` steps, one policy for each player.

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
    size = {"num_envs": num_envs, "num_steps": num_steps}
    return statistics(play_policies(key, env, params, policies, mean_info, **size))


def check_count(env: Game[Any, Any], policies: Sequence[Policy]) -> None:
    """Raise ValueError unless there is one policy for each player."""
    if len(policies) != env.num_players:
        raise ValueError(f"{env.name} needs {env.num_players} policies, one for each player; got {len(policies)}")


def is_compiled(policy: Policy) -> bool:
    """Tell whether a policy is a pytree of arrays, which goes through ``jax.jit``, or an object of ordinary Python."""
    return all(isinstance(leaf, _ARRAYS) for leaf in jax.tree.leaves(policy))
