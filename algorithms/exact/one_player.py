"""An exact learner of one player, beside another exact learner or a memory-one policy that does not learn.

The two show each other their parameters and how these are written, so that they may differ in rule, rates and
parameterisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game
from ...envs.policies.memory_one import MemoryOnePlayer
from ...options import select
from ..base import Metrics, PlayerLearner, Shown
from .games import DifferentiableGame
from .learner import ExactConfig, ExactState, Improve, Rule, memory_one_player, own_first, payoffs_of
from .matchup import Matchup, Rates
from .opponent_model import Model
from .parameterisations import Parameterisation, Params, Tabular
from .returns import STATES, ExactGame

_CERTAIN = 40.0
"""A logit whose probability is 0 or 1 in float64 too, and finite, as penalties and fits need it."""


@struct.dataclass
class ExactParameters:
    """What an exact learner shows of itself."""

    params: Params
    parameterisation: Parameterisation = struct.field(pytree_node=False)


def build_exact_player(
    env: Game[Any, Any] | DifferentiableGame,
    params: Any,
    config: ExactConfig,
    player: int,
    *,
    rule: Rule,
    rates: Any = None,
) -> PlayerLearner:
    """Make the exact learner of one player.

    Args:
        env: a repeated game of two players and two actions.
        params: its params.
        config: the options.
        player: 0 or 1.
        rule: the update of one player.
        rates: numbers of the rule; None: the `Rates` among the options.

    Raises:
        ValueError: the game has no exact returns, or its payoffs are not finite.
    """
    if isinstance(env, DifferentiableGame):
        raise ValueError(
            f"{env.name} is given by its losses, and there one rule trains all players: name a single learner"
        )
    payoffs = payoffs_of(env, params)
    parameterisation, model = config.written(config.parameterisation), config.model()
    return PlayerLearner(
        init=_Init(parameterisation, model, payoffs, config, select(Rates, config) if rates is None else rates),
        update=_Update(parameterisation, Improve(rule, model), player),
        show=_Show(parameterisation, env.observation_layout, player),
        needs=(ExactParameters, MemoryOnePlayer),
        reason="it learns from exact returns, which take a memory-one policy on the other side too: that of an exact "
        "learner, or one that does not learn, such as tit-for-tat",
    )


@dataclass(frozen=True)
class _Init:
    """``init`` of one player."""

    parameterisation: Parameterisation
    model: Model | None
    payoffs: tuple[Any, ...]
    config: ExactConfig
    rates: Any

    def __call__(self, key: jax.Array) -> ExactState:
        """Draw the player, and its model of the other where it has one."""
        model: Params = ()
        if self.model is not None:
            key, key_model = jax.random.split(key)
            model = self.model.parameterisation.init(key_model)
        return ExactState(
            params=self.parameterisation.init(key, self.config.initial_std),
            models=model,
            game=ExactGame(jnp.asarray(self.payoffs, dtype=float), jnp.asarray(self.config.discount, dtype=float)),
            rates=jax.tree.map(lambda value: jnp.asarray(value, dtype=float), self.rates),
            unconverged=jnp.int32(0),
        )


@dataclass(frozen=True)
class _Update:
    """``update`` of one player."""

    parameterisation: Parameterisation
    improve: Improve
    player: int

    def __call__(self, key: jax.Array, state: ExactState, shown: tuple[Shown, ...]) -> tuple[ExactState, Metrics]:
        """Return the state after one update, and its metrics; nothing is random."""
        del key
        other, player = _seen(shown[1 - self.player], 1 - self.player), jnp.int32(self.player)
        matchup = Matchup(state.game, state.rates, player, own=self.parameterisation, other=other.parameterisation)
        improved = self.improve(matchup, state.params, other.params, state.models)
        state = improved.replace_in(state)
        by_state = jax.nn.sigmoid(self.parameterisation.logits(state.params, player))
        metrics = {**improved.metrics, "unconverged": state.unconverged}
        metrics |= {f"cooperation/{name}": by_state[place] for place, name in enumerate(STATES)}
        return state, {name: jnp.asarray(value, float) for name, value in metrics.items()}


def _seen(shown: Shown, player: int) -> ExactParameters:
    """Return the parameters of that player; a policy that does not learn is a table of logits."""
    if isinstance(shown.parameters, ExactParameters):
        return shown.parameters
    probability = own_first(shown.policy.cooperation, player)  # type: ignore[attr-defined]
    logits = jnp.log(probability) - jnp.log1p(-probability)
    return ExactParameters(jnp.clip(logits, -_CERTAIN, _CERTAIN), Tabular())


@dataclass(frozen=True)
class _Show:
    """``show`` of one player."""

    parameterisation: Parameterisation
    observation_layout: str
    player: int

    def __call__(self, state: ExactState) -> Shown:
        """Show the policy, its parameters and how they are written."""
        by_state = jax.nn.sigmoid(self.parameterisation.logits(state.params, jnp.int32(self.player)))
        policy = memory_one_player(by_state, self.player, self.observation_layout)
        return Shown(policy, ExactParameters(state.params, self.parameterisation))
