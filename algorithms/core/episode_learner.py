"""Naive learning from given episodes: an outer step of `lookahead` without inner ones, on what others played."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from ...envs.base import Experience, Game
from ..base import EpisodeLearner, Metrics
from . import networks
from .lookahead import (
    ActorCritic,
    Coefficients,
    Lookahead,
    Structure,
    adam_step,
    draw_player,
    init_optimizer,
    learn_from,
)
from .networks import NetworkParams, Observations
from .rollout import Batch, RecurrentPolicy, Side


@struct.dataclass
class PlayerState:
    """What one player carries from step to step."""

    player: ActorCritic
    optimizer: Any  # Adam's moments, and how many steps they have seen
    coefficients: Coefficients


def episode_learner(
    env: Game[Any, Any],
    params: Any,
    structure: Structure,
    coefficients: Coefficients,
    *,
    keep_optimizer: bool,
    matmul_precision: str,
) -> EpisodeLearner:
    """Return how a naive learner learns from its own episodes.

    Args:
        env: the game.
        params: its params, for the size of its observations.
        structure: without inner steps, penalties and models, so that a step of learning is an outer step.
        coefficients: rates, discount and the like.
        keep_optimizer: whether Adam's moments are kept; otherwise they start afresh after ``structure.outer_steps``
            steps, which are an update.
        matmul_precision: of matrix products.
    """
    return EpisodeLearner(
        num_episodes=structure.num_envs,
        numbers=jax.tree.map(lambda value: jnp.asarray(value, float), coefficients),
        init=_Init(env.observation_space(params).shape[-1], env.num_actions, structure.hidden_size),
        learn=_Learn(env, structure, keep_optimizer, matmul_precision),
        policy=_policy,
    )


@dataclass(frozen=True)
class _Learn:
    """One step of learning as a function that is hashable by value."""

    env: Game[Any, Any]
    structure: Structure
    keep_optimizer: bool
    matmul_precision: str

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, state: PlayerState, experience: Experience) -> tuple[PlayerState, Metrics]:
        """Take one step of Adam on the losses of the episodes."""
        del key
        player, optimizer, rates = state.player, state.optimizer, state.coefficients
        if not self.keep_optimizer:
            over = optimizer.count >= self.structure.outer_steps
            optimizer = jax.tree.map(partial(jnp.where, over), init_optimizer(player), optimizer)
        # Nothing is imagined, so there is no opponent to know: its place is taken by the player itself.
        lookahead = Lookahead(self.env, None, self.structure, rates, jnp.int32(0), player, player.policy)
        with jax.default_matmul_precision(self.matmul_precision):
            lesson = learn_from(player, self._batch(player.policy, experience), lookahead)
        player, optimizer = adam_step(player, lesson.gradient, optimizer, rates.outer_lr, rates.critic_lr)
        state = replace(state, player=player, optimizer=optimizer)
        return state, lesson.metrics | {"gradient_norm": optax.tree.norm(lesson.gradient.policy)}

    def _batch(self, policy: NetworkParams, experience: Experience) -> Batch:
        """Return the episodes with the logits and hidden states of the policy that played them."""
        table = None if self.env.num_observations is None else self.env.observation_table()
        observations = Observations(experience.observations, table)
        walked = networks.unroll(policy, observations._replace(values=experience.observations[:-1]))
        side = Side(observations, experience.actions, experience.rewards, walked.outputs, walked.hidden)
        # How the opponent chose is not known. A gradient that looks through nobody's learning does not depend on it.
        return Batch(side, side._replace(logits=jnp.zeros_like(side.logits)))


@dataclass(frozen=True)
class _Init:
    """Draws a player; hashable by value."""

    num_features: int
    num_actions: int
    hidden_size: int

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, numbers: Coefficients) -> PlayerState:
        player = draw_player(key, **asdict(self))
        return PlayerState(player=player, optimizer=init_optimizer(player), coefficients=numbers)


def _policy(state: PlayerState) -> RecurrentPolicy:
    return RecurrentPolicy(state.player.policy)
