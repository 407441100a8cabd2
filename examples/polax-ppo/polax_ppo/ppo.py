"""Independent PPO: every player runs proximal policy optimisation as if the others were part of the environment.

Schulman et al. 2017, arXiv:1707.06347, with generalised advantage estimates (arXiv:1506.02438). Like naive learning
it is blind to the others' learning; unlike it, it takes many clipped steps on each batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct
from polax.algorithms.base import ANY_ENV, Algorithm, AlgorithmPlugin, Metrics, Preset
from polax.envs.base import Game

from .network import ActorCritic, Player

__all__ = ["IPPO", "PPOConfig"]


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Options of independent PPO."""

    num_envs: int = 64
    """Episodes in a batch; an update plays one batch."""
    hidden_size: int = 32
    """Width of both layers."""
    num_epochs: int = 4
    """How often an update goes through its batch."""
    num_minibatches: int = 4
    """Into how many parts it is cut each time."""
    learning_rate: float = 0.005
    """Rate of Adam."""
    discount: float = 0.96
    """Discount of later rewards."""
    gae_lambda: float = 0.95
    """Lambda of the generalised advantage estimates."""
    clip_ratio: float = 0.2
    """By how much the probability of an action may change in an update, as a ratio, before its gradient is cut off."""
    entropy_weight: float = 0.01
    """Weight of the entropy bonus."""
    value_weight: float = 0.5
    """Weight of the value loss."""
    max_gradient_norm: float = 0.5
    """Longer gradients are scaled down to this norm."""

    def __post_init__(self) -> None:
        for name in ("num_envs", "hidden_size", "num_epochs", "num_minibatches"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; got {getattr(self, name)!r}")
        if self.num_minibatches > self.num_envs:
            raise ValueError(f"num_minibatches must be at most num_envs ({self.num_envs}); got {self.num_minibatches}")
        for name in Numbers._fields:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0; got {getattr(self, name)!r}")


class Numbers(NamedTuple):
    """The options that are numbers: leaves of the state, so that other values compile nothing anew."""

    learning_rate: Any  # [] each
    discount: Any
    gae_lambda: Any
    clip_ratio: Any
    entropy_weight: Any
    value_weight: Any
    max_gradient_norm: Any


class Batch(NamedTuple):
    """What all players saw and did in a batch of episodes."""

    observation: jax.Array  # [T, B, P, F]
    action: jax.Array  # [T, B, P] int32
    log_prob: jax.Array  # [T, B, P], of the action when it was chosen
    value: jax.Array  # [T, B, P]
    reward: jax.Array  # [T, B, P]


class Sample(NamedTuple):
    """What one player learns from; the leading axis is that of steps and episodes together."""

    observation: jax.Array  # [N, F]
    action: jax.Array  # [N] int32
    log_prob: jax.Array  # [N]
    advantage: jax.Array  # [N]
    target: jax.Array  # [N]: what the value should have been


@struct.dataclass
class PPOState:
    """What learning carries from update to update."""

    params: Any  # [P, ...]
    optimizer: Any  # [P, ...]
    numbers: Numbers
    env_params: Any


@dataclass(frozen=True)
class _Program:
    """One update; equal settings make equal functions, so building twice compiles once."""

    env: Game[Any, Any]
    network: ActorCritic
    num_envs: int
    num_steps: int
    num_epochs: int
    num_minibatches: int

    def init(self, key: jax.Array, numbers: Numbers, env_params: Any) -> PPOState:
        """Draw every player's network."""
        observation = jnp.zeros(self.env.observation_space(env_params).shape[-1])
        keys = jax.random.split(key, self.env.num_players)
        params = jax.vmap(self.network.init, in_axes=(0, None))(keys, observation)
        return PPOState(params, jax.vmap(_optimizer(numbers).init)(params), numbers, env_params)

    def __call__(self, key: jax.Array, state: PPOState) -> tuple[PPOState, Metrics]:
        """Play a batch, then let each player learn from its side of it."""
        play_key, learn_key = jax.random.split(key)
        batch, last_value = self._play(play_key, state)
        samples = _samples(batch, last_value, state.numbers)
        params, optimizer, metrics = self._learn(learn_key, state, samples)
        named = {
            f"{name}/player_{player}": value[player] for name, value in metrics.items() for player in range(len(value))
        }
        steps = jnp.asarray(self.num_envs * self.num_steps, float)
        return state.replace(params=params, optimizer=optimizer), named | {"env_steps": steps}

    def _apply(self, params: Any, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Evaluate every player's network on its own view; ``[B, P, ...]``."""
        return jax.vmap(self.network.apply, in_axes=(0, 1), out_axes=1)(params, observation)

    def _play(self, key: jax.Array, state: PPOState) -> tuple[Batch, jax.Array]:
        """Play a batch of episodes; also return the values after the last step, ``[B, P]``."""
        reset_key, steps_key = jax.random.split(key)
        reset_keys = jax.random.split(reset_key, self.num_envs)
        observation, game = jax.vmap(self.env.reset_env, in_axes=(0, None))(reset_keys, state.env_params)

        def step(carry: tuple[Any, jax.Array], key: jax.Array) -> tuple[tuple[Any, jax.Array], Batch]:
            game, observation = carry
            action_key, env_key = jax.random.split(key)
            logits, value = self._apply(state.params, observation)
            action = jax.random.categorical(action_key, logits).astype(jnp.int32)
            after, game, reward, _, _ = jax.vmap(self.env.step_env, in_axes=(0, 0, 0, None))(
                jax.random.split(env_key, self.num_envs), game, action, state.env_params
            )
            return (game, after), Batch(observation, action, _log_prob(logits, action), value, reward)

        (_, last), batch = jax.lax.scan(step, (game, observation), jax.random.split(steps_key, self.num_steps))
        return batch, self._apply(state.params, last)[1]

    def _learn(self, key: jax.Array, state: PPOState, samples: Sample) -> tuple[Any, Any, Metrics]:
        """Let every player take ``num_epochs`` times ``num_minibatches`` steps on its sample."""
        num_players, num_samples = samples.action.shape
        size = num_samples // self.num_minibatches

        def step(carry: tuple[Any, Any], rows: jax.Array) -> tuple[tuple[Any, Any], Metrics]:
            return jax.vmap(partial(self._step, numbers=state.numbers))(*carry, samples, rows)

        def epoch(carry: tuple[Any, Any], keys: jax.Array) -> tuple[tuple[Any, Any], Metrics]:
            orders = jax.vmap(lambda key: jax.random.permutation(key, num_samples))(keys)[
                :, : size * self.num_minibatches
            ]
            return jax.lax.scan(step, carry, orders.reshape(num_players, self.num_minibatches, size).swapaxes(0, 1))

        keys = jax.random.split(key, (self.num_epochs, num_players))
        (params, optimizer), metrics = jax.lax.scan(epoch, (state.params, state.optimizer), keys)
        return params, optimizer, jax.tree.map(lambda values: values.mean((0, 1)), metrics)

    def _step(
        self, params: Any, optimizer: Any, sample: Sample, rows: jax.Array, *, numbers: Numbers
    ) -> tuple[tuple[Any, Any], Metrics]:
        """Take one step of one player on a part of its sample, ``rows`` ``[N / num_minibatches]``."""
        part = jax.tree.map(lambda leaf: leaf[rows], sample)
        gradient, metrics = jax.grad(self._loss, has_aux=True)(params, part, numbers)
        change, optimizer = _optimizer(numbers).update(gradient, optimizer)
        return (optax.apply_updates(params, change), optimizer), metrics

    def _loss(self, params: Any, sample: Sample, numbers: Numbers) -> tuple[jax.Array, Metrics]:
        """Clipped surrogate (equation 7 of the paper), value loss and entropy bonus."""
        logits, value = self.network.apply(params, sample.observation)
        ratio = jnp.exp(_log_prob(logits, sample.action) - sample.log_prob)
        clipped = jnp.clip(ratio, 1 - numbers.clip_ratio, 1 + numbers.clip_ratio)
        spread = sample.advantage.std() + 1e-8
        advantage = (sample.advantage - sample.advantage.mean()) / spread
        surrogate = jnp.minimum(ratio * advantage, clipped * advantage).mean()
        value_loss = jnp.square(value - sample.target).mean()
        entropy = -(jax.nn.softmax(logits) * jax.nn.log_softmax(logits)).sum(-1).mean()
        loss = -surrogate + numbers.value_weight * value_loss - numbers.entropy_weight * entropy
        return loss, {"value_loss": value_loss, "entropy": entropy, "clipped": jnp.mean(ratio != clipped)}


def _optimizer(numbers: Numbers) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(numbers.max_gradient_norm), optax.adam(numbers.learning_rate))


def _log_prob(logits: jax.Array, action: jax.Array) -> jax.Array:
    """Return the log-probability of each action, ``[...]``, from logits ``[..., A]``."""
    return jnp.take_along_axis(jax.nn.log_softmax(logits), action[..., None], axis=-1)[..., 0]


def _samples(batch: Batch, last_value: jax.Array, numbers: Numbers) -> Sample:
    """Return what each player learns from, ``[P, T * B, ...]``."""

    def backwards(advantage: jax.Array, step: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        reward, value, next_value = step
        delta = reward + numbers.discount * next_value - value
        advantage = delta + numbers.discount * numbers.gae_lambda * advantage
        return advantage, advantage

    next_values = jnp.concatenate([batch.value[1:], last_value[None]])
    recorded = (batch.reward, batch.value, next_values)
    advantage = jax.lax.scan(backwards, jnp.zeros_like(last_value), recorded, reverse=True)[1]
    sample = Sample(batch.observation, batch.action, batch.log_prob, advantage, advantage + batch.value)
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), sample)
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 1, 0), flat)


