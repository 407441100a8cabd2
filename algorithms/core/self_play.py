"""Learners that shape the opponent's learning by policy gradients alone, in self-play with their own past.

What LOQA, Advantage Alignment and goodwill LOQA share: one update as one compiled program of many gradient steps.
`gradient_step` has one such step, `shaping` the estimator, `encounters` the play, `pool` the past selves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game, Policy
from ...options import suggest
from ..base import ENVS_AXIS, Algorithm, Metrics
from . import pool as pools
from .devices import on_one_device
from .encounters import policy_network
from .gradient_step import GradientStep, LearnerState, schedule
from .players import by_learner, check_players, check_two, each_player
from .rollout import RecurrentPolicy
from .self_play_config import Coefficients, SelfPlayConfig, Structure

__all__ = ["SelfPlayConfig", "SelfPlayState", "build_self_play"]


@struct.dataclass
class SelfPlayState:
    """What learning carries from update to update; every leaf of ``learners`` starts with the learner axis."""

    learners: LearnerState  # [1 or 2, ...]
    step: jax.Array  # [] int32: gradient steps so far
    coefficients: Coefficients
    env_params: Any


def build_self_play(env: Game[Any, Any], params: Any, config: SelfPlayConfig) -> Algorithm:
    """Make the algorithm of one configuration.

    Args:
        env: a symmetric game, of two players for two learners or where strategies take part.
        params: its params; the episode's length is read here, the rest travels in the state.
        config: the options.

    Returns:
        The algorithm. Equal games and structures give equal functions.

    Raises:
        ValueError: the game does not suit, the pool does not fit into memory, or there is no such strategy.
    """
    check_players(env, params, config.players)
    if config.players == "two":
        check_two(env, "players two")
    structure = config.structure(int(params.max_steps_in_episode))
    step = GradientStep(env=env, num_features=env.observation_space(params).shape[-1], structure=structure)
    _check_step(step)
    pools.check_memory(jax.eval_shape(step.init_agent, jax.random.key(0)), structure.pool_size, structure.num_learners)
    program = _Program(step)

    def init(key: jax.Array) -> SelfPlayState:
        coefficients = jax.tree.map(lambda value: jnp.asarray(value, float), config.coefficients())
        return program.init(key, coefficients, jax.tree.map(jnp.asarray, params))

    return Algorithm(
        init=init,
        update=program,
        policies=_Policies(env.num_players),
        self_play=config.players == "shared",
        trained_against=step.structure.scripted,
        pieces={ENVS_AXIS: structure.pieces},
    )


def _check_step(step: GradientStep) -> None:
    env = step.env
    if step.structure.state_baseline and env.num_observations is None:
        raise ValueError(f"state_baseline needs a game that lists its observations, which {env.name} does not as set")
    if step.structure.scripted:
        check_two(env, "scripted_players")
    for name in step.structure.scripted:
        if name not in env.strategies:
            raise ValueError(f"scripted_players: {env.name} has no strategy {name!r}; {suggest(name, env.strategies)}")


@dataclass(frozen=True)
class _Program:
    """One update as a function that is hashable by value."""

    gradient_step: GradientStep

    @property
    def structure(self) -> Structure:
        """What the program is made for."""
        return self.gradient_step.structure

    @property
    def env_steps(self) -> int:
        """Steps of the game that one update samples."""
        structure = self.structure
        return structure.num_learners * structure.gradient_steps * structure.num_envs * structure.num_steps

    @partial(jax.jit, static_argnums=0)
    def init(self, key: jax.Array, coefficients: Coefficients, params: Any) -> SelfPlayState:
        """Draw the learner, or both."""
        return SelfPlayState(
            learners=jax.vmap(self.gradient_step.init)(jax.random.split(key, self.structure.num_learners)),
            step=jnp.int32(0),
            coefficients=coefficients,
            env_params=params,
        )

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, state: SelfPlayState) -> tuple[SelfPlayState, Metrics]:
        """Take all gradient steps of one update."""
        structure = self.structure
        keys = jax.random.split(key, structure.gradient_steps // structure.snapshot_every)
        state, metrics = jax.lax.scan(self._until_next_snapshot, state, keys)
        means = {name: jnp.mean(values, axis=(0, 1)) for name, values in metrics.items()}
        if state.learners.pool is not None:
            means["pool_size"] = jax.vmap(pools.size)(state.learners.pool).astype(jnp.float32)
        return state, by_learner(means) | {"env_steps": jnp.asarray(self.env_steps, float)}

    def _until_next_snapshot(self, state: SelfPlayState, key: jax.Array) -> tuple[SelfPlayState, Metrics]:
        """Take a snapshot of every learner, draw the opponents of all steps until the next one, and take the steps."""
        structure, pool, drawn = self.structure, state.learners.pool, None
        key_push, key_draw, key_learn = jax.random.split(key, 3)
        if pool is not None:
            pool = jax.vmap(pools.push)(jax.random.split(key_push, structure.num_learners), pool, state.learners.agent)
            draw = partial(pools.draw, shape=(structure.snapshot_every, structure.num_opponents))
            keys = jax.random.split(key_draw, structure.num_learners)
            drawn = jax.vmap(draw, out_axes=1)(keys, pool)  # [steps, learner, opponent, ...]
        # Inside the loop over steps the pool would be copied at every one of them.
        state = replace(state, learners=replace(state.learners, pool=None))
        state, metrics = jax.lax.scan(self._step, state, (jax.random.split(key_learn, structure.snapshot_every), drawn))
        return replace(state, learners=replace(state.learners, pool=pool)), metrics

    def _step(self, state: SelfPlayState, given: tuple[jax.Array, Any]) -> tuple[SelfPlayState, Metrics]:
        """Take one gradient step of every learner, against the other one's agents (one alone against its own)."""
        key, drawn = given
        if drawn is None:
            drawn = jax.tree.map(lambda leaf: leaf[:, None], state.learners.agent)
        learn = partial(
            self.gradient_step,
            coefficients=state.coefficients,
            now=schedule(state.coefficients, state.step),
            params=state.env_params,
        )
        learners, metrics = on_one_device(
            learn,
            jax.random.split(key, self.structure.num_learners),
            state.learners,
            jax.tree.map(lambda leaf: leaf[::-1], drawn),
        )
        return replace(state, learners=learners, step=state.step + 1), metrics


@dataclass(frozen=True)
class _Policies:
    """``policies``; hashable by value."""

    num_players: int

    def __call__(self, state: SelfPlayState) -> tuple[Policy, ...]:
        """Return a policy for each player; one learner alone plays as all of them."""
        agents = each_player(state.learners.agent, self.num_players)
        return tuple(RecurrentPolicy(policy_network(agent)) for agent in agents)
