"""Learners whose rule looks at all players' losses at once: options, and the three functions of an `Algorithm`.

A rule is a function of the losses, so that it takes repeated 2x2 games of memory-one policies, however these are
written, those of more players whose policies are tabular, and games that are given by their losses
(`DifferentiableGame`), of any number of players.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax.core import FrozenDict
from jax.flatten_util import ravel_pytree

from ...envs.base import Game
from ...options import NotNegative, Positive, option_types
from ..base import Algorithm, AlgorithmPlugin, Metrics, PlayerLearner, Preset
from .derivatives import Losses
from .games import DifferentiableGame
from .learner import (
    ExactConfig,
    ExactInit,
    ExactLookaheadConfig,
    ExactPolicies,
    ExactState,
    Learned,
    cooperation,
    describe,
    payoffs_of,
)
from .many_players import ManyInit, ManyPolicies, OfMany, check_tabular, payoffs_of_many
from .matchup import Matchup, descend, losses
from .one_player import build_exact_player
from .parameterisations import Parameterisation, Params
from .returns import ExactGame, discounted_returns

Rates = Mapping[str, jax.Array]
"""The numbers among a learner's options, by name."""

JointRule = Callable[[Losses, jax.Array, Rates], jax.Array]
"""``rule(losses, theta, rates)``: the direction ``[N, d]`` in which all players descend; hashable by value."""

_OF_POLICIES = {field.name for field in fields(ExactLookaheadConfig)} - {"outer_lr", "inner_lr", "initial_std"}
"""Options that are about policies and models of them."""


@dataclass(frozen=True, kw_only=True)
class JointConfig(ExactConfig):
    """Options of a rule that has a step size only."""

    outer_lr: Positive = 1.0
    """Step size of every player's update."""


@dataclass(frozen=True, kw_only=True)
class JointLookaheadConfig(JointConfig):
    """Options of a rule that imagines a step."""

    inner_lr: NotNegative = 1.0
    """Step size of the imagined steps; 0 is naive learning."""


def joint_plugin(
    rule: JointRule,
    summary: str,
    *,
    config: type[JointConfig] = JointConfig,
    players: int | None = None,
    preset: Preset | None = None,
) -> AlgorithmPlugin:
    """Return the plug-in of a rule.

    Args:
        rule: the direction in which the players descend.
        summary: one line for listings.
        config: its options; the numbers among them are the rule's rates.
        players: for how many players the rule is defined; None: any number.
        preset: its settings in the iterated prisoner's dilemma.
    """
    return AlgorithmPlugin(
        config=config,
        build=partial(build_joint, rule=rule, players=players),
        build_player=partial(build_joint_player, rule=rule),
        summary=summary,
        presets={} if preset is None else {("laptop", "IPD-v0"): preset},
    )


def build_joint(
    env: Game[Any, Any] | DifferentiableGame,
    params: Any,
    config: ExactConfig,
    rule: JointRule,
    players: int | None = None,
) -> Algorithm:
    """Make the learner of a rule for a game.

    Args:
        env: a repeated game of two actions, or a game that is given by its losses.
        params: the params of the environment; a game that is given by its losses has none.
        config: the options.
        rule: the direction in which the players descend. Equal rules and sizes give equal update functions.
        players: for how many players the rule is defined; None: any number.

    Raises:
        ValueError: as `ground_of` does.
    """
    ground = ground_of(env, params, config, players)
    return Algorithm(ground.init, JointUpdate(ground.problem, rule), ground.policies)


def build_joint_player(
    env: Game[Any, Any] | DifferentiableGame, params: Any, config: ExactConfig, player: int, *, rule: JointRule
) -> PlayerLearner:
    """Make the learner of one player, which takes its own part of the step that the rule has for both.

    Args:
        env: a repeated game of two players and two actions.
        params: its params.
        config: the options.
        player: 0 or 1.
        rule: the direction in which both players would descend.

    Raises:
        ValueError: the game has no exact returns, or its payoffs are not finite.
    """
    rates: FrozenDict[str, float] = FrozenDict(rates_of(config))
    return build_exact_player(env, params, config, player, rule=OwnPart(rule, player), rates=rates)


def ground_of(
    env: Game[Any, Any] | DifferentiableGame, params: Any, config: ExactConfig, players: int | None
) -> Ground:
    """Return what a learner has whatever its rule is; the arguments are those of `build_joint`.

    Raises:
        ValueError: the game has no exact losses, or not as many players as the rule is defined for; or an option is
            about policies where there are none.
    """
    if players not in (None, env.num_players):
        raise ValueError(
            f"{env.name} has {env.num_players} players: this rule is defined for {players}; take one for any number of "
            "players, such as sos-exact"
        )
    rates: FrozenDict[str, float] = FrozenDict(rates_of(config))
    if isinstance(env, DifferentiableGame):
        _check_no_policies(env, config)
        return Ground(LossesInit(env, config.initial_std, rates), OfGame(env), no_policies)
    if env.num_players > 2:
        check_tabular(env, config)
        return Ground(
            ManyInit(payoffs_of_many(env, params), config.initial_std, config.discount, rates),
            OfMany(env.num_players),
            ManyPolicies(env.num_players),
        )
    parameterisation = config.written(config.parameterisation)
    return Ground(
        ExactInit(parameterisation, None, payoffs_of(env, params), config, rates),
        OfPolicies(parameterisation),
        ExactPolicies(parameterisation, env.observation_layout),
    )


