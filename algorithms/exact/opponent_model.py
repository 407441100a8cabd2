"""Fitting a model of the opponent's policy, so that a learner needs no access to the opponent's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from .matchup import Rates, descend
from .parameterisations import Parameterisation, Params, bernoulli_kl


class Fit(NamedTuple):
    """How far fitting a model has come."""

    params: Params
    divergence: jax.Array  # [] KL(true || model), summed over the states
    gradient: Params  # of the divergence
    steps: jax.Array  # [] int32
    converged: jax.Array  # [] bool: the divergence is below the threshold; False where it is not a number


@dataclass(frozen=True)
class Model:
    """How an opponent is modelled."""

    parameterisation: Parameterisation
    max_steps: int
    """Give up a fit after this many steps."""


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

    def measure(each: Params, steps: jax.Array) -> Fit:
        value, gradient = jax.value_and_grad(divergence)(each)
        return Fit(each, value, gradient, steps, converged=value < rates.model_threshold)

    def unfinished(fit: Fit) -> jax.Array:
        return (fit.steps < model.max_steps) & ~fit.converged

    def step(fit: Fit) -> Fit:
        return measure(descend(fit.params, fit.gradient, rates.model_lr), fit.steps + 1)

    return jax.lax.while_loop(unfinished, step, measure(params, jnp.int32(0)))
