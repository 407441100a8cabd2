"""What the exact learners share: options, state, and the three functions of an `Algorithm`, hashable by value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ...envs.base import Game, as_tuples
from ...envs.policies.memory_one import TURNED, MemoryOnePlayer, names_other_first
from ...options import Count, NotNegative, Positive, check_options, select
from ..base import Algorithm, Metrics
from .games import DifferentiableGame
from .matchup import Matchup, Rates, descend
from .opponent_model import Model, Target, fit_model
from .parameterisations import INITIAL_STD, Parameterisation, Params, make_parameterisation
from .returns import STATES, ExactGame, check_discount, discounted_returns, social_optimum

PLAYERS = 2

RETALIATES_BELOW = 0.65
SHARE_OF_OPTIMUM = 0.8


@dataclass(frozen=True, kw_only=True)
class ExactConfig:
    """Options of every exact learner."""

    parameterisation: str = "tabular"
    """How a policy is written: ``tabular``, ``mlp`` or ``preconditioned``."""
    hidden_size: int = 16
    """Width of the hidden layer of every ``mlp``."""
    preconditioned_columns: tuple[int, int] = (2, 1)
    """For ``preconditioned``: each player's state, as position in DD, DC, CD, CC, start."""
    initial_std: Positive = INITIAL_STD
    """Standard deviation of the players' initial parameters, unless they are ``mlp`` policies."""
    discount: float = 0.96
    """Discount per step of the game."""
    outer_lr: Positive = 2.0
    """Step size of a player's own update."""

    def __post_init__(self) -> None:
        check_options(self)
        check_discount(self.discount)
        self.written(self.parameterisation)
        self.model()

    def written(self, name: str) -> Parameterisation:
        """Return the parameterisation called ``name`` at the sizes of these options."""
        return make_parameterisation(name, hidden_size=self.hidden_size, columns=self.preconditioned_columns)

    def model(self) -> Model | None:
        """Return how the opponent is modelled; None: its own parameters are used."""
        return None


@dataclass(frozen=True, kw_only=True)
class ExactLookaheadConfig(ExactConfig):
    """Options of the exact learners that look at the opponent's learning, or at that of a model of the opponent."""

    inner_lr: NotNegative
    """Step size of the opponent's imagined update."""
    opponent_model: str | None = None
    """Parameterisation of the model; None uses the opponent's own parameters."""
    model_lr: Positive = 0.2
    """Step size of fitting the model."""
    model_threshold: Positive = 1e-7
    """Fit until KL(true || model) is below this."""
    model_max_steps: Count = 10_000
    """Give up the fit after this many steps; the metrics say so."""

    def model(self) -> Model | None:
        """Return how the opponent is modelled; None: its own parameters are used."""
        return None if self.opponent_model is None else Model(self.written(self.opponent_model), self.model_max_steps)


@struct.dataclass
class ExactState:
    """All players, their models of each other, and every number of the run; or one player, without the first axis."""

    params: Params  # leaves [N, ...]
    models: Params  # leaves [2, ...]: entry i is player i's model of its opponent; empty without models
    game: Any  # `ExactGame`; () in a game that is given by its losses
    rates: Any  # `Rates`, or the numbers of the rule by name
    unconverged: jax.Array  # [N] int32: how often a fixed point or a fit was given up since the start


class Learned(NamedTuple):
    """One player's update."""

    params: Params
    converged: jax.Array  # [] bool
    metrics: Metrics


Rule = Callable[[Matchup, Params, Params], Learned]
"""``rule(matchup, own, other)``: the update of one player, hashable by value."""


@dataclass(frozen=True)
class GradientRule:
    """One step along a gradient of the learner's objective."""

    gradient: Callable[[Matchup, Params, Params], Params]

    def __call__(self, matchup: Matchup, own: Params, other: Params) -> Learned:
        """Return the learner after the step."""
        params = descend(own, self.gradient(matchup, own, other), matchup.rates.outer_lr)
        return Learned(params, jnp.bool_(True), {})


