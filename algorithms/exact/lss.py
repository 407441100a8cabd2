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
    """The paper's lambda, which bounds the inverse where H is singular; with 0 the learner stops there, not finite."""


def lss_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``(xi + H^T (H^T H + damping I)^-1 H^T xi) / 2`` (Mazumdar et al. 2019, arXiv:1901.00838).

    Without damping that is ``(I + H^T H^-1) xi / 2``, and computed so: the square of H would cost half of the digits.
    """
    xi, matrix = simultaneous_gradient(losses, theta).reshape(-1), hessian(losses, theta)
    damping = rates["damping"]
    square = matrix.T @ matrix + damping * jnp.eye(theta.size, dtype=theta.dtype)
    system = jnp.where(damping > 0, square, matrix)
    solution = jnp.linalg.solve(system, jnp.where(damping > 0, matrix.T @ xi, xi))
    return ((xi + matrix.T @ solution) / 2).reshape(theta.shape)


LSS_EXACT = joint_plugin(
    lss_direction,
    "Local symplectic surgery on exact losses: converges to local Nash equilibria only",
    config=LssExactConfig,
    players=PLAYERS,
    preset=Preset(100, {"outer_lr": 3.0, "initial_std": 1.0}),
)
