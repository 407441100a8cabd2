"""The learners on sampled trajectories as `Algorithm` values: state, configuration, and both players in one program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game
from ...options import check_choice, check_number, check_whole_number
from ..base import ANY_ENV, Algorithm, Metrics, Preset
from .devices import for_both_players
from .lookahead import ActorCritic, Coefficients, Lookahead, Structure, improve, init_optimizer
from .networks import init_network
from .opponent_model import FitCounts, FitRates, fit
from .rollout import RecurrentPolicy

__all__ = ["BEST_RESPONSE", "LearnerState", "LookaheadConfig", "ModelFit", "TrajectoryConfig", "build_learner"]

BEST_RESPONSE = {
    ("best-response", ANY_ENV): Preset(
        updates=20,
        options={
            "num_envs": 128,
            "hidden_size": 16,
            "outer_steps": 25,
            "outer_lr": 0.03,
            "critic_lr": 0.002,
            "gae_lambda": 0.8,
        },
    )
}
"""Settings of every learner on sampled trajectories against a player that does not learn."""

MATMUL_PRECISIONS = ("float32", "tensorfloat32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class TrajectoryConfig:
    """Options of every learner on sampled trajectories."""

    num_envs: int = 2000
    """Episodes in a batch; every inner and every outer step draws a fresh batch."""
    hidden_size: int = 64
    """Width of the dense layer and of the GRU, in policies and critics."""
    outer_steps: int = 1
    """Gradient steps in an update, all against the opponent as it was before the update."""
    outer_lr: float = 0.003
    """Learning rate of Adam on the policy."""
    critic_lr: float = 0.0005
    """Learning rate of Adam on the critic, and of the imagined opponent's steps on its critic."""
    discount: float = 0.96
    """Discount of later rewards."""
    gae_lambda: float = 1.0
    """Lambda of the generalised advantage estimates."""
    keep_optimizer: bool = False
    """Whether Adam's moments live on from update to update; the published experiments start afresh."""
    matmul_precision: str = "float32"
    """Precision of matrix products on a GPU: ``float32``, or the faster ``tensorfloat32`` and ``bfloat16``.
    A CPU always computes in float32."""

    def __post_init__(self) -> None:
        check_whole_number("num_envs", self.num_envs, at_least=1)
        check_whole_number("hidden_size", self.hidden_size, at_least=1)
        check_whole_number("outer_steps", self.outer_steps, at_least=1)
        check_number("outer_lr", self.outer_lr, above=0)
        check_number("critic_lr", self.critic_lr, at_least=0)
        check_number("discount", self.discount, at_least=0, below=1)
        check_number("gae_lambda", self.gae_lambda, at_least=0, at_most=1)
        check_choice("matmul_precision", self.matmul_precision, MATMUL_PRECISIONS)

    def steps_per_update(self) -> dict[str, int]:
        """Return the gradient steps that an update takes."""
        return {"outer-steps": self.outer_steps}

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return Coefficients(
            outer_lr=self.outer_lr, critic_lr=self.critic_lr, discount=self.discount, gae_lambda=self.gae_lambda
        )

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        return Structure(
            num_envs=self.num_envs,
            num_steps=num_steps,
            hidden_size=self.hidden_size,
            outer_steps=self.outer_steps,
        )


@dataclass(frozen=True, kw_only=True)
class LookaheadConfig(TrajectoryConfig):
    """Options of every learner that imagines the opponent's learning."""

    inner_steps: int = 1
    """Imagined gradient steps of the opponent."""
    inner_lr: float = 0.05
    """Rate of the opponent's imagined gradient descent."""
    dice_lambda: float = 1.0
    """How much of an action's influence on later ones is left after a step, in derivatives through the opponent's
    learning; less than 1 trades bias for variance (Loaded DiCE, arXiv:1909.10549)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole_number("inner_steps", self.inner_steps, at_least=1)
        check_number("inner_lr", self.inner_lr, at_least=0)
        check_number("dice_lambda", self.dice_lambda, at_least=0, at_most=1)

    def steps_per_update(self) -> dict[str, int]:
        """Return the gradient steps that an update takes."""
        return {"outer-steps": self.outer_steps}

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return replace(super().coefficients(), inner_lr=self.inner_lr, dice_lambda=self.dice_lambda)

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        return replace(super().structure(num_steps), inner_steps=self.inner_steps)


@struct.dataclass
class LearnerState:
    """What learning carries from update to update; every leaf of ``players`` starts with the player axis."""

    players: ActorCritic  # [2, ...]
    optimizer: Any  # Adam's moments [2, ...], or None where every update starts afresh
    models: ActorCritic | None  # [2, ...], each player's model of the other, where opponents are modelled
    coefficients: Coefficients
    fit_rates: FitRates | None
    env_params: Any


class ModelFit(NamedTuple):
    """How a learner that does not see its opponent's parameters fits a model of it."""

    counts: FitCounts
    rates: FitRates


