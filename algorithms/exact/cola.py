"""Exact COLA: learners that all shape each other's learning, and know it (Willi et al. 2022, arXiv:2203.04098).

LOLA takes the others for naive learners, which they are not. COLA learns update functions that are consistent: each is
LOLA's best answer to the other. They are what HOLA tends to with its order, where it converges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from ...envs.base import Game
from ...options import Count, Positive, select
from ..base import Algorithm, AlgorithmPlugin, Metrics, Preset
from .derivatives import Losses, anticipating_gradient
from .games import DifferentiableGame
from .joint import Ground, JointLookaheadConfig, JointUpdate, Problem, Rates, as_rows, ground_of, losses_of
from .learner import ExactState

PLAYERS = 2
"""The paper defines consistency for two players."""

_INITIAL_STD = 0.1


@dataclass(frozen=True, kw_only=True)
class ColaExactConfig(JointLookaheadConfig):
    """Options of ``cola-exact``; sizes and fit are those of the released program in the prisoner's dilemma."""

    network_size: Count = 16
    """Width of both hidden layers of each player's network."""
    fit_steps: Count = 80_000
    """Steps of Adam that make the update functions consistent, before the first update."""
    fit_batch: Count = 64
    """Parameters of both players that are drawn for each of these steps."""
    fit_lr: Positive = 1e-3
    """Step size of Adam."""
    fit_range: Positive = 7.0
    """Parameters are drawn from plus or minus this; beyond, players step as they would at the edge."""


@struct.dataclass
class Networks:
    """Both players' update functions: two hidden layers of tanh on the parameters of both."""

    weights: tuple[jax.Array, ...]  # [N, inputs, outputs] each
    biases: tuple[jax.Array, ...]  # [N, outputs] each
    reach: jax.Array  # []: inputs are held within plus or minus this


@struct.dataclass
class ColaState:
    """Both players, and the update functions that they follow."""

    exact: ExactState
    networks: Networks


def consistent_direction(networks: Networks, theta: jax.Array) -> jax.Array:
    """Return the direction in which the players descend, ``[N, d]``: the paper's ``-f``."""
    reach = jax.lax.stop_gradient(networks.reach)
    inputs = jnp.clip(theta, -reach, reach).reshape(-1)

    def output_of(weights: tuple[jax.Array, ...], biases: tuple[jax.Array, ...]) -> jax.Array:
        features = inputs
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            features = features @ weight + bias
            features = jnp.tanh(features) if layer < len(weights) - 1 else features
        return features

    return jax.vmap(output_of)(networks.weights, networks.biases)


def inconsistency(networks: Networks, losses: Losses, theta: jax.Array, rates: Rates) -> jax.Array:
    """Return the squared distance between the update functions and LOLA's answers to them, ``[]``.

    ``sum_i |h_i - grad_i [L_i(theta_i, theta_-i - inner_lr h_-i(theta))]|^2`` (Willi et al. 2022, consistency loss).
    """

    def direction(at: jax.Array) -> jax.Array:
        return consistent_direction(networks, at)

    return jnp.sum((direction(theta) - anticipating_gradient(losses, theta, rates["inner_lr"], direction)) ** 2)


@dataclass(frozen=True)
class Fit:
    """How the update functions are made consistent."""

    network_size: int
    fit_steps: int
    fit_batch: int

    def __call__(self, key: jax.Array, losses: Losses, shape: tuple[int, ...], rates: Rates) -> Networks:
        """Draw the networks and fit them; each step draws parameters of its own.

        Args:
            key: of the networks and of what they are fitted to.
            losses: of both players.
            shape: of all players' parameters, ``(N, d)``.
            rates: with ``fit_lr``, ``fit_range`` and ``inner_lr``.
        """
        network_key, fit_key = jax.random.split(key)
        networks, adam = self._draw(network_key, shape, rates["fit_range"]), optax.scale_by_adam()

        def objective(each: Networks, batch: jax.Array) -> jax.Array:
            return jax.vmap(inconsistency, in_axes=(None, None, 0, None))(each, losses, batch, rates).mean()

        def step(carry: tuple[Networks, Any], number: jax.Array) -> tuple[tuple[Networks, Any], None]:
            each, moments = carry
            drawn = jax.random.uniform(jax.random.fold_in(fit_key, number), (self.fit_batch, *shape), dtype=float)
            gradient = jax.grad(objective)(each, rates["fit_range"] * (2 * drawn - 1))
            direction, moments = adam.update(gradient, moments)
            return (jax.tree.map(lambda leaf, by: leaf - rates["fit_lr"] * by, each, direction), moments), None

        return jax.lax.scan(step, (networks, adam.init(networks)), jnp.arange(self.fit_steps))[0][0]

    def _draw(self, key: jax.Array, shape: tuple[int, ...], reach: jax.Array) -> Networks:
        players, size = shape
        sizes = (players * size, self.network_size, self.network_size, size)
        keys = jax.random.split(key, len(sizes) - 1)
        pairs = list(zip(keys, sizes[:-1], sizes[1:], strict=True))
        return Networks(
            weights=tuple(
                _INITIAL_STD * jax.random.normal(each, (players, *ends), dtype=float) for each, *ends in pairs
            ),
            biases=tuple(jnp.zeros((players, outputs), dtype=float) for _, _, outputs in pairs),
            reach=reach,
        )


@dataclass(frozen=True)
class ColaInit:
    """``init``: draws the players, and makes the update functions consistent, for the numbers as they are then."""

    ground: Ground
    fit: Fit

    def __call__(self, key: jax.Array) -> ColaState:
        """Draw and fit."""
        player_key, fit_key = jax.random.split(key)
        exact = self.ground.init(player_key)
        shape = as_rows(exact.params)[0].shape
        networks = self.fit(fit_key, losses_of(self.ground.problem, exact), shape, exact.rates)
        return ColaState(exact, networks)


@dataclass(frozen=True)
class ColaUpdate:
    """``update``: both players step as their update functions say."""

    problem: Problem

    def __call__(self, key: jax.Array, state: ColaState) -> tuple[ColaState, Metrics]:
        """Return the state after one update, and its metrics."""
        exact, networks = state.exact, state.networks
        theta, losses = as_rows(exact.params)[0], losses_of(self.problem, exact)
        distance = jnp.sqrt(inconsistency(networks, losses, theta, exact.rates))
        step = JointUpdate(self.problem, lambda _, at, rates: consistent_direction(networks, at))
        exact, metrics = step(key, exact)
        return ColaState(exact, networks), {**metrics, "inconsistency": distance}


@dataclass(frozen=True)
class ColaPolicies:
    """``policies``: those of the players."""

    base: Any

    def __call__(self, state: ColaState) -> Any:
        """Return one policy for each player."""
        return self.base(state.exact)


def build(env: Game[Any, Any] | DifferentiableGame, params: Any, config: ColaExactConfig) -> Algorithm:
    """Make the learner for a game."""
    ground = ground_of(env, params, config, PLAYERS)
    return Algorithm(
        init=ColaInit(ground, select(Fit, config)),
        update=ColaUpdate(ground.problem),
        policies=ColaPolicies(ground.policies),
    )


COLA_EXACT = AlgorithmPlugin(
    config=ColaExactConfig,
    build=build,
    summary="Consistent LOLA on exact losses: update functions that answer each other",
    presets={("laptop", "IPD-v0"): Preset(100, {"outer_lr": 3.0, "inner_lr": 3.0, "fit_steps": 20_000})},
)
