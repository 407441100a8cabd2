"""Fitting a model of the opponent's policy, so that a learner needs no access to the opponent's parameters."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from .lola import descend
from .parameterisations import Parameterisation, Params, bernoulli_kl


@struct.dataclass
class Fit:
    """A fitted model."""

    params: Params
    divergence: jax.Array  # [] KL(true || model), summed over the states
    steps: jax.Array  # [] int32
    converged: jax.Array  # [] bool: the divergence is below the threshold


class _Progress(NamedTuple):
    params: Params
    divergence: jax.Array  # []
    gradient: Params
    steps: jax.Array  # [] int32


class Target(NamedTuple):
    """The policy to model, and whose it is."""

    logits: jax.Array  # [5]
    seat: jax.Array  # [] int32


def fit_model(
    target: Target, params: Params, *, model: Parameterisation, rate: jax.Array, threshold: jax.Array, max_steps: int
) -> Fit:
    """Descend KL(true || model) from ``params`` until it is below ``threshold`` (Zhao et al. 2022, appendix B.1.6).

    Args:
        target: the opponent's policy.
        params: the model's parameters to start from, those of the update before.
        model: how the model is written.
        rate: step size.
        threshold: divergence that is good enough.
        max_steps: give up after this many steps, with ``converged`` False.
    """

    def divergence(each: Params) -> jax.Array:
        return bernoulli_kl(target.logits, model.logits(each, target.seat))

    def measure(each: Params, steps: jax.Array) -> _Progress:
        return _Progress(each, *jax.value_and_grad(divergence)(each), steps)

    def unfinished(progress: _Progress) -> jax.Array:
        # Written so that a divergence that is not a number counts as unfinished.
        return (progress.steps < max_steps) & ~(progress.divergence < threshold)

    def step(progress: _Progress) -> _Progress:
        return measure(descend(progress.params, progress.gradient, rate), progress.steps + 1)

    end = jax.lax.while_loop(unfinished, step, measure(params, jnp.int32(0)))
    return Fit(params=end.params, divergence=end.divergence, steps=end.steps, converged=end.divergence < threshold)
