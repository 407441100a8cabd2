"""Exact returns of memory-one policies in repeated games of more than two players, and what learns on them.

A policy is one logit of cooperating for each of the 2^N joint actions of the step before, and one for the start. Joint
actions are numbered with player 0's action as the leading binary digit, for all players, as in `returns`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from flax.core import FrozenDict

from ...envs.base import Game, as_tuples
from ...envs.policies.memory_one import JointMemoryPlayer
from ..base import Metrics
from .learner import RETALIATES_BELOW, SHARE_OF_OPTIMUM, ExactConfig, ExactState
from .returns import discounted_visits, joint_actions

MOST = 8
"""Players: with one more, every policy has twice as many parameters, and a Hessian four times as many entries."""

_OF_TWO = ("parameterisation", "hidden_size", "preconditioned_columns", "opponent_model")
"""Options of how policies are written and modelled, which is tabular here."""


@struct.dataclass
class ManyPlayerGame:
    """A repeated game of two actions: everything its exact returns depend on besides the policies."""

    payoffs: jax.Array  # [N, 2^N] reward of each player after each joint action
    discount: jax.Array  # []


def many_returns(cooperation: jax.Array, game: ManyPlayerGame) -> jax.Array:
    """Return every player's exact discounted return.

    Args:
        cooperation: probabilities of cooperating ``[N, 2^N + 1]`` after each joint action and at the start.
        game: payoffs and discount.

    Returns:
        The expected ``sum_t discount^t reward_t`` of each player, ``[N]``.
    """
    return game.payoffs @ discounted_visits(cooperation, game.discount)


def own_view(count: int) -> np.ndarray:
    """Return, for each player, the states in the order in which it sees them, ``[N, 2^N + 1]``.

    A player sees its own action as the leading digit, then the others' in turn order after it; the start comes last.
    """
    weights = 2 ** np.arange(count)[::-1]
    seen = joint_actions(count)  # row: what is seen; column: rank after the viewer
    rows = [np.append(np.roll(seen, player, axis=1) @ weights, 2**count) for player in range(count)]
    return np.stack(rows)


def payoffs_of_many(env: Game[Any, Any], params: Any) -> tuple[Any, ...]:
    """Return the payoffs ``[player][joint action]`` of a repeated game of two actions.

    Raises:
        ValueError: the game has no exact returns, too many players, or payoffs that are not finite.
    """
    given = env.memory_one_payoffs(params)
    if given is None:
        raise ValueError(
            f"{env.name} has no exact returns: an exact learner needs a repeated game of two actions whose players see "
            "the last joint action or the start"
        )
    if env.num_players > MOST:
        raise ValueError(
            f"{env.name} has {env.num_players} players: an exact learner takes at most {MOST}, whose policies have "
            f"{2**MOST + 1} states each"
        )
    payoffs = np.asarray(given, np.float64).reshape(env.num_players, -1)
    if not np.isfinite(payoffs).all():
        raise ValueError(f"the payoffs of {env.name} are not all finite: {payoffs.tolist()}")
    return as_tuples(payoffs.tolist())


def check_tabular(env: Game[Any, Any], config: ExactConfig) -> None:
    """Raise ValueError for options on how the policies of two players are written, or modelled."""
    usual = {field.name: field.default for field in fields(config)}
    for name in _OF_TWO:
        if name in usual and getattr(config, name) != usual[name]:
            raise ValueError(
                f"{name} is for games of two players; {env.name} has {env.num_players}, and its policies are tabular: "
                "leave it out"
            )


@dataclass(frozen=True)
class OfMany:
    """The losses of tabular memory-one policies, and what is worth knowing about them."""

    num_players: int

    def losses(self, params: jax.Array, game: ManyPlayerGame) -> jax.Array:
        """Return the negative discounted returns ``[N]``."""
        return -many_returns(jax.nn.sigmoid(params), game)

    def describe(self, params: jax.Array, game: ManyPlayerGame) -> Metrics:
        """Return the metrics of all policies.

        ``tit_for_tat`` is 1 where the mean return exceeds 80% of the social optimum and every player cooperates with
        probability below 0.65 after nobody cooperated and after it alone did.
        """
        by_player = jax.nn.sigmoid(params)
        returns = many_returns(by_player, game)
        optimum = game.payoffs.mean(axis=0).max() / (1 - game.discount)
        players, views = np.arange(self.num_players), own_view(self.num_players)
        last = 2**self.num_players - 1
        places = {"nobody": 0, "alone": 2 ** (self.num_players - 1), "others": last // 2, "everybody": last}
        by_state = {name: by_player[players, views[:, seen]] for name, seen in places.items()}
        by_state["start"] = by_player[:, -1]
        retaliates = (by_state["nobody"] < RETALIATES_BELOW) & (by_state["alone"] < RETALIATES_BELOW)
        found = retaliates.all() & (returns.mean() > SHARE_OF_OPTIMUM * optimum)
        each = {"return": returns, **{f"cooperation/{name}": values for name, values in by_state.items()}}
        metrics = {f"{name}/player_{player}": values[player] for name, values in each.items() for player in players}
        return metrics | {"tit_for_tat": found.astype(float)}


@dataclass(frozen=True)
class ManyInit:
    """``init``: every logit is drawn from N(0, initial_std^2)."""

    payoffs: tuple[Any, ...]
    initial_std: float
    discount: float
    rates: FrozenDict[str, float]

    def __call__(self, key: jax.Array) -> ExactState:
        """Draw all players."""
        count = len(self.payoffs)
        number = partial(jnp.asarray, dtype=float)
        return ExactState(
            params=self.initial_std * jax.random.normal(key, (count, 2**count + 1), dtype=float),
            models=(),
            game=ManyPlayerGame(number(self.payoffs), number(self.discount)),
            rates=jax.tree.map(number, self.rates),
            unconverged=jnp.zeros(count, jnp.int32),
        )


@dataclass(frozen=True)
class ManyPolicies:
    """``policies`` of all players."""

    num_players: int

    def __call__(self, state: ExactState) -> tuple[JointMemoryPlayer, ...]:
        """Return the players as they act on what the environment shows them."""
        by_player = jax.nn.sigmoid(state.params)
        views = own_view(self.num_players)
        return tuple(JointMemoryPlayer(by_player[player, views[player]]) for player in range(self.num_players))
