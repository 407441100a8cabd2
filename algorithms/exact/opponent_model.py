"""Fitting a model of the opponent's policy, so that a learner needs no access to the opponent's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from .matchup import Rates, descend
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


@dataclass(frozen=True)
class Model:
    """How an opponent is modelled."""

    parameterisation: Parameterisation
    max_steps: int
    """Give a fit up after so many steps."""


class Target(NamedTuple):
    """The policy to model, and whose it is."""

    logits: jax.Array  # [5]
    player: jax.Array  # [] int32


def fit_model(target: Target, params: Params, rates: Rates, *, model: Model) -> Fit:
    """Descend KL(true || model) from ``params`` until it is small enough (Zhao et al. 2022, appendix B.1.6).

    Args:
        target: the opponent's policy.
        params: the model's parameters to start from, those of the update before.
        rates: ``model_lr`` is the step size, ``model_threshold`` the divergence that is good enough.
        model: how the model is written, and after how many steps to give up, with ``converged`` False.
    """

    def divergence(each: Params) -> jax.Array:
        return bernoulli_kl(target.logits, model.parameterisation.logits(each, target.player))

    def measure(each: Params, steps: jax.Array) -> _Progress:
        return _Progress(each, *jax.value_and_grad(divergence)(each), steps)

    def unfinished(progress: _Progress) -> jax.Array:
        # Written so that a divergence that is not a number counts as unfinished.
        return (progress.steps < model.max_steps) & ~(progress.divergence < rates.model_threshold)

    def step(progress: _Progress) -> _Progress:
        return measure(descend(progress.params, progress.gradient, rates.model_lr), progress.steps + 1)

    end = jax.lax.while_loop(unfinished, step, measure(params, jnp.int32(0)))
    return Fit(end.params, end.divergence, end.steps, converged=end.divergence < rates.model_threshold)
