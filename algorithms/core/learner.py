"""The learners on sampled trajectories as `Algorithm` values: state, configuration, and all players in one program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from flax import struct

from ...envs.base import Game
from ...options import Count, Discount, NotNegative, Positive, Share, check_choice, check_options, select
from ..base import ANY_ENV, ENVS_AXIS, PLAYERS_AXIS, Algorithm, Metrics, PlayerLearner, Preset, Shown
from . import pool as pools
from .devices import for_each_part, share_episodes
from .episode_learner import episode_learner
from .lookahead import ActorCritic, Coefficients, Lookahead, Stranger, Structure, draw_player, improve, init_optimizer
from .opponent_model import fit
from .players import (
    Opponents,
    Players,
    by_learner,
    check_players,
    check_two,
    each_player,
    number_of_learners,
    of_the_others,
)
from .pool import Pool
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
        command="tournament --best-response",
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
    entropy: Positive | None = None
    """Weight of the entropy of the policy in the learner's loss; None: it is not in it."""
    players: Players = "two"
    """``two``: each player has parameters of its own, however many players there are; ``shared``: one set of parameters
    plays as all of them. Beside another learner there is one player to train, and the option has no meaning."""
    opponents: Opponents = "current"
    """``current``: the opponent as it was before the update; ``past``: one drawn from a pool of snapshots for every
    gradient step."""
    pool_size: Count = 100
    """Snapshots in the pool, a uniform sample of all that were taken, one before each update."""
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
        return select(Coefficients, self, entropy=0.0 if self.entropy is None else self.entropy)

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        return select(Structure, self, num_steps=num_steps, has_entropy=self.entropy is not None)


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
    """What learning carries from update to update; the player axis has one entry where parameters are shared."""

    players: ActorCritic  # [N, ...]
    optimizer: Any  # Adam's moments [N, ...], or None where every update starts afresh
    models: ActorCritic | None  # [2, ...], each player's model of its opponent, where opponents are modelled
    pool: Pool | None  # [2, ...], each player's past, where opponents are drawn from it
    coefficients: Coefficients
    env_params: Any


def build_learner(env: Game[Any, Any], params: Any, config: TrajectoryConfig) -> Algorithm:
    """Make the algorithm of one configuration.

    Args:
        env: a game; of more than two players for a learner that imagines nothing.
        params: its params; the episode's length is read here, the rest travels in the state.
        config: the options.

    Returns:
        The algorithm. Equal games, structures and optimiser options give equal functions.

    Raises:
        ValueError: if the game does not suit, or the pool does not fit into memory.
    """
    check_players(env, params, config.players)
    structure = config.structure(int(params.max_steps_in_episode))
    if structure.inner_steps or structure.model_batches:
        check_two(env, "this learner")
    if config.opponents == "past":
        check_two(env, "opponents past")
    if structure.memory_one_envs:
        check_two(env, "memory_one_percent")
        if env.memory_one_payoffs(params) is None:
            raise ValueError(
                "memory_one_percent needs a game whose players see both last actions and the start of an episode, "
                f"such as IPD-v0, which {env.name} with these options is not"
            )
    program = _Program(
        env=env,
        structure=structure,
        num_learners=number_of_learners(config.players, env.num_players),
        pool_size=config.pool_size if config.opponents == "past" else None,
        keep_optimizer=config.keep_optimizer,
        matmul_precision=config.matmul_precision,
    )

    learner = jax.eval_shape(partial(program.draw, params=params), jax.random.key(0))
    pools.check_memory(learner, program.pool_size, program.num_learners)

    def init(key: jax.Array) -> LearnerState:
        coefficients = jax.tree.map(lambda value: jnp.asarray(value, float), config.coefficients())
        return program.init(key, coefficients, jax.tree.map(jnp.asarray, params))

    alone = None
    if not (structure.inner_steps or structure.model_batches or structure.memory_one_envs or program.pool_size):
        alone = episode_learner(
            env,
            params,
            structure,
            config.coefficients(),
            keep_optimizer=config.keep_optimizer,
            matmul_precision=config.matmul_precision,
        )
    return Algorithm(
        init=init,
        update=program,
        policies=_Policies(env.num_players),
        self_play=config.players == "shared",
        pieces={ENVS_AXIS: config.num_envs, PLAYERS_AXIS: program.num_learners},
        episode_learner=alone,
    )


