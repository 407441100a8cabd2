"""Exact extragradient: the gradients at the place that a naive step of all would lead to (Korpelevich 1976)."""

from __future__ import annotations

import jax

from ..base import Preset
from .derivatives import Losses, simultaneous_gradient
from .joint import JointLookaheadConfig, Rates, joint_plugin


def extragradient_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``xi(theta - inner_lr xi(theta))`` (Korpelevich 1976; Azizian et al. 2020, arXiv:1906.05945)."""
    ahead = theta - rates["inner_lr"] * simultaneous_gradient(losses, theta)
    return simultaneous_gradient(losses, ahead)


EXTRAGRADIENT_EXACT = joint_plugin(
    extragradient_direction,
    "Extragradient on exact losses: the gradients one naive step ahead",
    config=JointLookaheadConfig,
    preset=Preset(100, {"outer_lr": 3.0, "inner_lr": 3.0, "initial_std": 1.0}),
)