def build_learner(
    env: Game[Any, Any], params: Any, config: TrajectoryConfig, *, model_fit: ModelFit | None = None
) -> Algorithm:
    """Make the algorithm of one configuration.

    Args:
        env: a game of two players.
        params: its params; the episode's length is read here, the rest travels in the state.
        config: the options.
        model_fit: how opponents are modelled; None: the learner looks into the opponent itself.

    Returns:
        The algorithm. Equal games, structures and optimiser options give equal functions.

    Raises:
        ValueError: if the game does not have two players.
    """
    if env.num_players != 2:
        raise ValueError(f"a lookahead is between two players; {env.name} has {env.num_players}")
    program = _Program(
        env=env,
        structure=config.structure(int(params.max_steps_in_episode)),
        fit_counts=None if model_fit is None else model_fit.counts,
        keep_optimizer=config.keep_optimizer,
        matmul_precision=config.matmul_precision,
    )

    def init(key: jax.Array) -> LearnerState:
        numbers = (config.coefficients(), None if model_fit is None else model_fit.rates)
        leaves = jax.tree.map(lambda value: jnp.asarray(value, float), numbers)
        return program.init(key, *leaves, jax.tree.map(jnp.asarray, params))

    return Algorithm(init=init, update=program, policies=_policies)


@dataclass(frozen=True)
class _Program:
    """One update as a function that is hashable by value."""

    env: Game[Any, Any]
    structure: Structure
    fit_counts: FitCounts | None
    keep_optimizer: bool
    matmul_precision: str

    @property
    def env_steps(self) -> int:
        """Steps of the game that one update of both players samples."""
        batches = self.structure.outer_steps * (self.structure.inner_steps + 1)
        batches += self.fit_counts.batches if self.fit_counts else 0
        return 2 * batches * self.structure.num_envs * self.structure.num_steps

    @partial(jax.jit, static_argnums=0)
    def init(self, key: jax.Array, coefficients: Coefficients, fit_rates: FitRates | None, params: Any) -> LearnerState:
        """Draw both players, and their models of each other."""

        def draw(key: jax.Array) -> ActorCritic:
            key_policy, key_critic = jax.random.split(key)
            network = partial(
                init_network,
                num_features=self.env.observation_space(params).shape[-1],
                hidden_size=self.structure.hidden_size,
            )
            return ActorCritic(
                policy=network(key_policy, num_outputs=self.env.num_actions), critic=network(key_critic, num_outputs=1)
            )

        key_players, key_models = jax.random.split(key)
        players = jax.vmap(draw)(jax.random.split(key_players))
        return LearnerState(
            players=players,
            optimizer=jax.vmap(init_optimizer)(players) if self.keep_optimizer else None,
            models=jax.vmap(draw)(jax.random.split(key_models)) if self.fit_counts else None,
            coefficients=coefficients,
            fit_rates=fit_rates,
            env_params=params,
        )

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, state: LearnerState) -> tuple[LearnerState, Metrics]:
        """Improve both players, each from the same old parameters of both."""
        players = state.players
        optimizer = state.optimizer if self.keep_optimizer else jax.vmap(init_optimizer)(players)

        def improve_one(key: jax.Array, player: jax.Array, *of_player: Any) -> Any:
            own, other, model, optimizer = of_player
            key_fit, key_learn = jax.random.split(key)
            lookahead = Lookahead(
                env=self.env,
                env_params=state.env_params,
                structure=self.structure,
                coefficients=state.coefficients,
                player=player,
                other=other,
                start=own.policy,
            )
            metrics: Metrics = {}
            if self.fit_counts is not None and state.fit_rates is not None:
                model, metrics = fit(
                    key_fit, own.policy, model, lookahead, counts=self.fit_counts, rates=state.fit_rates
                )
                lookahead = lookahead._replace(other=model)
            own, optimizer, learning = improve(key_learn, own, optimizer, lookahead)
            return own, optimizer, model, metrics | learning

        others = jax.tree.map(lambda leaf: leaf[::-1], players)
        with jax.default_matmul_precision(self.matmul_precision):
            players, optimizer, models, metrics = for_both_players(improve_one)(
                jax.random.split(key), jnp.arange(2), players, others, state.models, optimizer
            )
        state = replace(state, players=players, optimizer=optimizer if self.keep_optimizer else None, models=models)
        named = {f"{name}/player_{player}": values[player] for name, values in metrics.items() for player in (0, 1)}
        return state, named | {"env_steps": jnp.asarray(self.env_steps, float)}


def _policies(state: LearnerState) -> tuple[RecurrentPolicy, RecurrentPolicy]:
    first, second = (
        RecurrentPolicy(jax.tree.map(lambda leaf, player=player: leaf[player], state.players.policy))
        for player in (0, 1)
    )
    return first, second
