"""Exact LOLA: a gradient step through the opponent's next step (Foerster et al. 2018, arXiv:1709.04326)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp

from ...envs.base import Game
from ...options import NotNegative, Positive, check_choice
from ..base import Algorithm, AlgorithmPlugin, PlayerLearner, Preset
from .derivatives import Losses, higher_order_lola, lookahead, shaping, simultaneous_gradient
from .games import DifferentiableGame
from .joint import build_joint
from .learner import ExactLookaheadConfig, GradientRule, build_exact
from .matchup import Matchup, losses, opponent_step
from .one_player import build_exact_player
from .parameterisations import Params, Preconditioned, Tabular

LolaForm = Literal["actual", "taylor", "shaping"]
FORMS: tuple[LolaForm, ...] = get_args(LolaForm)


@dataclass(frozen=True, kw_only=True)
class LolaExactConfig(ExactLookaheadConfig):
    """Options of ``lola-exact``. The defaults are the published ones for tabular policies."""

    outer_lr: Positive = 25.0
    """Step size of a player's own update."""
    inner_lr: NotNegative = 3.0
    """Step size of the opponent's imagined update; 0 is naive learning."""
    form: LolaForm = "actual"
    """``actual``: through the opponent's step; ``taylor``: its first-order expansion; ``shaping``: of that, only what
    changes the opponent's step, as the paper and its program have it."""
    outer_preconditioning: bool = True
    """False leaves the transformation of ``preconditioned`` out of the outer loss, as the published program does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("form", self.form, FORMS)
        if not self.outer_preconditioning and (
            self.parameterisation != "preconditioned" or self.opponent_model is not None or self.form != "actual"
        ):
            raise ValueError(
                "outer_preconditioning=False is about LOLA's actual update of preconditioned policies without opponent "
                "models: set parameterisation='preconditioned' and leave opponent_model and form alone"
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
    other_plain = Tabular() if isinstance(matchup.other, Preconditioned) else matchup.other
    plain = matchup.replace(own=Tabular(), other=other_plain)  # type: ignore[attr-defined]
    return jax.grad(lambda each: losses(plain, each, opponent_step(matchup, each, other)).own)(own)


def taylor_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the gradient of LOLA's loss expanded to first order in the opponent's step.

    ``grad_i L_i - inner_lr grad_i (grad_j L_i . grad_j L_j)``: LOLA in Letcher et al. (2019).
    """
    return jax.grad(partial(_expanded, matchup, other=other))(own)


def shaping_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return LOLA's gradient as published, which leaves out that the opponent's step changes what the own is worth.

    ``grad_i L_i - inner_lr (grad_i grad_j L_j)^T grad_j L_i`` (Foerster et al. 2018, equation 4.6).
    """
    return jax.grad(partial(_expanded, matchup, other=other, hold=jax.lax.stop_gradient))(own)


def _expanded(matchup: Matchup, own: Params, *, other: Params, hold: Callable[[Any], Any] = lambda x: x) -> jax.Array:
    """Return ``L_i - inner_lr hold(grad_j L_i) . grad_j L_j``."""
    by_other = jax.jacrev(lambda theta: losses(matchup, own, theta))(other)
    products = jax.tree.map(lambda of_own, of_other: jnp.sum(hold(of_own) * of_other), by_other.own, by_other.other)
    return losses(matchup, own, other).own - matchup.rates.inner_lr * jax.tree.reduce(jnp.add, products)


@dataclass(frozen=True)
class JointLola:
    """LOLA of all players at once, any number of them."""

    form: LolaForm

    def __call__(self, all_losses: Losses, theta: jax.Array, rates: Mapping[str, jax.Array]) -> jax.Array:
        """Return what `lola_gradient`, `taylor_gradient` or `shaping_gradient` is for each player, ``[N, d]``."""
        rate = rates["inner_lr"]
        if self.form == "actual":
            return higher_order_lola(all_losses, theta, rate, 1)
        still = self.form == "shaping"
        unshaped = simultaneous_gradient(all_losses, theta) if still else lookahead(all_losses, theta, rate)
        return unshaped - rate * shaping(all_losses, theta)


def build(env: Game[Any, Any] | DifferentiableGame, params: Any, config: LolaExactConfig) -> Algorithm:
    """Make the learner for a game."""
    if isinstance(env, DifferentiableGame) or env.num_players > 2:
        return build_joint(env, params, config, JointLola(config.form))
    return build_exact(env, params, config, _rule(config))


def build_player(env: Game[Any, Any], params: Any, config: LolaExactConfig, player: int) -> PlayerLearner:
    """Make the learner of one player."""
    return build_exact_player(env, params, config, player, rule=_rule(config))


def _rule(config: LolaExactConfig) -> GradientRule:
    if not config.outer_preconditioning:
        return GradientRule(untransformed_outer_gradient)
    return GradientRule({"actual": lola_gradient, "taylor": taylor_gradient, "shaping": shaping_gradient}[config.form])


LOLA_EXACT = AlgorithmPlugin(
    config=LolaExactConfig,
    build=build,
    build_player=build_player,
    summary="LOLA on exact returns: actual update, first-order Taylor form, or the shaping term as published",
    presets={
        ("laptop", "IPD-v0"): Preset(30),
        ("laptop", "PublicGoods-v0"): Preset(60, env_options={"contribution_factor": 2.0}),
    },
)
