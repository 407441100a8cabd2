"""Exact naive learning: each player follows the gradient of its own return. The baseline."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax

from ...envs.base import Game
from ..base import Algorithm, AlgorithmPlugin, Preset
from .derivatives import Losses, simultaneous_gradient
from .games import DifferentiableGame
from .joint import Rates, build_joint
from .learner import ExactConfig, GradientRule, build_exact
from .matchup import Matchup, losses
from .one_player import build_exact_player
from .parameterisations import Params


def naive_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the gradient of the learner's loss against a fixed opponent, ``grad_i L_i``."""
    return jax.grad(lambda each: losses(matchup, each, other).own)(own)


RULE = GradientRule(naive_gradient)


def joint_direction(all_losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return every player's `naive_gradient` given all players' losses, ``[N, d]``."""
    del rates
    return simultaneous_gradient(all_losses, theta)


def build(env: Game[Any, Any] | DifferentiableGame, params: Any, config: ExactConfig) -> Algorithm:
    """Make the learner for a game."""
    if isinstance(env, DifferentiableGame) or env.num_players > 2:
        return build_joint(env, params, config, joint_direction)
    return build_exact(env, params, config, RULE)


NAIVE_EXACT = AlgorithmPlugin(
    config=ExactConfig,
    build=build,
    build_player=partial(build_exact_player, rule=RULE),
    summary="Gradient ascent on the exact return of memory-one policies (the baseline that defects)",
    presets={
        ("laptop", "IPD-v0"): Preset(100),
        ("laptop", "PublicGoods-v0"): Preset(100, env_options={"contribution_factor": 2.0}),
    },
)
