"""Exact symplectic gradient adjustment: turns the gradient towards stable fixed points (Balduzzi et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ...options import NotNegative
from ..base import Preset
from .derivatives import Losses, hessian_product, simultaneous_gradient, transposed_hessian_product
from .joint import JointConfig, Rates, joint_plugin


@dataclass(frozen=True, kw_only=True)
class SgaExactConfig(JointConfig):
    """Options of ``sga-exact``; the defaults are the published ones."""

    alignment_bias: NotNegative = 0.1
    """The paper's epsilon: added to the alignment whose sign decides which way to turn, so that doubt means +1."""


def sga_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``xi + lambda A^T xi`` with A the antisymmetric part of H (Balduzzi et al. 2018, arXiv:1802.05642).

    ``lambda = sign(<xi, H^T xi> <A^T xi, H^T xi> / (N d) + alignment_bias)``
    """
    xi = simultaneous_gradient(losses, theta)
    uphill = transposed_hessian_product(losses, theta, xi)
    adjustment = (uphill - hessian_product(losses, theta, xi)) / 2
    alignment = jnp.sum(xi * uphill) * jnp.sum(adjustment * uphill) / theta.size
    return xi + jnp.sign(alignment + rates["alignment_bias"]) * adjustment


SGA_EXACT = joint_plugin(
    sga_direction,
    "Symplectic gradient adjustment on exact losses: against rotation, towards stable fixed points",
    config=SgaExactConfig,
    preset=Preset(100, {"outer_lr": 3.0, "initial_std": 1.0}),
)
