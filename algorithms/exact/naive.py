"""Exact naive learning: each player follows the gradient of its own return. The baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from ...envs.base import Game
from ..base import Algorithm, AlgorithmPlugin, Preset
from .learner import ExactConfig, GradientRule, build_exact
from .matchup import Matchup, losses
from .parameterisations import Params


@dataclass(frozen=True, kw_only=True)
class NaiveExactConfig(ExactConfig):
    """Options of ``naive-exact``.

    Raises:
        ValueError: if a value is out of range or a name unknown.
    """


def naive_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the gradient of the learner's loss against a fixed opponent, ``grad_i L_i``."""
    return jax.grad(lambda each: losses(matchup, each, other).own)(own)


def build(env: Game[Any, Any], params: Any, config: NaiveExactConfig) -> Algorithm:
    """Make the learner for a game."""
    return build_exact(env, params, config, GradientRule(naive_gradient))


NAIVE_EXACT = AlgorithmPlugin(
    config=NaiveExactConfig,
    build=build,
    summary="Gradient ascent on the exact return of memory-one policies (the baseline that defects)",
    presets={("laptop", "IPD-v0"): Preset(100)},
)
