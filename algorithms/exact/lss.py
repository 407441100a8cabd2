"""Exact local symplectic surgery: keeps only the fixed points that are local Nash equilibria (Mazumdar et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from ...options import NotNegative
from ..base import Preset
from .derivatives import Losses, hessian, simultaneous_gradient
from .joint import JointConfig, Rates, joint_plugin

PLAYERS = 2
"""The rule is derived, and its guarantees are proved, for two players."""


@dataclass(frozen=True, kw_only=True)
class LssExactConfig(JointConfig):
    """Options of ``lss-exact``."""

    damping: NotNegative = 0.0
    """The paper's lambda, which bounds the inverse of H where it is nearly singular; 0 takes the pseudo-inverse."""


def lss_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``(xi + H^T (H^T H + damping I)^-1 H^T xi) / 2`` (Mazumdar et al. 2019, arXiv:1901.00838).

    Without damping, ``H^T H^-1 xi`` where H has an inverse. Singular values that rounding makes are taken for 0.
    """
    xi = simultaneous_gradient(losses, theta).reshape(-1)
    matrix = hessian(losses, theta)
    left, values, right = jnp.linalg.svd(matrix)
    real = values > theta.size * jnp.finfo(theta.dtype).eps * values.max()
    inverted = jnp.where(real, values / jnp.where(real, values**2 + rates["damping"], 1), 0)
    solution = right.T @ (inverted * (left.T @ xi))
    return ((xi + matrix.T @ solution) / 2).reshape(theta.shape)


LSS_EXACT = joint_plugin(
    lss_direction,
    "Local symplectic surgery on exact losses: converges to local Nash equilibria only",
    config=LssExactConfig,
    players=PLAYERS,
    preset=Preset(100, {"outer_lr": 3.0, "initial_std": 1.0}),
)
