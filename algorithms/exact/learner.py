"""The exact learners as an `Algorithm`: state, and the three functions, hashable by value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from ..base import Metrics
from .lola import Matchup, Rates, descend
from .opponent_model import Fit, Target, fit_model
from .parameterisations import Parameterisation, Params
from .pola import proximal_update
from .policy import MemoryOnePolicy
from .returns import STATES, ExactGame, discounted_returns, social_optimum

PLAYERS = 2
_RECIPROCATES_BELOW = 0.65
_SHARE_OF_OPTIMUM = 0.8


@struct.dataclass
class ExactState:
    """Both players, their models of each other, and every number of the run."""

    params: Params  # leaves [2, ...]
    models: Params  # leaves [2, ...]: entry i is player i's model of the other; empty without models
    game: ExactGame
    rates: Rates
    unconverged: jax.Array  # [2] int32: how often a fixed point or a fit was given up since the start


class Learned(NamedTuple):
    """One player's update."""

    params: Params
    converged: jax.Array  # [] bool
    metrics: Metrics


@dataclass(frozen=True)
class GradientRule:
    """One step along a gradient of the learner's objective."""

    gradient: Callable[[Matchup, Params, Params], Params]

    def __call__(self, matchup: Matchup, own: Params, other: Params) -> Learned:
        """Return the learner after the step."""
        params = descend(own, self.gradient(matchup, own, other), matchup.rates.outer_lr)
        return Learned(params, jnp.bool_(True), {})


@dataclass(frozen=True)
class ProximalRule:
    """POLA's update, see `proximal_update`."""

    inner_steps: int
    outer_steps: int | None
    max_steps: int

    def __call__(self, matchup: Matchup, own: Params, other: Params) -> Learned:
        """Return the learner after the update."""
        end = proximal_update(
            matchup,
            own,
            other,
            inner_steps=self.inner_steps,
            outer_steps=self.outer_steps,
            max_steps=self.max_steps,
        )
        if self.outer_steps is not None:
            return Learned(end.params, jnp.bool_(True), {})
        return Learned(end.params, end.converged, {"converged": end.converged, "outer_steps": end.steps})


@dataclass(frozen=True)
class ModelFit:
    """How the opponent is modelled, see `fit_model`."""

    parameterisation: Parameterisation
    max_steps: int

    def __call__(self, target: Target, params: Params, rates: Rates) -> Fit:
        """Return the model after fitting it to the target, from ``params``."""
        return fit_model(
            target,
            params,
            model=self.parameterisation,
            rate=rates.model_lr,
            threshold=rates.model_threshold,
            max_steps=self.max_steps,
        )


@dataclass(frozen=True)
class Numbers:
    """Numbers or nested tuples of them, by name: hashable, and arrays of the precision in force when asked for."""

    values: tuple[tuple[str, Any], ...]

    def arrays(self) -> dict[str, jax.Array]:
        """Return them as floating-point arrays."""
        return {name: jnp.asarray(value, dtype=float) for name, value in self.values}


@dataclass(frozen=True)
class ExactInit:
    """``init`` of the exact learners; the numbers it puts into the state come with the call of ``build``."""

    parameterisation: Parameterisation
    model: ModelFit | None
    game: Numbers
    rates: Numbers

    def __call__(self, key: jax.Array) -> ExactState:
        """Draw both players, and both models where there are any."""
        params_key, model_key = jax.random.split(key)
        draw = jax.vmap(self.parameterisation.init)
        models = jax.vmap(self.model.parameterisation.init)(jax.random.split(model_key, PLAYERS)) if self.model else ()
        return ExactState(
            params=draw(jax.random.split(params_key, PLAYERS)),
            models=models,
            game=ExactGame(**self.game.arrays()),
            rates=Rates(**self.rates.arrays()),
            unconverged=jnp.zeros(PLAYERS, jnp.int32),
        )


