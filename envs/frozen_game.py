"""A game against a player that does not learn, in the form in which any two-player learner can be trained.

It is two copies of the base game side by side. In copy 0 the learner's player 0 sits in seat 0 and the frozen player in
seat 1; in copy 1 the learner's player 1 sits in seat 1 and the frozen player in seat 0. So one training run gives a
response in each seat, and to a learner that looks at its opponent the opponent is of no consequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment

from .base import Game, Policy


@struct.dataclass
class FrozenSeat:
    """The frozen player of one seat: a candidate of each structure, of which one plays."""

    candidates: tuple[Policy, ...]
    plays: jax.Array  # [] int32


@struct.dataclass(kw_only=True)
class FrozenState(environment.EnvState):
    """Both copies of the game, and what the frozen player remembers in each."""

    games: tuple[Any, ...]
    memories: tuple[Any, ...]  # of every candidate, [1, ...]
    time: jax.Array  # [] int32


@struct.dataclass(kw_only=True)
class FrozenParams(environment.EnvParams):
    """The base game's numbers and the frozen player of each seat: all leaves."""

    base: Any
    seats: tuple[FrozenSeat, FrozenSeat]
    max_steps_in_episode: jax.Array  # [] int32


@dataclass(frozen=True, kw_only=True)
class FrozenGame(Game[FrozenState, FrozenParams]):
    """See the module. ``info`` holds what the frozen player gets in each copy, ``left_with_0`` and ``left_with_1``."""

    base: Game[Any, Any]
    views: tuple[tuple[Game[Any, Any], ...], tuple[Game[Any, Any], ...]]
    """For each seat, the form of the game in which each candidate sees it."""

    @classmethod
    def of(cls, base: Game[Any, Any], views: Sequence[Sequence[Game[Any, Any]]]) -> Self:
        """Return the game against candidates that see it in ``views``."""
        first, second = (tuple(each) for each in views)
        return cls(base=base, views=(first, second))

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
        return jnp.stack([self.base.observation_index(state.games[seat])[seat] for seat in (0, 1)])

    def observation_space(self, params: Any | None = None) -> Any:
        """The base game's."""
        del params
        return self.base.observation_space(None)

    def reset_env(self, key: jax.Array, params: FrozenParams) -> tuple[jax.Array, FrozenState]:
        """Start an episode of both copies."""
        starts = [self.base.reset_env(each, params.base) for each in jax.random.split(key)]
        memories = tuple(
            tuple(candidate.initial_memory(1) for candidate in params.seats[1 - seat].candidates) for seat in (0, 1)
        )
        state = FrozenState(games=tuple(game for _, game in starts), memories=memories, time=jnp.int32(0))
        return jnp.stack([starts[seat][0][seat] for seat in (0, 1)]), state

    def step_env(
        self, key: jax.Array, state: FrozenState, action: jax.Array, params: FrozenParams
    ) -> tuple[jax.Array, FrozenState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Step both copies."""
        games, memories, observations, rewards, left = [], [], [], [], {}
        # All keys at once: hashing is what a step costs most.
        keys = jax.random.split(key, (2, 3))
        for seat in (0, 1):
            view_key, act_key, env_key = keys[seat]
            frozen, memory = self._choose(
                (view_key, act_key), 1 - seat, state.games[seat], state.memories[seat], params
            )
            joint = jnp.stack([action[0], frozen] if seat == 0 else [frozen, action[1]])
            observation, game, reward, _, _ = self.base.step_env(env_key, state.games[seat], joint, params.base)
            games.append(game)
            memories.append(memory)
            observations.append(observation[seat])
            rewards.append(reward[seat])
            left[f"left_with_{seat}"] = reward[1 - seat]
        after = FrozenState(games=tuple(games), memories=tuple(memories), time=state.time + 1)
        return jnp.stack(observations), after, jnp.stack(rewards), jnp.zeros((), bool), left

    def observe(self, key: jax.Array, state: FrozenState, action: jax.Array | None, params: FrozenParams) -> jax.Array:
        """Return what the learner sees in each copy, ``[2, F]``."""
        return jnp.stack([self.base.observe(key, state.games[seat], action, params.base)[seat] for seat in (0, 1)])

    def _choose(
        self, keys: tuple[jax.Array, jax.Array], seat: int, game: Any, memory: Any, params: FrozenParams
    ) -> tuple[jax.Array, Any]:
        """Return the frozen player's action in ``seat`` and its memory; candidates that do not play look on."""
        view_key, act_key = keys
        actions, memories = [], []
        for view, candidate, own in zip(self.views[seat], params.seats[seat].candidates, memory, strict=True):
            observation = view.observe(view_key, game, None, params.base)[seat]
            chosen, after = candidate.act(act_key, observation[None], own)
            actions.append(chosen[0])
            memories.append(after)
        return jnp.stack(actions)[params.seats[seat].plays], tuple(memories)