@dataclass(frozen=True)
class _Program:
    """One update as a function that is hashable by value."""

    env: Game[Any, Any]
    structure: Structure
    num_learners: int
    pool_size: int | None
    keep_optimizer: bool
    matmul_precision: str

    @property
    def env_steps(self) -> int:
        """Steps of the game that one update samples."""
        structure = self.structure
        batches = structure.outer_steps * (structure.inner_steps + 1) + structure.model_batches
        return self.num_learners * batches * structure.num_envs * structure.num_steps

    @partial(jax.jit, static_argnums=0)
    def init(self, key: jax.Array, coefficients: Coefficients, params: Any) -> LearnerState:
        """Draw the players, and their models of each other."""
        draw = jax.vmap(partial(self.draw, params=params))
        key_players, key_models = jax.random.split(key)
        players = draw(jax.random.split(key_players, self.num_learners))
        pool = None
        if self.pool_size is not None:
            pool = jax.vmap(partial(pools.empty_pool, capacity=self.pool_size))(players)
        return LearnerState(
            players=players,
            optimizer=jax.vmap(init_optimizer)(players) if self.keep_optimizer else None,
            models=draw(jax.random.split(key_models, self.num_learners)) if self.structure.model_batches else None,
            pool=pool,
            coefficients=coefficients,
            env_params=params,
        )

    def draw(self, key: jax.Array, params: Any) -> ActorCritic:
        """Draw one player."""
        num_features = self.env.observation_space(params).shape[-1]
        sizes = {"hidden_size": self.structure.hidden_size, "num_actions": self.env.num_actions}
        return draw_player(key, num_features=num_features, **sizes)

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, state: LearnerState) -> tuple[LearnerState, Metrics]:
        """Improve the players, each from the same old parameters of all."""
        players, pool = state.players, state.pool
        if pool is not None:
            key, key_push = jax.random.split(key)
            pool = jax.vmap(pools.push)(jax.random.split(key_push, self.num_learners), pool, players)
        optimizer = state.optimizer if self.keep_optimizer else jax.vmap(init_optimizer)(players)

        improve_one = partial(self.improve_one, coefficients=state.coefficients, params=state.env_params)
        others, pasts = of_the_others((players, pool), self.env.num_players)
        with jax.default_matmul_precision(self.matmul_precision):
            players, optimizer, models, metrics = for_each_part(
                improve_one,
                jax.random.split(key, self.num_learners),
                jnp.arange(self.num_learners),
                players,
                others,
                pasts,
                state.models,
                optimizer,
            )
        state = replace(
            state, players=players, optimizer=optimizer if self.keep_optimizer else None, models=models, pool=pool
        )
        named = by_learner(metrics)
        return state, named | {"env_steps": jnp.asarray(self.env_steps, float)}

    def improve_one(
        self, key: jax.Array, player: jax.Array, *of_player: Any, coefficients: Coefficients, params: Any
    ) -> tuple[ActorCritic, Any, ActorCritic | None, Metrics]:
        """Improve one player.

        Args:
            key: a typed key, used once.
            player: its index.
            *of_player: the player, its opponent (or opponents) as it sees it, the opponent's past, its model of the
                opponent and its optimiser's state; None for what it does not have.
            coefficients: settings.
            params: the game's.

        Returns:
            The player, its optimiser's state, its model and metrics.
        """
        own, other, past, model, optimizer = of_player
        key_fit, key_learn = jax.random.split(key)
        shared = share_episodes()
        lookahead = Lookahead(self.env, params, self.structure, coefficients, player, other, own.policy, past, shared)
        metrics: Metrics = {}
        if self.structure.model_batches:
            model, metrics = fit(key_fit, own.policy, model, lookahead)
            lookahead = lookahead._replace(other=model)
        own, optimizer, learning = improve(key_learn, own, optimizer, lookahead)
        return own, optimizer, model, metrics | learning


def build_player(env: Game[Any, Any], params: Any, config: TrajectoryConfig, player: int) -> PlayerLearner:
    """Make the learner of one player, beside whatever plays as the other.

    Without a model of the opponent, it draws the same networks and random numbers as that player does where both are of
    one configuration.

    Args:
        env: a game of two players.
        params: its params.
        config: the options.
        player: 0 or 1.

    Returns:
        The learner. One that imagines the opponent's own steps needs to see its `ActorCritic`.

    Raises:
        ValueError: the game does not suit, or opponents are to be drawn from the past.
    """
    if config.opponents == "past":
        raise ValueError("opponents must be current beside another learner, whose past is not kept; got past")
    check_two(env, "a learner of one player")
    both = build_learner(env, params, replace(config, players="two"))
    program: _Program = both.update  # type: ignore[assignment]
    return PlayerLearner(
        init=partial(_init_one, program, config.coefficients(), params),
        update=_UpdateOne(program, player),
        show=_show,
        num_episodes=config.num_envs,
        needs=(ActorCritic,) if program.structure.inner_steps and not program.structure.model_batches else (),
        reason="it imagines how its opponent learns and must see the parameters of its networks; take a learner that "
        "fits a model of its opponent, or one that imagines nothing",
    )


def _init_one(program: _Program, coefficients: Coefficients, params: Any, key: jax.Array) -> LearnerState:
    """Draw one player, and its model of the other; no leaf has a player axis."""
    model = None
    if program.structure.model_batches:
        key, key_model = jax.random.split(key)
        model = program.draw(key_model, params)
    own = program.draw(key, params)
    return LearnerState(
        players=own,
        optimizer=init_optimizer(own) if program.keep_optimizer else None,
        models=model,
        pool=None,
        coefficients=jax.tree.map(lambda value: jnp.asarray(value, float), coefficients),
        env_params=jax.tree.map(jnp.asarray, params),
    )


@dataclass(frozen=True)
class _UpdateOne:
    """One player's part of an update; no leaf of its state has a player axis."""

    program: _Program
    player: int

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, state: LearnerState, shown: tuple[Shown, ...]) -> tuple[LearnerState, Metrics]:
        program, other = self.program, shown[1 - self.player]
        seen = other.parameters if isinstance(other.parameters, ActorCritic) else Stranger(other.policy)
        optimizer = state.optimizer if program.keep_optimizer else init_optimizer(state.players)
        with jax.default_matmul_precision(program.matmul_precision):
            own, optimizer, model, metrics = program.improve_one(
                key,
                jnp.asarray(self.player),
                state.players,
                seen,
                None,
                state.models,
                optimizer,
                coefficients=state.coefficients,
                params=state.env_params,
            )
        state = replace(state, players=own, optimizer=optimizer if program.keep_optimizer else None, models=model)
        return state, metrics | {"env_steps": jnp.asarray(program.env_steps / program.num_learners, float)}


def _show(state: LearnerState) -> Shown:
    return Shown(RecurrentPolicy(state.players.policy), state.players)


@dataclass(frozen=True)
class _Policies:
    """``policies``; hashable by value."""

    num_players: int

    def __call__(self, state: LearnerState) -> tuple[RecurrentPolicy, ...]:
        return tuple(RecurrentPolicy(policy) for policy in each_player(state.players.policy, self.num_players))
