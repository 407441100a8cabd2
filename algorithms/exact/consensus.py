"""Exact consensus optimisation: the gradient, and a pull to where all gradients vanish (Mescheder et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import jax

from ...options import NotNegative
from ..base import Preset
from .derivatives import Losses, simultaneous_gradient, transposed_hessian_product
from .joint import JointConfig, Rates, joint_plugin


@dataclass(frozen=True, kw_only=True)
class ConsensusExactConfig(JointConfig):
    """Options of ``consensus-exact``."""

    consensus_weight: NotNegative = 1.0
    """Weight of the pull to fixed points of any kind, stable or not; 0 is naive learning."""


def consensus_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``xi + consensus_weight H^T xi``, the latter the gradient of ``|xi|^2 / 2``.

    Mescheder et al. 2017, arXiv:1705.10461.
    """
    xi = simultaneous_gradient(losses, theta)
    return xi + rates["consensus_weight"] * transposed_hessian_product(losses, theta, xi)


CONSENSUS_EXACT = joint_plugin(
    consensus_direction,
    "Consensus optimisation on exact losses: a pull to where all gradients vanish",
    config=ConsensusExactConfig,
    preset=Preset(100, {"outer_lr": 3.0, "consensus_weight": 3.0, "initial_std": 1.0}),
)