@dataclass(frozen=True)
class _Policies:
    """The players of a state."""

    network: ActorCritic

    def __call__(self, state: PPOState) -> tuple[Player, ...]:
        count = len(jax.tree.leaves(state.params)[0])
        return tuple(
            Player(jax.tree.map(lambda leaf, player=player: leaf[player], state.params), self.network)
            for player in range(count)
        )


def build(env: Game[Any, Any], params: Any, config: PPOConfig) -> Algorithm:
    """Make the learner for a game; any number of players and actions will do."""
    network = ActorCritic(num_actions=env.num_actions, hidden_size=config.hidden_size)
    program = _Program(
        env=env,
        network=network,
        num_envs=config.num_envs,
        num_steps=int(params.max_steps_in_episode),
        num_epochs=config.num_epochs,
        num_minibatches=config.num_minibatches,
    )

    def init(key: jax.Array) -> PPOState:
        numbers = Numbers(*(jnp.asarray(getattr(config, name), float) for name in Numbers._fields))
        return program.init(key, numbers, jax.tree.map(jnp.asarray, params))

    return Algorithm(init=init, update=program, policies=_Policies(network))


IPPO = AlgorithmPlugin(
    config=PPOConfig,
    build=build,
    summary="Independent PPO: many clipped steps on each batch, blind to the others' learning",
    presets={
        ("laptop", "IPD-v0"): Preset(updates=100),
        ("laptop", "CoinGame-v0"): Preset(updates=150),
        ("best-response", ANY_ENV): Preset(updates=20, options={"num_envs": 128, "hidden_size": 16, "gae_lambda": 0.8}),
    },
)
