"""One exact learner and its opponent: their losses, and a step of the opponent that the learner can look through.

Every function is written once for ``(own, other)``; `Matchup` says which player ``own`` is.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from .parameterisations import Parameterisation, Params
from .returns import ExactGame, discounted_returns


@struct.dataclass
class Rates:
    """Step sizes, penalties and thresholds; a learner leaves those at 0 that it does not have."""

    outer_lr: jax.Array | float = 0.0
    """Step size of the learner's own step."""
    inner_lr: jax.Array | float = 0.0
    """Step size of the opponent's imagined step."""
    outer_beta: jax.Array | float = 0.0
    """Weight of the learner's KL to its old policy."""
    inner_beta: jax.Array | float = 0.0
    """Weight of the opponent's KL to its old policy."""
    threshold: jax.Array | float = 0.0
    """KL between successive policies at a fixed point."""
    model_lr: jax.Array | float = 0.0
    """Step size of fitting an opponent model."""
    model_threshold: jax.Array | float = 0.0
    """KL(true || model) at which a model is good enough."""


@struct.dataclass
class Matchup:
    """One learner and the opponent whose learning it looks at, or its model of that opponent."""

    game: ExactGame
    rates: Rates
    player: jax.Array  # [] int32: 0 or 1, the learner's
    own: Parameterisation = struct.field(pytree_node=False)
    other: Parameterisation = struct.field(pytree_node=False)


class Losses(NamedTuple):
    """Negative discounted returns, by role."""

    own: jax.Array  # []
    other: jax.Array  # []


def losses(matchup: Matchup, own: Params, other: Params) -> Losses:
    """Return the negative exact discounted returns of the learner and of its opponent."""
    first = matchup.player == 0
    own_logits = matchup.own.logits(own, matchup.player)
    other_logits = matchup.other.logits(other, 1 - matchup.player)
    by_player = jnp.where(first, jnp.stack([own_logits, other_logits]), jnp.stack([other_logits, own_logits]))
    returns = discounted_returns(jax.nn.sigmoid(by_player), matchup.game)
    return Losses(own=-jnp.where(first, returns[0], returns[1]), other=-jnp.where(first, returns[1], returns[0]))


def descend(params: Params, gradient: Params, rate: jax.Array | float) -> Params:
    """Return ``params - rate * gradient``."""
    return jax.tree.map(lambda leaf, slope: leaf - rate * slope, params, gradient)


def opponent_step(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the opponent's parameters after one gradient step on its own loss; differentiable in both arguments."""
    gradient = jax.grad(lambda each: losses(matchup, own, each).other)(other)
    return descend(other, gradient, matchup.rates.inner_lr)
