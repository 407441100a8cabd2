"""The engine in ordinary Python: the game's step is compiled, each player chooses between two steps.

It plays policies that cannot be compiled, beside those that can. With compiled policies alone it plays the same
episodes as `polax.envs.policies.play.play` with the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ..base import Game, Memory, Policy
from .play import (
    Episodes,
    EpisodeStatistics,
    Observe,
    advance,
    begin,
    check_count,
    is_compiled,
    mean_info,
    play,
    statistics,
)


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


def play_in_python(
    key: jax.Array, env: Game[Any, Any], params: Any, policies: Sequence[Policy], *, num_envs: int
) -> EpisodeStatistics:
    """Play one batch of episodes as `play_together` does, always in Python; the policies are used as they are."""
    return statistics(play_episodes_in_python(key, env, params, policies, mean_info, known=(), num_envs=num_envs))


def play_episodes_in_python(
    key: jax.Array,
    env: Game[Any, Any],
    params: Any,
    policies: Sequence[Policy],
    observe: Observe,
    *,
    known: Any,
    num_envs: int,
    num_steps: int | None = None,
) -> Episodes:
    """Play one batch of episodes step by step.

    Args:
        key: a typed key.
        env: the game.
        params: its numbers.
        policies: one for each player. Their actions may be any integer array, of numpy or of another library.
        observe: watches.
        known: the observer's knowledge at the start.
        num_envs: B, how many episodes.
        num_steps: T, their length; None: the horizon in the params.

    Returns:
        What `polax.envs.policies.play.play_episodes` does, in arrays of numpy; rewards are added up in float64.

    Raises:
        ValueError: not one policy for each player, or an action that the game does not have.
    """
    check_count(env, policies)
    reset_key, steps_key = jax.random.split(key)
    position = _begin(env, params, reset_key, known, num_envs=num_envs)
    start, records = jax.device_get(position), []
    memories = [policy.initial_memory(num_envs) for policy in policies]
    total = np.zeros((num_envs, env.num_players))
    length = int(params.max_steps_in_episode) if num_steps is None else num_steps
    for step_key in jax.random.split(steps_key, length):
        env_key, *keys = jax.random.split(step_key, 1 + env.num_players)
        chosen = []
        for player, policy in enumerate(policies):
            own, memories[player] = policy.act(keys[player], position.observation[:, player], memories[player])
            chosen.append(np.asarray(own, np.int32))
        actions = env.check_actions(np.stack(chosen, axis=1))
        position, rewards, record = _advance(env, observe, params, env_key, position, actions=actions)
        total += np.asarray(rewards)
        records.append(jax.device_get(record))
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *records)
    return Episodes(total / length, start.state, jax.device_get(position.known), stacked, start.observation)


_begin = jax.jit(begin, static_argnums=0, static_argnames="num_envs")
_advance = jax.jit(advance, static_argnums=(0, 1))


class Compiled(NamedTuple):
    """A pytree player whose choices are compiled, in a game that is otherwise played in Python."""

    policy: Policy

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the player's memory."""
        return self.policy.initial_memory(num_envs)

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Let the player choose, ``[B]`` int32."""
        return _act(self.policy, key, observation, memory)


@jax.jit
def _act(policy: Policy, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
    return policy.act(key, observation, memory)


def for_python(policy: Policy) -> Policy:
    """Return a policy whose ``act`` is quick when called from Python: compiled where that can be."""
    return Compiled(policy) if is_compiled(policy) else policy


Policies = tuple[Policy | None, ...]
"""One entry a player: the policy that plays it, or None where actions come from outside."""


class PythonPlayers:
    """Those players of a game driven from outside that are ordinary Python, with their memories.

    Attributes:
        compiled: the policies with None in place of those that are played here; they stay in the compiled step.
    """

    def __init__(self, policies: Sequence[Policy | None]) -> None:
        self._policies = {
            player: policy for player, policy in enumerate(policies) if policy is not None and not is_compiled(policy)
        }
        self._memories: dict[int, Memory] = {}
        self.compiled: Policies = tuple(
            None if player in self._policies else policy for player, policy in enumerate(policies)
        )

    def __bool__(self) -> bool:
        return bool(self._policies)

    def start(self, num_envs: int) -> None:
        """Forget everything: ``num_envs`` episodes start."""
        self._memories = {player: policy.initial_memory(num_envs) for player, policy in self._policies.items()}

    def choose(self, key: jax.Array, observations: Any) -> dict[int, np.ndarray]:
        """Let each of these players act.

        Args:
            key: a typed key, used once.
            observations: ``[B, players, features]``.

        Returns:
            The actions ``[B]`` by player.
        """
        chosen = {}
        for player, policy in self._policies.items():
            player_key = jax.random.fold_in(key, player)
            actions, self._memories[player] = policy.act(player_key, observations[:, player], self._memories[player])
            chosen[player] = np.asarray(actions)
        return chosen
