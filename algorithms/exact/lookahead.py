"""Exact LookAhead: the gradient after the others' next steps, which it does not shape (Zhang and Lesser 2010)."""

from __future__ import annotations

import jax

from ..base import Preset
from .derivatives import Losses, lookahead
from .joint import JointLookaheadConfig, Rates, joint_plugin


def lookahead_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``(I - inner_lr H_o) xi`` (Letcher et al. 2019, arXiv:1811.08469)."""
    return lookahead(losses, theta, rates["inner_lr"])


LOOKAHEAD_EXACT = joint_plugin(
    lookahead_direction,
    "LookAhead on exact losses: anticipates the others' steps and does not shape them",
    config=JointLookaheadConfig,
    preset=Preset(100, {"outer_lr": 3.0, "inner_lr": 3.0, "initial_std": 1.0}),
)
