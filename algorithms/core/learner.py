"""The learners on sampled trajectories as `Algorithm` values: state, configuration, and both players in one program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from ...checks import check_choice, check_number, check_whole_number
from ...envs.base import Game
from ..base import Algorithm, Metrics
from .devices import for_both_players
from .lookahead import Lookahead, Numbers, Player, Sizes, improve, init_optimizer
from .networks import init_network
from .opponent_model import FitNumbers, FitSizes, fit
from .rollout import RecurrentPolicy

__all__ = ["LearnerState", "LookaheadConfig", "ModelFit", "TrajectoryConfig", "build_learner"]

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


@struct.dataclass
class LearnerState:
    """What learning carries from update to update; every leaf of ``players`` starts with the player axis."""

    players: Player  # [2, ...]
    optimizer: Any  # Adam's moments [2, ...], or None where every update starts afresh
    models: Player | None  # [2, ...], each player's model of the other, where opponents are modelled
    numbers: Numbers
    fit_numbers: FitNumbers | None
    env_params: Any


class ModelFit(NamedTuple):
    """How a learner that does not see its opponent's parameters fits a model of it."""

    sizes: FitSizes
    policy_lr: float
    critic_lr: float


def build_learner(
    env: Game[Any, Any],
    params: Any,
    config: TrajectoryConfig,
    *,
    inner_steps: int,
    penalties: bool = False,
    reverse_kl: bool = False,
    model_fit: ModelFit | None = None,
    **numbers: float,
) -> Algorithm:
    """Make the algorithm of one configuration.

    Args:
        env: a game of two players.
        params: its params; the episode's length is read here, the rest travels in the state.
        config: the options.
        inner_steps: imagined steps of the opponent.
        penalties: whether the losses carry KL penalties.
        reverse_kl: their direction.
        model_fit: how opponents are modelled; None: the learner looks into the opponent itself.
        **numbers: the fields of `Numbers` that ``config`` does not have.

    Returns:
        The algorithm. Equal games, sizes and optimiser options give equal functions.

    Raises:
        ValueError: if the game does not have two players.
    """
    if env.num_players != 2:
        raise ValueError(f"a lookahead is between two players; {env.name} has {env.num_players}")
    names = Numbers.__dataclass_fields__
    values = {name: numbers[name] if name in numbers else getattr(config, name) for name in names}
    program = _Program(
        env=env,
        sizes=Sizes(
            num_envs=config.num_envs,
            num_steps=int(params.max_steps_in_episode),
            hidden_size=config.hidden_size,
            inner_steps=inner_steps,
            outer_steps=config.outer_steps,
            penalties=penalties,
            reverse_kl=reverse_kl,
        ),
        fit_sizes=None if model_fit is None else model_fit.sizes,
        keep_optimizer=config.keep_optimizer,
        matmul_precision=config.matmul_precision,
    )

    def init(key: jax.Array) -> LearnerState:
        leaves = Numbers(**{name: jnp.asarray(value, float) for name, value in values.items()})
        rates = None
        if model_fit is not None:
            rates = FitNumbers(jnp.asarray(model_fit.policy_lr, float), jnp.asarray(model_fit.critic_lr, float))
        return program.init(key, leaves, rates, jax.tree.map(jnp.asarray, params))

    return Algorithm(init=init, update=program, policies=_policies)


@dataclass(frozen=True)
class _Program:
    """One update as a function that is hashable by value."""

    env: Game[Any, Any]
    sizes: Sizes
    fit_sizes: FitSizes | None
    keep_optimizer: bool
    matmul_precision: str

    @property
    def env_steps(self) -> int:
        """Steps of the game that one update of both players samples."""
        batches = self.sizes.outer_steps * (self.sizes.inner_steps + 1)
        batches += self.fit_sizes.batches if self.fit_sizes else 0
        return 2 * batches * self.sizes.num_envs * self.sizes.num_steps

    @partial(jax.jit, static_argnums=0)
    def init(self, key: jax.Array, numbers: Numbers, fit_numbers: FitNumbers | None, params: Any) -> LearnerState:
        """Draw both players, and their models of each other."""

        def player(key: jax.Array) -> Player:
            key_policy, key_critic = jax.random.split(key)
            network = partial(
                init_network,
                num_features=self.env.observation_space(params).shape[-1],
                hidden_size=self.sizes.hidden_size,
            )
            return Player(
                policy=network(key_policy, num_outputs=self.env.num_actions), critic=network(key_critic, num_outputs=1)
            )

        key_players, key_models = jax.random.split(key)
        players = jax.vmap(player)(jax.random.split(key_players))
        return LearnerState(
            players=players,
            optimizer=jax.vmap(init_optimizer)(players) if self.keep_optimizer else None,
            models=jax.vmap(player)(jax.random.split(key_models)) if self.fit_sizes else None,
            numbers=numbers,
            fit_numbers=fit_numbers,
            env_params=params,
        )

    @partial(jax.jit, static_argnums=0)
    def __call__(self, key: jax.Array, state: LearnerState) -> tuple[LearnerState, Metrics]:
        """Improve both players, each from the same old parameters of both."""
        players = state.players
        optimizer = state.optimizer if self.keep_optimizer else jax.vmap(init_optimizer)(players)

        def improve_one(key: jax.Array, seat: jax.Array, *of_player: Any) -> Any:
            own, other, model, optimizer = of_player
            key_fit, key_learn = jax.random.split(key)
            lookahead = Lookahead(
                env=self.env,
                env_params=state.env_params,
                sizes=self.sizes,
                numbers=state.numbers,
                seat=seat,
                other=other,
                start=own.policy,
            )
            metrics: Metrics = {}
            if self.fit_sizes is not None and state.fit_numbers is not None:
                model, metrics = fit(
                    key_fit, own.policy, model, lookahead, sizes=self.fit_sizes, numbers=state.fit_numbers
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
        named = {f"{name}/player_{seat}": values[seat] for name, values in metrics.items() for seat in (0, 1)}
        return state, named | {"env_steps": jnp.asarray(self.env_steps, float)}


def _policies(state: LearnerState) -> tuple[RecurrentPolicy, RecurrentPolicy]:
    first, second = (
        RecurrentPolicy(jax.tree.map(lambda leaf, seat=seat: leaf[seat], state.players.policy)) for seat in (0, 1)
    )
    return first, second