def build_exact(env: Game[Any, Any], params: Any, config: ExactConfig, rule: Rule) -> Algorithm:
    """Make an exact learner for a game.

    Args:
        env: a repeated game of two players and two actions.
        params: its params; the payoffs travel in the state.
        config: the options.
        rule: the update of one player.

    Returns:
        The algorithm. Equal rules and sizes give equal update functions.

    Raises:
        ValueError: if the game has no exact returns, or its payoffs are not finite.
    """
    payoffs = payoffs_of(env, params)
    parameterisation, model = config.written(config.parameterisation), config.model()
    return Algorithm(
        init=ExactInit(parameterisation, model, payoffs, config, select(Rates, config)),
        update=ExactUpdate(parameterisation, rule, model),
        policies=ExactPolicies(parameterisation, env.observation_layout),
    )


def payoffs_of(env: Game[Any, Any] | DifferentiableGame, params: Any) -> tuple[Any, ...]:
    """Return the payoffs of a repeated 2x2 game, ``[player][action of player 0][action of player 1]``.

    Raises:
        ValueError: the game has no exact returns, or its payoffs are not finite.
    """
    if not isinstance(env, DifferentiableGame) and env.num_players > 2:
        raise ValueError(
            f"{env.name} has {env.num_players} players: an exact learner of one player is for two; name "
            "one learner for all players"
        )
    given = None if isinstance(env, DifferentiableGame) else env.memory_one_payoffs(params)
    if given is None:
        raise ValueError(
            f"{env.name} has no exact returns: an exact learner needs a repeated game of two players and two actions "
            "whose players see the last joint action or the start"
        )
    payoffs = np.asarray(given, dtype=np.float64)
    if not np.isfinite(payoffs).all():
        raise ValueError(f"the payoffs of {env.name} are not all finite: {payoffs.tolist()}")
    return as_tuples(payoffs.tolist())


class Improved(NamedTuple):
    """One player after an update, or all of them."""

    params: Params
    model: Params  # its model of its opponent; empty without one
    given_up: jax.Array  # [] int32: how many of the fixed point and the fit were given up
    metrics: Metrics

    def replace_in(self, state: ExactState) -> ExactState:
        """Return the state with what is new."""
        return state.replace(  # type: ignore[attr-defined]
            params=self.params, models=self.model, unconverged=state.unconverged + self.given_up
        )


@dataclass(frozen=True)
class Improve:
    """How one player learns: by a rule, from its opponent's parameters or from a model of its policy."""

    rule: Rule
    model: Model | None

    def __call__(self, matchup: Matchup, own: Params, other: Params, model: Params) -> Improved:
        """Return the player after an update.

        Args:
            matchup: who learns beside whom.
            own: the learner's parameters.
            other: its opponent's.
            model: the parameters of its model, from which the fit continues; empty without one.
        """
        metrics: Metrics = {}
        given_up = jnp.int32(0)
        if self.model is not None:
            whose = 1 - matchup.player
            target = Target(matchup.other.logits(other, whose), whose)
            fit = fit_model(target, model, matchup.rates, model=self.model)
            matchup = matchup.replace(other=self.model.parameterisation)  # type: ignore[attr-defined]
            model = other = fit.params
            given_up += ~fit.converged
            metrics = {"model_divergence": fit.divergence, "model_steps": fit.steps, "model_converged": fit.converged}
        learned = self.rule(matchup, own, other)
        return Improved(learned.params, model, given_up + ~learned.converged, metrics | learned.metrics)


