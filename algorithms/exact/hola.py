"""Exact higher-order LOLA: LOLA against learners that use LOLA themselves, and so on (Willi et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from ...envs.base import Game
from ...options import Count, select
from ..base import Algorithm, AlgorithmPlugin, PlayerLearner, Preset
from .derivatives import Losses, higher_order_lola
from .games import DifferentiableGame
from .joint import JointLookaheadConfig, Rates, build_joint, build_joint_player


@dataclass(frozen=True, kw_only=True)
class HolaExactConfig(JointLookaheadConfig):
    """Options of ``hola-exact``."""

    order: Count = 2
    """1 is LOLA's actual update; n imagines that the others use HOLA of order n - 1. Its cost grows fast."""


@dataclass(frozen=True)
class HolaRule:
    """HOLA of one order (Willi et al. 2022, arXiv:2203.04098)."""

    order: int

    def __call__(self, losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
        """Return ``grad_i [L_i(theta_i, theta_-i - inner_lr g_-i)]`` with g the same of the order below."""
        return higher_order_lola(losses, theta, rates["inner_lr"], self.order)


def build(env: Game[Any, Any] | DifferentiableGame, params: Any, config: HolaExactConfig) -> Algorithm:
    """Make the learner for a game."""
    return build_joint(env, params, config, select(HolaRule, config))


def build_player(env: Game[Any, Any], params: Any, config: HolaExactConfig, player: int) -> PlayerLearner:
    """Make the learner of one player."""
    return build_joint_player(env, params, config, player, rule=select(HolaRule, config))


HOLA_EXACT = AlgorithmPlugin(
    config=HolaExactConfig,
    build=build,
    build_player=build_player,
    summary="Higher-order LOLA on exact losses: LOLA against LOLA, to any order",
    presets={("laptop", "IPD-v0"): Preset(100, {"outer_lr": 3.0, "inner_lr": 3.0, "initial_std": 1.0})},
)
