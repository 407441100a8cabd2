"""Exact proximal LOLA: updates of bounded change in *policy*, however it is written (Zhao et al. 2022, section 3)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from .lola import Matchup, descend, losses, opponent_step
from .parameterisations import Params, bernoulli_kl


@struct.dataclass
class Proximal:
    """Where a proximal update ended."""

    params: Params
    steps: jax.Array  # [] int32: outer steps taken
    converged: jax.Array  # [] bool: successive policies are within the threshold of each other


class _Descent(NamedTuple):
    """Carry of the outer steps."""

    params: Params
    logits: jax.Array  # [5] of these parameters
    steps: jax.Array  # [] int32
    converged: jax.Array  # [] bool


def look_ahead(matchup: Matchup, own: Params, other: Params, inner_steps: int) -> Params:
    """Return the opponent's parameters after some gradient steps on its loss plus ``inner_beta`` KL(old || new).

    The KL is taken to the opponent's policy before the steps (POLA, Algorithm 1). Differentiable in both arguments.

    Args:
        matchup: who learns against whom.
        own: the learner's parameters, fixed during these steps.
        other: the opponent's parameters before the first step.
        inner_steps: how many steps, at least 1.
    """
    # The first step leaves from the reference policy, where the penalty has no gradient.
    ahead = opponent_step(matchup, own, other)
    if inner_steps == 1:
        return ahead
    seat = 1 - matchup.seat
    reference = matchup.other.logits(other, seat)

    def objective(each: Params) -> jax.Array:
        penalty = bernoulli_kl(reference, matchup.other.logits(each, seat))
        return losses(matchup, own, each).other + matchup.rates.inner_beta * penalty

    def step(each: Params, _: None) -> tuple[Params, None]:
        return descend(each, jax.grad(objective)(each), matchup.rates.inner_lr), None

    return jax.lax.scan(step, ahead, None, length=inner_steps - 1)[0]


def outer_gradient(matchup: Matchup, own: Params, other: Params, *, reference: jax.Array, inner_steps: int) -> Params:
    """Return the gradient of ``L_i(theta_i, theta_j after the inner steps) + outer_beta KL(reference || theta_i)``.

    Args:
        matchup: who learns against whom.
        own: the learner's parameters at this outer step.
        other: the opponent's *old* parameters, from which every lookahead starts.
        reference: logits ``[5]`` of the learner's policy before the whole update.
        inner_steps: steps of the opponent in the lookahead.
    """

    def objective(each: Params) -> jax.Array:
        ahead = look_ahead(matchup, each, other, inner_steps)
        penalty = bernoulli_kl(reference, matchup.own.logits(each, matchup.seat))
        return losses(matchup, each, ahead).own + matchup.rates.outer_beta * penalty

    return jax.grad(objective)(own)


def proximal_update(
    matchup: Matchup, own: Params, other: Params, *, inner_steps: int, outer_steps: int | None, max_steps: int
) -> Proximal:
    """Descend the proximal objective for a number of steps, or to a fixed point of the policy.

    A fixed point is where the KL between successive policies is below ``rates.threshold`` in both directions. Mapped
    over runs, each run keeps the parameters at which it stopped while the others go on.

    Args:
        matchup: who learns against whom.
        own: the learner's parameters before the update.
        other: the opponent's parameters before the update.
        inner_steps: steps of the opponent in each lookahead.
        outer_steps: take exactly this many steps; None goes on to the fixed point.
        max_steps: give up the search for a fixed point after this many steps, with ``converged`` False.
    """
    reference = matchup.own.logits(own, matchup.seat)

    def step(carry: _Descent) -> _Descent:
        gradient = outer_gradient(matchup, carry.params, other, reference=reference, inner_steps=inner_steps)
        params = descend(carry.params, gradient, matchup.rates.outer_lr)
        logits = matchup.own.logits(params, matchup.seat)
        change = jnp.maximum(bernoulli_kl(carry.logits, logits), bernoulli_kl(logits, carry.logits))
        return _Descent(params, logits, carry.steps + 1, change < matchup.rates.threshold)

    def unfinished(carry: _Descent) -> jax.Array:
        return (carry.steps < max_steps) & ~carry.converged

    start = _Descent(own, reference, jnp.int32(0), jnp.bool_(False))
    if outer_steps is None:
        end = jax.lax.while_loop(unfinished, step, start)
    elif outer_steps == 1:
        end = step(start)
    else:
        end = jax.lax.fori_loop(0, outer_steps, lambda _, carry: step(carry), start)
    return Proximal(params=end.params, steps=end.steps, converged=end.converged)
