"""A game against a player that does not learn, in the form in which any two-player learner can be trained.

It is two copies of the base game side by side, each the `SingleAgent` view of it. In copy 0 the learner's player 0 is
player 0 and the frozen policy is player 1; in copy 1 the learner's player 1 is player 1 and the frozen policy is
player 0. So one training run gives a response as each player, and to a learner that looks at its opponent the opponent
is of no consequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp
from flax import struct

from .base import Game
from .gymnax import environment
from .policies.one_of import OneOf
from .views.single_agent import SingleAgent, SingleAgentParams, SingleAgentState


@struct.dataclass(kw_only=True)
class FrozenState(environment.EnvState):
    """Both copies of the game, and what the frozen policy remembers in each."""

    copies: tuple[SingleAgentState, SingleAgentState]
    time: jax.Array  # [] int32


@struct.dataclass(kw_only=True)
class FrozenParams(environment.EnvParams):
    """The base game's numbers and the frozen policy, in each copy: all leaves."""

    copies: tuple[SingleAgentParams, SingleAgentParams]
    max_steps_in_episode: jax.Array  # [] int32

    @classmethod
    def of(cls, base: Any, frozen: tuple[OneOf, OneOf]) -> Self:
        """Return the params for the numbers of the base game and the frozen policy as each player."""
        steps = jnp.asarray(base.max_steps_in_episode, jnp.int32)
        first, second = (
            SingleAgentParams(game=base, opponents=(frozen[1 - copy],), max_steps_in_episode=steps) for copy in (0, 1)
        )
        return cls(copies=(first, second), max_steps_in_episode=steps)


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
        return jnp.stack([each.observation_index(state.copies[copy]) for copy, each in enumerate(self._copies)])

    def observation_space(self, params: Any | None = None) -> Any:
        """The base game's."""
        return self.base.observation_space(None)

    def reset_env(self, key: jax.Array, params: FrozenParams) -> tuple[jax.Array, FrozenState]:
        """Start an episode of both copies."""
        keys = jax.random.split(key)
        starts = [each.reset_env(keys[copy], params.copies[copy]) for copy, each in enumerate(self._copies)]
        first, second = (state for _, state in starts)
        return jnp.stack([seen for seen, _ in starts]), FrozenState(copies=(first, second), time=jnp.int32(0))

    def step_env(
        self, key: jax.Array, state: FrozenState, action: jax.Array, params: FrozenParams
    ) -> tuple[jax.Array, FrozenState, jax.Array, jax.Array, dict[str, jax.Array]]:
        """Step both copies."""
        keys = jax.random.split(key)
        steps = [
            each.step_env(keys[copy], state.copies[copy], action[copy], params.copies[copy])
            for copy, each in enumerate(self._copies)
        ]
        observations, copies, rewards, _, infos = zip(*steps, strict=True)
        left = {f"left_with_{copy}": info["rewards"][1 - copy] for copy, info in enumerate(infos)}
        after = FrozenState(copies=copies, time=state.time + 1)
        return jnp.stack(observations), after, jnp.stack(rewards), jnp.zeros((), bool), left

    def observe(self, key: jax.Array, state: FrozenState, action: jax.Array | None, params: FrozenParams) -> jax.Array:
        """Return what the learner sees in each copy, ``[2, F]``."""
        return jnp.stack(
            [each.observe(key, state.copies[copy], None, params.copies[copy]) for copy, each in enumerate(self._copies)]
        )

    @property
    def _copies(self) -> tuple[SingleAgent, SingleAgent]:
        first, second = (SingleAgent(game=self.base, player=copy, views=(self.views[1 - copy],)) for copy in (0, 1))
        return first, second
