"""Exact LOLA: a gradient step through the opponent's next step (Foerster et al. 2018, arXiv:1709.04326)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ...envs.base import Game
from ...options import NotNegative, Positive
from ..base import Algorithm, AlgorithmPlugin, Preset
from .learner import ExactLookaheadConfig, GradientRule, build_exact
from .matchup import Matchup, losses, opponent_step
from .parameterisations import Params, Tabular


@dataclass(frozen=True, kw_only=True)
class LolaExactConfig(ExactLookaheadConfig):
    """Options of ``lola-exact``. The defaults are the published ones for tabular policies."""

    outer_lr: Positive = 25.0
    """Step size of a player's own update."""
    inner_lr: NotNegative = 3.0
    """Step size of the opponent's imagined update; 0 is naive learning."""
    taylor: bool = False
    """Use the first-order Taylor form in place of the actual update."""
    outer_preconditioning: bool = True
    """False leaves the transformation of ``preconditioned`` out of the outer loss, as the published program does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.outer_preconditioning and (
            self.parameterisation != "preconditioned" or self.opponent_model is not None or self.taylor
        ):
            raise ValueError(
                "outer_preconditioning=False is about LOLA's actual update of preconditioned policies without opponent "
                "models: set parameterisation='preconditioned' and leave opponent_model and taylor alone"
            )


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


def build(env: Game[Any, Any], params: Any, config: LolaExactConfig) -> Algorithm:
    """Make the learner for a game."""
    gradient = taylor_gradient if config.taylor else lola_gradient
    if not config.outer_preconditioning:
        gradient = untransformed_outer_gradient
    return build_exact(env, params, config, GradientRule(gradient))


LOLA_EXACT = AlgorithmPlugin(
    config=LolaExactConfig,
    build=build,
    summary="LOLA on exact returns of memory-one policies: actual update or first-order Taylor form",
    presets={("laptop", "IPD-v0"): Preset(30)},
)