@dataclass(frozen=True)
class ExactUpdate:
    """``update`` of the exact learners: both players learn at once, each from the same old parameters of both."""

    parameterisation: Parameterisation
    rule: Callable[[Matchup, Params, Params], Learned]
    model: ModelFit | None

    def __call__(self, key: jax.Array, state: ExactState) -> tuple[ExactState, Metrics]:
        """Return the state after one update, and its metrics; nothing is random."""
        del key
        seats = jnp.arange(PLAYERS, dtype=jnp.int32)
        others = jax.tree.map(lambda leaf: leaf[::-1], state.params)
        models, unconverged = state.models, state.unconverged
        metrics: Metrics = {}
        if self.model is not None:
            targets = jax.vmap(self._target)(1 - seats, others)
            fit = jax.vmap(self.model, in_axes=(0, 0, None))(targets, models, state.rates)
            models = others = fit.params
            unconverged = unconverged + ~fit.converged
            metrics |= {"model_divergence": fit.divergence, "model_steps": fit.steps, "model_converged": fit.converged}
        learned = jax.vmap(self._learn, in_axes=(0, 0, 0, None))(seats, state.params, others, state)
        state = state.replace(  # type: ignore[attr-defined]
            params=learned.params,
            models=models,
            unconverged=unconverged + ~learned.converged,
        )
        metrics |= {**learned.metrics, "unconverged": state.unconverged}
        return state, _by_player(metrics) | describe(cooperation(self.parameterisation, state.params), state.game)

    def _target(self, seat: jax.Array, params: Params) -> Target:
        return Target(self.parameterisation.logits(params, seat), seat)

    def _learn(self, seat: jax.Array, own: Params, other: Params, state: ExactState) -> Learned:
        of_other = self.model.parameterisation if self.model else self.parameterisation
        return self.rule(Matchup(state.game, state.rates, seat, self.parameterisation, of_other), own, other)


@dataclass(frozen=True)
class ExactPolicies:
    """``policies`` of the exact learners."""

    parameterisation: Parameterisation
    observation_layout: str

    def __call__(self, state: ExactState) -> tuple[MemoryOnePolicy, ...]:
        """Return both players as they act on what the environment shows them."""
        by_player = cooperation(self.parameterisation, state.params)
        second = by_player[1]
        if self.observation_layout == "egocentric":
            second = second[jnp.array([0, 2, 1, 3, 4])]  # player 1 sees its own action first: DC and CD change places
        return MemoryOnePolicy(by_player[0]), MemoryOnePolicy(second)


def cooperation(parameterisation: Parameterisation, params: Params) -> jax.Array:
    """Return both players' probabilities of cooperating ``[2, 5]`` from parameters with leaves ``[2, ...]``."""
    return jax.nn.sigmoid(jax.vmap(parameterisation.logits)(params, jnp.arange(PLAYERS)))


def describe(by_player: jax.Array, game: ExactGame) -> Metrics:
    """Return the metrics of a pair of policies ``[2, 5]``.

    ``tit_for_tat`` is 1 where the mean return exceeds 80 % of the social optimum and both players cooperate with
    probability below .65 after mutual defection and after they alone cooperated.
    """
    returns = discounted_returns(by_player, game)
    own_first = by_player.at[1].set(by_player[1, jnp.array([0, 2, 1, 3, 4])])
    retaliates = jnp.all(own_first[:, jnp.array([0, 2])] < _RECIPROCATES_BELOW)
    prospers = returns.mean() > _SHARE_OF_OPTIMUM * social_optimum(game)
    metrics = _by_player({"return": returns})
    for state, name in enumerate(STATES):
        metrics |= _by_player({f"cooperation/{name}": by_player[:, state]})
    return metrics | {"tit_for_tat": (retaliates & prospers).astype(float)}


def _by_player(metrics: Metrics) -> Metrics:
    """Split arrays ``[2]`` into scalars named after the players."""
    return {
        f"{name}/player_{player}": value[player].astype(float)
        for name, value in metrics.items()
        for player in range(PLAYERS)
    }