@dataclass(frozen=True)
class ExactInit:
    """``init`` of the exact learners; its numbers become arrays of the precision in force when it is called."""

    parameterisation: Parameterisation
    model: Model | None
    payoffs: tuple[Any, ...]
    config: ExactConfig
    rates: Any
    """Numbers of the rule: a hashable pytree, `Rates` or `FrozenDict`."""

    def __call__(self, key: jax.Array) -> ExactState:
        """Draw both players, and both models where there are any."""
        params_key, model_key = jax.random.split(key)
        draw = jax.vmap(partial(self.parameterisation.init, std=self.config.initial_std))
        models = jax.vmap(self.model.parameterisation.init)(jax.random.split(model_key, PLAYERS)) if self.model else ()
        return ExactState(
            params=draw(jax.random.split(params_key, PLAYERS)),
            models=models,
            game=ExactGame(jnp.asarray(self.payoffs, dtype=float), jnp.asarray(self.config.discount, dtype=float)),
            rates=jax.tree.map(lambda value: jnp.asarray(value, dtype=float), self.rates),
            unconverged=jnp.zeros(PLAYERS, jnp.int32),
        )


@dataclass(frozen=True)
class ExactUpdate:
    """``update`` of the exact learners: both players learn at once, each from the same old parameters of both."""

    parameterisation: Parameterisation
    rule: Rule
    model: Model | None

    def __call__(self, key: jax.Array, state: ExactState) -> tuple[ExactState, Metrics]:
        """Return the state after one update, and its metrics; nothing is random."""
        del key
        players = jnp.arange(PLAYERS, dtype=jnp.int32)
        others = jax.tree.map(lambda leaf: leaf[::-1], state.params)

        written = self.parameterisation

        def matchup(player: jax.Array) -> Matchup:
            return Matchup(state.game, state.rates, player, own=written, other=written)

        improve = Improve(self.rule, self.model)
        improved = jax.vmap(lambda player, *of_player: improve(matchup(player), *of_player))(
            players, state.params, others, state.models
        )
        state = improved.replace_in(state)
        metrics = _by_player({**improved.metrics, "unconverged": state.unconverged})
        return state, metrics | describe(cooperation(self.parameterisation, state.params), state.game)


@dataclass(frozen=True)
class ExactPolicies:
    """``policies`` of the exact learners."""

    parameterisation: Parameterisation
    observation_layout: str

    def __call__(self, state: ExactState) -> tuple[MemoryOnePlayer, ...]:
        """Return both players as they act on what the environment shows them."""
        both = cooperation(self.parameterisation, state.params)
        return tuple(memory_one_player(both[player], player, self.observation_layout) for player in range(PLAYERS))


def memory_one_player(by_state: jax.Array, player: int, observation_layout: str) -> MemoryOnePlayer:
    """Return the policy that cooperates with probabilities ``[5]`` in `STATES`."""
    swapped = names_other_first(observation_layout, player)
    return MemoryOnePlayer(cooperation=own_first(by_state, player), swapped=swapped)


def own_first(by_state: jax.Array, player: int) -> jax.Array:
    """Return what a player has in each of `STATES` ``[5]`` with its own action first, or the other way round."""
    return by_state[TURNED] if player == 1 else by_state


def cooperation(parameterisation: Parameterisation, params: Params) -> jax.Array:
    """Return both players' probabilities of cooperating ``[2, 5]`` from parameters with leaves ``[2, ...]``."""
    return jax.nn.sigmoid(jax.vmap(parameterisation.logits)(params, jnp.arange(PLAYERS)))


def describe(by_player: jax.Array, game: ExactGame) -> Metrics:
    """Return the metrics of a pair of policies ``[2, 5]``.

    ``tit_for_tat`` is 1 where the mean return exceeds 80% of the social optimum and both players cooperate with
    probability below 0.65 after mutual defection and after they alone cooperated.
    """
    returns = discounted_returns(by_player, game)
    turned = by_player.at[1].set(own_first(by_player[1], 1))
    retaliates = jnp.all(turned[:, jnp.array([0, 2])] < RETALIATES_BELOW)
    prospers = returns.mean() > SHARE_OF_OPTIMUM * social_optimum(game)
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
