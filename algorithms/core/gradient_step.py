"""One gradient step of a learner in self-play: play a batch, weigh what was done, move the networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from ...envs.base import Game
from ..base import Metrics
from . import pool as pools
from . import shaping
from .encounters import Agent, Encounter, Reader, gradient, init_agent, play, unroll
from .pool import Pool
from .self_play_config import Coefficients, Scalar, Structure

__all__ = ["GradientStep", "LearnerState", "schedule"]

_ADAM = optax.scale_by_adam()

_FEW_ROWS = 4096
"""Tables of observations up to this size are evaluated as a whole at every step of learning."""


@struct.dataclass
class LearnerState:
    """What one learner carries from step to step."""

    agent: Agent
    target: Agent | None  # moving average of the parameters, where targets come from it
    optimizer: Any  # Adam's moments
    value_optimizer: Any  # of the network for the action values, where there is one
    baseline: jax.Array | None  # [N], values by observation
    pool: Pool | None  # None where opponents are not drawn from the past


class Now(NamedTuple):
    """The scheduled numbers at one gradient step."""

    learning_rate: jax.Array
    entropy: jax.Array
    shaping: jax.Array
    goodwill: jax.Array


@dataclass(frozen=True)
class GradientStep:
    """How one learner takes a step; hashable by value."""

    env: Game[Any, Any]
    num_features: int
    structure: Structure

    @property
    def reader(self) -> Reader:
        """How the networks see the game."""
        rows = self.env.num_observations
        return Reader(self.env, listed=rows is not None and rows <= _FEW_ROWS, step_input=self.structure.step_input)

    def init_agent(self, key: jax.Array) -> Agent:
        """Draw the networks of a learner."""
        return init_agent(
            key,
            num_features=self.num_features,
            num_actions=self.env.num_actions,
            hidden_size=self.structure.hidden_size,
            value_size=self.structure.value_hidden_size,
            step_input=self.structure.step_input,
        )

    def init(self, key: jax.Array) -> LearnerState:
        """Draw a learner."""
        agent, structure = self.init_agent(key), self.structure
        return LearnerState(
            agent=agent,
            target=agent if structure.keep_target else None,
            optimizer=_ADAM.init(self._under_policy_rate(agent)),
            value_optimizer=None if agent.values is None else _ADAM.init(agent.values),
            baseline=jnp.zeros(self.env.num_observations) if structure.state_baseline else None,
            pool=None if structure.pool_size is None else pools.empty_pool(agent, structure.pool_size),
        )

    def _under_policy_rate(self, agent: Agent) -> Agent:
        """Return the part of an agent that the policy's optimiser moves."""
        return replace(agent, values=None) if self.structure.stop_advantages else agent

    def __call__(
        self,
        key: jax.Array,
        learner: LearnerState,
        opponents: Agent,
        *,
        coefficients: Coefficients,
        now: Now,
        params: Any,
    ) -> tuple[LearnerState, Metrics]:
        """Play one batch and take one gradient step.

        Args:
            key: a typed key, used once.
            learner: before the step; it plays as player 0.
            opponents: every leaf ``[num_opponents, ...]``; each plays an equal part of the episodes.
            coefficients: settings.
            now: the scheduled ones.
            params: the environment's.

        Returns:
            The learner after the step, and metrics.
        """
        structure = self.structure
        encounter = play(
            key,
            self.reader,
            params,
            (
                learner.agent,
                [jax.tree.map(lambda leaf, i=i: leaf[i], opponents) for i in range(structure.num_opponents)],
            ),
            num_envs=structure.num_envs,
            num_steps=structure.num_steps,
            exploration=coefficients.exploration,
            scripted=[self.env.strategies[name](self.env, 1) for name in structure.scripted],
            num_scripted=structure.scripted_envs,
        )
        weights, baseline, metrics = self._weigh(encounter, learner.baseline, coefficients, now)
        bars, losses = self._derivatives(encounter, learner, weights, coefficients, now)
        learner, norm = self._move(learner, encounter, bars, coefficients, now)
        played = {"train_reward/self": encounter.learner.rewards, "train_reward/other": encounter.opponent.rewards}
        means = {name: jnp.mean(values) for name, values in played.items()}
        return replace(learner, baseline=baseline), means | metrics | losses | {"gradient_norm": norm}

    def _weigh(
        self, encounter: Encounter, baseline: jax.Array | None, coefficients: Coefficients, now: Now
    ) -> tuple[_Weights, jax.Array | None, Metrics]:
        """Return what each log-probability of the learner is weighted by, and the baseline after this batch."""
        own, other, discount = encounter.learner, encounter.opponent, coefficients.discount
        values = shaping.expected_values(own.logits, own.action_values)
        own_advantages = shaping.advantages(own.rewards, values, discount=discount, gae_lambda=coefficients.gae_lambda)
        usual = values
        if baseline is not None and encounter.rows is not None:
            usual = baseline[encounter.rows]
            baseline = _refine(baseline, encounter.rows[:-1], own_advantages + values[:-1])
        residuals = shaping.advantages(own.rewards, usual, discount=discount, gae_lambda=coefficients.residual_lambda)
        other_values = shaping.expected_values(other.logits, other.action_values)
        if not self.structure.bootstrap_opponent:
            other_values = other_values.at[-1].set(0.0)
        other_advantages = shaping.advantages(
            other.rewards, other_values, discount=discount, gae_lambda=coefficients.opponent_lambda
        )
        returns = other_advantages + other_values[:-1]
        following = jnp.concatenate([returns[1:], other_values[-1:]])
        log_probabilities = shaping.predicted_log_probabilities(
            other.action_values[:-1],
            other.actions,
            other.rewards + discount * following,
            temperature=coefficients.temperature,
        )
        surprise = -jnp.expm1(log_probabilities)
        openness = surprise / coefficients.temperature if self.structure.weigh_by_surprise else 1.0
        shaped = shaping.shaping_weights(
            residuals,
            other_advantages,
            openness,
            weight=now.shaping,
            discount=discount,
            decay=coefficients.shaping_decay,
            goodwill=now.goodwill,
        )
        metrics = {
            "weight/own": _root_mean_square(own_advantages),
            "weight/shaping": _root_mean_square(shaped),
            "surprise": jnp.mean(surprise),
        }
        return _Weights(own_advantages + shaped, log_probabilities), baseline, metrics

    def _derivatives(
        self, encounter: Encounter, learner: LearnerState, weights: _Weights, coefficients: Coefficients, now: Now
    ) -> tuple[_Bars, Metrics]:
        """Return the derivatives of the losses by the learner's logits and action values."""
        side = encounter.learner

        def policy_loss(logits: jax.Array, action_values: jax.Array) -> tuple[jax.Array, jax.Array]:
            log_probs = jax.nn.log_softmax(logits[:-1])
            entropy = -jnp.mean(jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1))
            chosen = _pick(log_probs, side.actions)
            loss = -jnp.mean(weights.total * chosen) - now.entropy * entropy
            if not self.structure.stop_advantages:
                values = shaping.expected_values(logits, action_values)
                advantages = shaping.advantages(
                    side.rewards, values, discount=coefficients.discount, gae_lambda=coefficients.gae_lambda
                )
                constant = jax.lax.stop_gradient(chosen + now.shaping * weights.log_probabilities)
                loss -= jnp.mean(constant * advantages)
            return loss, entropy

        def value_loss(action_values: jax.Array) -> jax.Array:
            errors = optax.huber_loss(_pick(action_values[:-1], side.actions), targets, delta=coefficients.huber_delta)
            return jnp.mean(errors)

        targets = self._value_targets(encounter, learner, coefficients)
        (logits_bar, by_policy), entropy = jax.grad(policy_loss, argnums=(0, 1), has_aux=True)(
            side.logits, side.action_values
        )
        loss, by_values = jax.value_and_grad(value_loss)(side.action_values)
        return _Bars(logits_bar, by_policy, by_values), {"entropy": entropy, "value_loss": loss}

    def _value_targets(self, encounter: Encounter, learner: LearnerState, coefficients: Coefficients) -> jax.Array:
        """Return the targets of the learner's action values, SARSA(lambda), ``[T, B]``."""
        side = encounter.learner
        logits, values = side.logits, side.action_values
        if learner.target is not None:
            logits, values = unroll(self.reader, learner.target, side)
        played = _pick(values[:-1], side.actions)
        last = shaping.expected_values(logits[-1:], values[-1:])
        return played + shaping.advantages(
            side.rewards,
            jnp.concatenate([played, last]),
            discount=coefficients.discount,
            gae_lambda=coefficients.value_lambda,
        )

    def _move(
        self, learner: LearnerState, encounter: Encounter, bars: _Bars, coefficients: Coefficients, now: Now
    ) -> tuple[LearnerState, jax.Array]:
        """Take the step of Adam and move the average; returns the norm of the gradient before it is clipped too."""
        agent, side = learner.agent, encounter.learner
        back = partial(gradient, self.reader, agent, side)
        if agent.values is None:
            whole = back(bars.logits, bars.by_policy + bars.by_values)
            agent, optimizer, norm = self._adam(agent, whole, learner.optimizer, coefficients, now)
            value_optimizer = None
        else:
            whole = back(bars.logits, bars.by_values)
            by_values = whole.values
            if not self.structure.stop_advantages:
                whole = back(bars.logits, bars.by_policy)
            moved, optimizer, norm = self._adam(
                self._under_policy_rate(agent), self._under_policy_rate(whole), learner.optimizer, coefficients, now
            )
            direction, value_optimizer = _ADAM.update(by_values, learner.value_optimizer)
            values = agent.values if moved.values is None else moved.values
            agent = replace(moved, values=_against(values, direction, coefficients.value_lr))
        target = learner.target
        if target is not None:
            decay = coefficients.target_decay
            target = jax.tree.map(lambda mean, leaf: decay * mean + (1.0 - decay) * leaf, target, agent)
        return replace(learner, agent=agent, target=target, optimizer=optimizer, value_optimizer=value_optimizer), norm

    @staticmethod
    def _adam(
        agent: Agent, grads: Agent, moments: Any, coefficients: Coefficients, now: Now
    ) -> tuple[Agent, Any, jax.Array]:
        norm = optax.tree.norm(grads)
        scale = jnp.minimum(1.0, coefficients.max_gradient_norm / jnp.maximum(norm, 1e-12))
        direction, moments = _ADAM.update(jax.tree.map(lambda leaf: scale * leaf, grads), moments)
        return _against(agent, direction, now.learning_rate), moments, norm


