"""Exact competitive gradient descent: each step is a Nash equilibrium (Schaefer and Anandkumar 2019)."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ..base import Preset
from .derivatives import Losses, hessian, off_diagonal, simultaneous_gradient
from .joint import JointLookaheadConfig, Rates, joint_plugin


def cgd_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``(I + inner_lr H_o)^-1 xi`` (Schaefer and Anandkumar 2019, arXiv:1905.12103).

    This is the Nash equilibrium of the bilinear game that the losses are near ``theta``, with a quadratic cost of
    moving. For more than two players it is polymatrix CGD (Ma et al. 2021, arXiv:2111.08565).
    """
    xi = simultaneous_gradient(losses, theta)
    interaction = off_diagonal(hessian(losses, theta), len(theta))
    system = jnp.eye(theta.size, dtype=theta.dtype) + rates["inner_lr"] * interaction
    return jnp.linalg.solve(system, xi.reshape(-1)).reshape(theta.shape)


CGD_EXACT = joint_plugin(
    cgd_direction,
    "Competitive gradient descent on exact losses: the Nash equilibrium of a local bilinear game",
    config=JointLookaheadConfig,
    preset=Preset(100, {"outer_lr": 3.0, "inner_lr": 3.0, "initial_std": 1.0}),
)
