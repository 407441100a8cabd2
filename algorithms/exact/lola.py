"""Exact learning rules that look at most one step ahead: naive learning, LOLA, and LOLA's first-order Taylor form.

Every function is written once for ``(own, other)``; `Matchup` says which seat ``own`` is.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from .parameterisations import Parameterisation, Params, Tabular
from .returns import ExactGame, discounted_returns


@struct.dataclass
class Rates:
    """Step sizes and penalties of the exact learners."""

    inner_lr: jax.Array  # [] the opponent's imagined step
    outer_lr: jax.Array  # [] the learner's own step
    inner_beta: jax.Array  # [] weight of the opponent's KL to its old policy
    outer_beta: jax.Array  # [] weight of the learner's KL to its old policy
    threshold: jax.Array  # [] KL between successive policies at a fixed point
    model_lr: jax.Array  # [] step of fitting an opponent model
    model_threshold: jax.Array  # [] KL(true || model) at which a model is good enough


@struct.dataclass
class Matchup:
    """One learner and the opponent whose learning it looks at, or its model of that opponent."""

    game: ExactGame
    rates: Rates
    seat: jax.Array  # [] int32: 0 or 1, the learner's
    own: Parameterisation = struct.field(pytree_node=False)
    other: Parameterisation = struct.field(pytree_node=False)


class Losses(NamedTuple):
    """Negative discounted returns, by role."""

    own: jax.Array  # []
    other: jax.Array  # []


def losses(matchup: Matchup, own: Params, other: Params) -> Losses:
    """Return the negative exact discounted returns of the learner and of its opponent."""
    first = matchup.seat == 0
    own_logits = matchup.own.logits(own, matchup.seat)
    other_logits = matchup.other.logits(other, 1 - matchup.seat)
    by_player = jnp.where(first, jnp.stack([own_logits, other_logits]), jnp.stack([other_logits, own_logits]))
    returns = discounted_returns(jax.nn.sigmoid(by_player), matchup.game)
    return Losses(own=-jnp.where(first, returns[0], returns[1]), other=-jnp.where(first, returns[1], returns[0]))


def descend(params: Params, gradient: Params, rate: jax.Array) -> Params:
    """Return ``params - rate * gradient``."""
    return jax.tree.map(lambda leaf, slope: leaf - rate * slope, params, gradient)


def opponent_step(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the opponent's parameters after one gradient step on its own loss; differentiable in both arguments."""
    gradient = jax.grad(lambda each: losses(matchup, own, each).other)(other)
    return descend(other, gradient, matchup.rates.inner_lr)


def naive_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the gradient of the learner's loss against a fixed opponent, ``grad_i L_i``."""
    return jax.grad(lambda each: losses(matchup, each, other).own)(own)


def lola_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the gradient of the learner's loss at the opponent's next parameters, *through* the opponent's step.

    ``grad_i [ L_i(theta_i, theta_j - inner_lr grad_j L_j(theta_i, theta_j)) ]``, LOLA's "actual update" (Foerster et
    al. 2018, equation 4, without the Taylor expansion).
    """
    return jax.grad(lambda each: losses(matchup, each, opponent_step(matchup, each, other)).own)(own)


def untransformed_outer_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return LOLA's gradient with pre-conditioning in the opponent's step only.

    A note on the published program: its LOLA with pre-conditioned policies evaluates the *outer* loss at the logits
    before the transformation. This reproduces it; `lola_gradient` is the rule of the paper.
    """
    plain = matchup.replace(own=Tabular(), other=Tabular())  # type: ignore[attr-defined]
    return jax.grad(lambda each: losses(plain, each, opponent_step(matchup, each, other)).own)(own)


def taylor_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the gradient of LOLA's first-order Taylor form (Foerster et al. 2018, section 3.2).

    ``grad_i L_i - inner_lr grad_i (grad_j L_i . grad_j L_j)``.
    """

    def expanded(each: Params) -> jax.Array:
        by_other = jax.jacrev(lambda theta: losses(matchup, each, theta))(other)
        products = jax.tree.map(lambda of_own, of_other: jnp.sum(of_own * of_other), by_other.own, by_other.other)
        return losses(matchup, each, other).own - matchup.rates.inner_lr * jax.tree.reduce(jnp.add, products)

    return jax.grad(expanded)(own)
