"""Exact naive learning: each player follows the gradient of its own return. The baseline."""

from __future__ import annotations

from functools import partial

import jax

from ..base import AlgorithmPlugin, Preset
from .learner import ExactConfig, GradientRule, build_exact
from .matchup import Matchup, losses
from .parameterisations import Params


def naive_gradient(matchup: Matchup, own: Params, other: Params) -> Params:
    """Return the gradient of the learner's loss against a fixed opponent, ``grad_i L_i``."""
    return jax.grad(lambda each: losses(matchup, each, other).own)(own)


NAIVE_EXACT = AlgorithmPlugin(
    config=ExactConfig,
    build=partial(build_exact, rule=GradientRule(naive_gradient)),
    summary="Gradient ascent on the exact return of memory-one policies (the baseline that defects)",
    presets={("laptop", "IPD-v0"): Preset(100)},
)
