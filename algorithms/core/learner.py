"""The learners on sampled trajectories as `Algorithm` values: state, configuration, and both players in one program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game
from ...options import Count, Discount, NotNegative, Positive, Share, check_choice, check_options, select
from ..base import ANY_ENV, Algorithm, Metrics, Preset
from .devices import for_both_players
from .lookahead import ActorCritic, Coefficients, Lookahead, Structure, improve, init_optimizer
from .networks import init_network
from .opponent_model import fit
from .rollout import RecurrentPolicy

MatmulPrecision = Annotated[str, partial(check_choice, allowed=("float32", "tensorfloat32", "bfloat16"))]
KlDirection = Annotated[str, partial(check_choice, allowed=("forward", "reverse"))]

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


@dataclass(frozen=True, kw_only=True)
class TrajectoryConfig:
    """Options of every learner on sampled trajectories."""

    num_envs: Count = 2000
    """Episodes in a batch; every inner and every outer step draws a fresh batch."""
    hidden_size: Count = 64
    """Width of the dense layer and of the GRU, in policies and critics."""
    outer_steps: Count = 1
    """Gradient steps in an update, all against the opponent as it was before the update."""
    outer_lr: Positive = 0.003
    """Learning rate of Adam on the policy."""
    critic_lr: NotNegative = 0.0005
    """Learning rate of Adam on the critic, and of the imagined opponent's steps on its critic."""
    discount: Discount = 0.96
    """Discount of later rewards."""
    gae_lambda: Share = 1.0
    """Lambda of the generalised advantage estimates."""
    keep_optimizer: bool = False
    """Whether Adam's moments are kept from update to update; the published experiments reset them."""
    matmul_precision: MatmulPrecision = "float32"
    """Precision of matrix products on a GPU: ``float32``, or the faster ``tensorfloat32`` and ``bfloat16``.
    A CPU always computes in float32."""

    def __post_init__(self) -> None:
        check_options(self)

    def steps_per_update(self) -> dict[str, int]:
        """Return the gradient steps that an update takes."""
        return {"outer-steps": self.outer_steps}

    def coefficients(self) -> Coefficients:
        """Return the settings that travel in the state."""
        return select(Coefficients, self)


@dataclass(frozen=True, kw_only=True)
class LookaheadConfig(TrajectoryConfig):
    """Options of every learner that imagines the opponent's learning."""

    inner_steps: Count = 1
    """Imagined gradient steps of the opponent."""
    inner_lr: NotNegative = 0.05
    """Rate of the opponent's imagined gradient descent."""
    dice_lambda: Share = 1.0
    """Share of an action's influence on later ones that is left after each step, in derivatives through the opponent's
    learning; less than 1 trades bias for variance (Loaded DiCE, arXiv:1909.10549)."""


@dataclass(frozen=True, kw_only=True)
class ProximalConfig(LookaheadConfig):
    """Options of a lookahead with penalties on moving away: POLA."""

    inner_steps: Count = 2
    """Imagined gradient steps of the opponent."""
    outer_steps: Count = 200
    """Gradient steps in an update, each through a lookahead that starts from the opponent before the update."""
    inner_lr: NotNegative = 0.005
    """Rate of the opponent's imagined gradient descent."""
    inner_beta: NotNegative = 10.0
    """Weight of the penalty on the opponent's imagined policy moving away from its present one."""
    outer_beta: NotNegative = 100.0
    """Weight of the penalty on the learner's policy moving away from where the update started."""
    kl_direction: KlDirection = "forward"
    """``forward``: KL(before || now), as published; ``reverse``: KL(now || before)."""


@struct.dataclass
class LearnerState:
    """What learning carries from update to update; every leaf of ``players`` starts with the player axis."""

    players: ActorCritic  # [2, ...]
    optimizer: Any  # Adam's moments [2, ...], or None where every update starts afresh
    models: ActorCritic | None  # [2, ...], each player's model of its opponent, where opponents are modelled
    coefficients: Coefficients
    env_params: Any


def build_learner(env: Game[Any, Any], params: Any, config: TrajectoryConfig) -> Algorithm:
    """Make the algorithm of one configuration.

    Args:
        env: a game of two players.
        params: its params; the episode's length is read here, the rest travels in the state.
        config: the options.

    Returns:
        The algorithm. Equal games, structures and optimiser options give equal functions.

    Raises:
        ValueError: if the game does not have two players.
    """
    if env.num_players != 2:
        raise ValueError(f"a lookahead is between two players; {env.name} has {env.num_players}")
    program = _Program(
        env=env,
        structure=select(Structure, config, num_steps=int(params.max_steps_in_episode)),
        keep_optimizer=config.keep_optimizer,
        matmul_precision=config.matmul_precision,
    )

    def init(key: jax.Array) -> LearnerState:
        coefficients = jax.tree.map(lambda value: jnp.asarray(value, float), config.coefficients())
        return program.init(key, coefficients, jax.tree.map(jnp.asarray, params))

    return Algorithm(init=init, update=program, policies=_policies)


@dataclass(frozen=True)
class _Program:
    """One update as a function that is hashable by value."""

    env: Game[Any, Any]
    structure: Structure
    keep_optimizer: bool
    matmul_precision: str

    @property
    def env_steps(self) -> int:
        """Steps of the game that one update of both players samples."""
        structure = self.structure
        batches = structure.outer_steps * (structure.inner_steps + 1) + structure.model_batches
        return 2 * batches * structure.num_envs * structure.num_steps

    @partial(jax.jit, static_argnums=0)
    def init(self, key: jax.Array, coefficients: Coefficients, params: Any) -> LearnerState:
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
            models=jax.vmap(draw)(jax.random.split(key_models)) if self.structure.model_batches else None,
            coefficients=coefficients,
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
                self.env, state.env_params, self.structure, state.coefficients, player, other, start=own.policy
            )
            metrics: Metrics = {}
            if self.structure.model_batches:
                model, metrics = fit(key_fit, own.policy, model, lookahead)
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
    first, second = (jax.tree.map(lambda leaf, player=player: leaf[player], state.players.policy) for player in (0, 1))
    return RecurrentPolicy(first), RecurrentPolicy(second)
