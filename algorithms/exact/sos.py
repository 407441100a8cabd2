"""Exact SOS: between LookAhead, which is stable, and LOLA, which shapes (Letcher et al. 2019, arXiv:1811.08469)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp

from ...options import check_number
from ..base import Preset
from .derivatives import Losses, lookahead, shaping, simultaneous_gradient
from .joint import JointLookaheadConfig, Rates, joint_plugin

OpenShare = Annotated[float, partial(check_number, above=0, below=1)]


@dataclass(frozen=True, kw_only=True)
class SosExactConfig(JointLookaheadConfig):
    """Options of ``sos-exact``; the defaults are the published ones."""

    shaping_limit: OpenShare = 0.5
    """The paper's a: shaping undoes no more than this share of a step's progress in LookAhead's direction."""
    shaping_radius: OpenShare = 0.1
    """The paper's b: shaping fades out where the simultaneous gradient is shorter than this, near fixed points."""


def sos_direction(losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return ``xi_0 - p inner_lr chi`` (Letcher et al. 2019, algorithm 1); p = 0 is LookAhead, p = 1 is LOLA."""
    safe, shaped = lookahead(losses, theta, rates["inner_lr"]), -rates["inner_lr"] * shaping(losses, theta)
    return safe + shaping_share(simultaneous_gradient(losses, theta), safe, shaped, rates) * shaped


def shaping_share(xi: jax.Array, safe: jax.Array, shaped: jax.Array, rates: Rates) -> jax.Array:
    """Return p in [0, 1] (Letcher et al. 2019, algorithm 1, lines 4 to 6).

    Args:
        xi: the simultaneous gradient ``[N, d]``.
        safe: LookAhead's direction ``xi_0``.
        shaped: the shaping term ``-inner_lr chi``.
        rates: with a as ``shaping_limit`` and b as ``shaping_radius``.
    """
    progress, length = jnp.sum(shaped * safe), jnp.linalg.norm(xi)
    opposed = progress < 0
    bound = -rates["shaping_limit"] * jnp.sum(safe**2) / jnp.where(opposed, progress, -1)
    along = jnp.where(opposed, jnp.minimum(1, bound), 1)
    return jnp.minimum(along, jnp.where(length < rates["shaping_radius"], length**2, 1))


SOS_EXACT = joint_plugin(
    sos_direction,
    "Stable opponent shaping on exact losses: as much of LOLA as keeps LookAhead's convergence",
    config=SosExactConfig,
    preset=Preset(100, {"outer_lr": 3.0, "inner_lr": 3.0, "initial_std": 1.0}),
)