def rates_of(config: ExactConfig) -> dict[str, float]:
    """Return the step size and the numbers that a rule's own options add, by name."""
    kinds = option_types(type(config))
    return {name: getattr(config, name) for name, kind in kinds.items() if kind is float and name not in _OF_POLICIES}


def _check_no_policies(game: DifferentiableGame, config: ExactConfig) -> None:
    for field in fields(config):
        if field.name in _OF_POLICIES and getattr(config, field.name) != field.default:
            raise ValueError(
                f"{field.name} is about the policies of a repeated game, and {game.name} has none: leave it out"
            )


@dataclass(frozen=True)
class OwnPart:
    """One player's part of a rule for both, as the update of one player.

    The rule sees both as they are. Where the two are written in other ways, the shorter row of parameters ends in zeros
    that no loss reads.
    """

    rule: JointRule
    player: int

    def __call__(self, matchup: Matchup, own: Params, other: Params) -> Learned:
        """Return the player after its step."""
        (own_row, restore_own), (other_row, restore_other) = ravel_pytree(own), ravel_pytree(other)
        size = max(own_row.size, other_row.size)
        in_order = slice(None, None, -1 if self.player else 1)  # player 0's row first

        def of_both(theta: jax.Array) -> jax.Array:
            mine, theirs = theta[in_order]
            found = losses(matchup, restore_own(mine[: own_row.size]), restore_other(theirs[: other_row.size]))
            return jnp.stack(found[in_order])

        rows = [jnp.pad(row, (0, size - row.size)) for row in (own_row, other_row)]
        rates: Any = matchup.rates
        direction = self.rule(of_both, jnp.stack(rows[in_order]), rates)[self.player]
        return Learned(descend(own, restore_own(direction[: own_row.size]), rates["outer_lr"]), jnp.bool_(True), {})


@dataclass(frozen=True)
class OfPolicies:
    """The losses of memory-one policies in a repeated 2x2 game, and what is worth knowing about them."""

    parameterisation: Parameterisation

    def losses(self, params: Params, game: ExactGame) -> jax.Array:
        """Return the negative discounted returns ``[2]``."""
        return -discounted_returns(cooperation(self.parameterisation, params), game)

    def describe(self, params: Params, game: ExactGame) -> Metrics:
        """Return the metrics of both policies."""
        return describe(cooperation(self.parameterisation, params), game)


@dataclass(frozen=True)
class OfGame:
    """The losses of a game that is given by them; its numbers are part of it."""

    given: DifferentiableGame

    def losses(self, params: jax.Array, game: tuple[()]) -> jax.Array:
        """Return the losses ``[N]``."""
        del game
        return self.given.losses(params)

    def describe(self, params: jax.Array, game: tuple[()]) -> Metrics:
        """Return every player's loss."""
        return {f"loss/player_{player}": loss for player, loss in enumerate(self.losses(params, game))}


Problem = OfPolicies | OfMany | OfGame
"""Whose losses a rule descends."""


class Ground(NamedTuple):
    """What a rule learns on."""

    init: Callable[[jax.Array], ExactState]
    problem: Problem
    policies: Callable[[ExactState], tuple[Any, ...]]


@dataclass(frozen=True)
class LossesInit:
    """``init`` in a game that is given by its losses: every parameter is drawn from N(0, initial_std^2)."""

    game: DifferentiableGame
    initial_std: float
    rates: FrozenDict[str, float]

    def __call__(self, key: jax.Array) -> ExactState:
        """Draw all players' parameters."""
        shape = (self.game.num_players, self.game.num_parameters)
        return ExactState(
            params=self.initial_std * jax.random.normal(key, shape, dtype=float),
            models=(),
            game=(),
            rates=jax.tree.map(lambda value: jnp.asarray(value, dtype=float), self.rates),
            unconverged=jnp.zeros(self.game.num_players, jnp.int32),
        )


@dataclass(frozen=True)
class JointUpdate:
    """``update`` of a rule: all players step at once, from the same old parameters."""

    problem: Problem
    rule: JointRule

    def __call__(self, key: jax.Array, state: ExactState) -> tuple[ExactState, Metrics]:
        """Return the state after one update, and its metrics; nothing is random."""
        del key
        theta, restore = as_rows(state.params)
        losses = losses_of(self.problem, state)
        params = restore(theta - state.rates["outer_lr"] * self.rule(losses, theta, state.rates))
        state = state.replace(params=params)  # type: ignore[attr-defined]
        return state, self.problem.describe(params, state.game)


def losses_of(problem: Problem, state: ExactState) -> Losses:
    """Return the losses as a function of all players' parameters in rows, ``[N, d]``."""
    _, restore = as_rows(state.params)
    return lambda theta: problem.losses(restore(theta), state.game)


def as_rows(params: Params) -> tuple[jax.Array, Callable[[jax.Array], Params]]:
    """Return parameters with leaves ``[N, ...]`` as ``[N, d]``, and the function that undoes it."""
    restore = ravel_pytree(jax.tree.map(lambda leaf: leaf[0], params))[1]
    return jax.vmap(lambda each: ravel_pytree(each)[0])(params), jax.vmap(restore)


def no_policies(state: ExactState) -> tuple[()]:
    """Return nothing: a game that is given by its losses is not played step by step."""
    del state
    return ()