class _Weights(NamedTuple):
    """What the policy's gradient is made of."""

    total: jax.Array  # [T, B], of each log-probability
    log_probabilities: jax.Array  # [T, B], of what the opponent did, by its model


class _Bars(NamedTuple):
    """Derivatives of the losses, ``[T+1, B, A]`` each."""

    logits: jax.Array  # of the policy's loss by the logits
    by_policy: jax.Array  # of the policy's loss by the action values, zero where advantages are constants
    by_values: jax.Array  # of the action values' own loss


def schedule(coefficients: Coefficients, step: jax.Array) -> Now:
    """Return the scheduled numbers: shaping and goodwill move from the start, rate and entropy near the end."""
    done = jnp.minimum(step / coefficients.anneal_steps, 1.0)
    late = jnp.maximum(done - coefficients.anneal_from, 0.0) / (1.0 - coefficients.anneal_from)

    def between(start: Scalar, end: Scalar, share: jax.Array) -> jax.Array:
        return start + (end - start) * share

    return Now(
        learning_rate=between(coefficients.learning_rate, coefficients.learning_rate_end, late),
        entropy=between(coefficients.entropy, coefficients.entropy_end, late),
        shaping=between(coefficients.shaping, coefficients.shaping_end, done),
        goodwill=between(coefficients.goodwill, coefficients.goodwill_end, done),
    )


def _refine(baseline: jax.Array, rows: jax.Array, returns: jax.Array) -> jax.Array:
    """Move the value of every observation that was seen towards the mean of the returns that followed it."""
    errors = jnp.stack([returns - baseline[rows], jnp.ones_like(returns)], axis=-1)
    sums = jnp.zeros((baseline.shape[0], 2)).at[rows].add(errors)
    return baseline + sums[:, 0] / (sums[:, 1] + 1.0)


def _pick(values: jax.Array, actions: jax.Array) -> jax.Array:
    """Return the entries of the actions: ``[..., A]`` to ``[...]``. A sum with one-hot rows is faster than a gather."""
    return jnp.sum(values * jax.nn.one_hot(actions, values.shape[-1], dtype=values.dtype), axis=-1)


def _against(params: Any, direction: Any, rate: Scalar) -> Any:
    return jax.tree.map(lambda leaf, move: leaf - rate * move, params, direction)


def _root_mean_square(values: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.mean(jnp.square(values)))
