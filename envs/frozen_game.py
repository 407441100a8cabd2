"""A game against a player that does not learn, in the form in which any two-player learner can be trained.

It is two copies of the base game side by side. In copy 0 the learner's player 0 is player 0 and the frozen policy is
player 1; in copy 1 the learner's player 1 is player 1 and the frozen policy is player 0. So one training run gives a
response as each player, and to a learner that looks at its opponent the opponent is of no consequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment

from .base import Game
from .policies.one_of import OneOf


@struct.dataclass(kw_only=True)
class FrozenState(environment.EnvState):
    """Both copies of the game, and what the frozen policy remembers in each."""

    games: tuple[Any, ...]
    memories: tuple[Any, ...]  # [1, ...]
    time: jax.Array  # [] int32


@struct.dataclass(kw_only=True)
class FrozenParams(environment.EnvParams):
    """The base game's numbers and the frozen policy of each player: all leaves."""

    base: Any
    frozen: tuple[OneOf, OneOf]
    max_steps_in_episode: jax.Array  # [] int32


@dataclass(frozen=True, kw_only=True)
class FrozenGame(Game[FrozenState, FrozenParams]):
    """See the module. ``info`` holds what the frozen player gets in each copy, ``left_with_0`` and ``left_with_1``."""

    base: Game[Any, Any]
    views: tuple[tuple[Game[Any, Any], ...], tuple[Game[Any, Any], ...]]
    """For each player, the form of the game in which each policy of its `OneOf` sees it."""

    @property
    def name(self) -> str:
        """The base game's name, since learners have settings by game."""
        return str(self.base.name)

    @property
    def action_names(self) -> tuple[str, ...]:
        """The base game's."""
        return self.base.action_names

    @property
    def num_observations(self) -> int | None:
        """The base game's."""
        return self.base.num_observations

    def observation_table(self) -> jax.Array:
        """Return the base game's observations."""
        return self.base.observation_table()

    def observation_index(self, state: FrozenState) -> jax.Array:
        """Return which of them each learner sees in its copy, ``[2]`` int32."""
        return jnp.stack([self.base.observation_index(state.games[copy])[copy] for copy in (0, 1)])

    def observation_space(self, params: Any | None = None) -> Any:
        """The base game's."""
        return self.base.observation_space(None)

    def reset_env(self, key: jax.Array, params: FrozenParams) -> tuple[jax.Array, FrozenState]:
        """Start an episode of both copies."""
        starts = [self.base.reset_env(each, params.base) for each in jax.random.split(key)]
        memories = tuple(params.frozen[1 - copy].initial_memory(1) for copy in (0, 1))
        state = FrozenState(games=tuple(game for _, game in starts), memories=memories, time=jnp.int32(0))
        return jnp.stack([starts[copy][0][copy] for copy in (0, 1)]), state

    def step_env(
        self, key: jax.Array, state: FrozenState, action: jax.Array, params: FrozenParams
    ) -> tuple[jax.Array, FrozenState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Step both copies."""
        games, memories, observations, rewards, left = [], [], [], [], {}
        # All keys at once: hashing is what a step costs most.
        keys = jax.random.split(key, (2, 3))
        for copy in (0, 1):  # also the learner's player
            view_key, act_key, env_key = keys[copy]
            frozen, memory = self._choose(
                (view_key, act_key), 1 - copy, state.games[copy], state.memories[copy], params
            )
            joint = jnp.stack([action[0], frozen] if copy == 0 else [frozen, action[1]])
            observation, game, reward, _, _ = self.base.step_env(env_key, state.games[copy], joint, params.base)
            games.append(game)
            memories.append(memory)
            observations.append(observation[copy])
            rewards.append(reward[copy])
            left[f"left_with_{copy}"] = reward[1 - copy]
        after = FrozenState(games=tuple(games), memories=tuple(memories), time=state.time + 1)
        return jnp.stack(observations), after, jnp.stack(rewards), jnp.zeros((), bool), left

    def observe(self, key: jax.Array, state: FrozenState, action: jax.Array | None, params: FrozenParams) -> jax.Array:
        """Return what the learner sees in each copy, ``[2, F]``."""
        return jnp.stack([self.base.observe(key, state.games[copy], action, params.base)[copy] for copy in (0, 1)])

    def _choose(
        self, keys: tuple[jax.Array, jax.Array], player: int, game: Any, memory: Any, params: FrozenParams
    ) -> tuple[jax.Array, Any]:
        """Return the frozen policy's action as ``player``, and its memory."""
        view_key, act_key = keys
        seen = [view.observe(view_key, game, None, params.base)[player][None] for view in self.views[player]]
        actions, memory = params.frozen[player].act_on(act_key, seen, memory)
        return actions[0], memory
