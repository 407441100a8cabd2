"""One gradient step of a learner in self-play: play a batch, weigh what was done, move the networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct

from ...envs.base import Game, Symmetries
from ..base import Metrics
from . import dice, shaping
from . import pool as pools
from .devices import Episodes, on_one_device, share_parts
from .encounters import Agent, Encounter, Reader, Side, gradient, init_agent, play, renamed, revisit
from .networks import NetworkParams
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
        """Play one batch and take a gradient step on it, or several.

        Args:
            key: a typed key, used once.
            learner: before the step; it plays as player 0.
            opponents: every leaf ``[num_opponents, ...]``; each plays an equal part of the others' episodes.
            coefficients: settings.
            now: the scheduled ones.
            params: the environment's.

        Returns:
            The learner after the step, and metrics.
        """
        symmetries = self.env.symmetries if self.structure.other_play else None
        if symmetries is not None:
            key, key_names = jax.random.split(key)
            opponents = _under_symmetries(key_names, opponents, symmetries)
        parts, blocks = self.structure.num_parts, self.structure.opponents_per_part
        of_part = jax.tree.map(lambda leaf: jnp.resize(leaf, (parts, blocks, *leaf.shape[1:])), opponents)
        episodes, own = share_parts(parts, jax.random.split(key, parts), of_part, blocks=blocks)
        learn = partial(
            self._learn, learner=learner, coefficients=coefficients, now=now, params=params, episodes=episodes
        )
        found = on_one_device(learn, *own)
        errors = None if found.baseline is None else jnp.sum(found.baseline, axis=0)
        gradient, metrics, errors = episodes.mean((*_mean((found.gradient, found.metrics)), errors))
        learner, norm = self._move(learner, gradient, coefficients, now)
        if errors is not None:
            error, count = episodes.devices * errors.T
            moved = learner.baseline + coefficients.baseline_rate * error / (count + 1.0)
            learner = replace(learner, baseline=moved)

        def again(learner: LearnerState, _: None) -> tuple[LearnerState, None]:
            revise = partial(self._revise, agent=learner.agent, coefficients=coefficients, now=now)
            gradient = episodes.mean(_mean(on_one_device(revise, found.lesson)))
            return self._move(learner, gradient, coefficients, now)[0], None

        if self.structure.epochs > 1:
            learner, _ = jax.lax.scan(again, learner, length=self.structure.epochs - 1)
        spread = {name: jnp.sqrt(metrics[name]) for name in ("weight/own", "weight/shaping")}
        return learner, metrics | spread | {"gradient_norm": norm}

    def _learn(
        self,
        key: jax.Array,
        opponents: Agent,
        *,
        learner: LearnerState,
        coefficients: Coefficients,
        now: Now,
        params: Any,
        episodes: Episodes,
    ) -> _Learned:
        """Play a part of the batch against its opponents, and return the derivatives of the losses on it."""
        structure = self.structure
        encounter = play(
            key,
            self.reader,
            params,
            (
                learner.agent,
                [jax.tree.map(lambda leaf, i=i: leaf[i], opponents) for i in range(structure.opponents_per_part)],
            ),
            num_envs=structure.num_envs // structure.num_parts,
            num_steps=structure.num_steps,
            exploration=coefficients.exploration,
            scripted=[self.env.strategies[name](self.env, 1) for name in structure.scripted],
            num_scripted=structure.scripted_envs // structure.num_parts,
            episodes=episodes,
        )
        weights, baseline, metrics = self._weigh(encounter, learner.baseline, coefficients, now)
        lesson = _Lesson(encounter.learner, weights, self._value_targets(encounter.learner, learner, coefficients))
        gradient, losses = self._derivatives(learner.agent, encounter.learner, lesson, coefficients, now)
        played = {"train_reward/self": encounter.learner.rewards, "train_reward/other": encounter.opponent.rewards}
        means = {name: jnp.mean(values) for name, values in played.items()}
        return _Learned(gradient, baseline, means | metrics | losses, lesson if structure.epochs > 1 else None)

    def _revise(self, lesson: _Lesson, *, agent: Agent, coefficients: Coefficients, now: Now) -> _Gradient:
        """Return the derivatives of the losses on a part of the batch for a learner that has moved since."""
        return self._derivatives(agent, revisit(self.reader, agent, lesson.side), lesson, coefficients, now)[0]

    def _weigh(
        self, encounter: Encounter, baseline: jax.Array | None, coefficients: Coefficients, now: Now
    ) -> tuple[_Weights, jax.Array | None, Metrics]:
        """Return what each log-probability of the learner is weighted by, and by how much the baseline was wrong."""
        own, other, discount = encounter.learner, encounter.opponent, coefficients.discount
        values = shaping.expected_values(own.logits, own.action_values)
        own_advantages = shaping.advantages(own.rewards, values, discount=discount, gae_lambda=coefficients.gae_lambda)
        usual, errors = values, None
        if baseline is not None and encounter.rows is not None:
            usual = baseline[encounter.rows]
            errors = _errors(baseline, encounter.rows[:-1], own_advantages + values[:-1])
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
        # What several opponents add is summed, as published for LOQA (three players) and Advantage Alignment.
        others = self.env.num_players - 1
        shaped = shaping.shaping_weights(
            jnp.concatenate([residuals] * others, axis=1),
            other_advantages,
            openness,
            weight=now.shaping,
            discount=discount,
            decay=coefficients.shaping_decay,
            goodwill=now.goodwill,
        )
        shaped, log_probabilities = (_sum_of(others, each) for each in (shaped, log_probabilities))
        metrics = {
            "weight/own": jnp.mean(jnp.square(own_advantages)),
            "weight/shaping": jnp.mean(jnp.square(shaped)),
            "surprise": jnp.mean(surprise),
        }
        return _Weights(own_advantages + shaped, log_probabilities), errors, metrics

    def _derivatives(
        self, agent: Agent, side: Side, lesson: _Lesson, coefficients: Coefficients, now: Now
    ) -> tuple[_Gradient, Metrics]:
        """Return the derivatives of the losses by the learner's parameters; ``side`` is the batch as it sees it now."""
        weights = lesson.weights

        def policy_loss(logits: jax.Array, action_values: jax.Array) -> tuple[jax.Array, jax.Array]:
            log_probs = jax.nn.log_softmax(logits[:-1])
            entropy = dice.entropy(log_probs)
            chosen = _pick(log_probs, side.actions)
            loss = -jnp.mean(self._surrogate(chosen, lesson, coefficients)) - now.entropy * entropy
            if not self.structure.stop_advantages:
                values = shaping.expected_values(logits, action_values)
                advantages = shaping.advantages(
                    side.rewards, values, discount=coefficients.discount, gae_lambda=coefficients.gae_lambda
                )
                constant = jax.lax.stop_gradient(chosen + now.shaping * weights.log_probabilities)
                loss -= jnp.mean(constant * advantages)
            return loss, entropy

        def value_loss(action_values: jax.Array) -> jax.Array:
            played = _pick(action_values[:-1], side.actions)
            return jnp.mean(optax.huber_loss(played, lesson.targets, delta=coefficients.huber_delta))

        (logits_bar, by_policy), entropy = jax.grad(policy_loss, argnums=(0, 1), has_aux=True)(
            side.logits, side.action_values
        )
        loss, by_values = jax.value_and_grad(value_loss)(side.action_values)
        bars = _Bars(logits_bar, by_policy, by_values)
        return self._gradient(agent, side, bars), {"entropy": entropy, "value_loss": loss}

    def _surrogate(self, chosen: jax.Array, lesson: _Lesson, coefficients: Coefficients) -> jax.Array:
        """Return what the policy's gradient raises, ``[T, B]``, given the log-probabilities of what it did."""
        total = lesson.weights.total
        if self.structure.epochs == 1:
            return total * chosen
        before = _pick(jax.nn.log_softmax(lesson.side.logits[:-1]), lesson.side.actions)
        ratio, bound = jnp.exp(chosen - before), coefficients.ratio_clip
        return jnp.minimum(total * ratio, total * jnp.clip(ratio, 1.0 - bound, 1.0 + bound))

    def _value_targets(self, side: Side, learner: LearnerState, coefficients: Coefficients) -> jax.Array:
        """Return the targets of the learner's action values, SARSA(lambda), ``[T, B]``."""
        if learner.target is not None:
            side = revisit(self.reader, learner.target, side)
        logits, values = side.logits, side.action_values
        played = _pick(values[:-1], side.actions)
        last = shaping.expected_values(logits[-1:], values[-1:])
        return played + shaping.advantages(
            side.rewards,
            jnp.concatenate([played, last]),
            discount=coefficients.discount,
            gae_lambda=coefficients.value_lambda,
        )

    def _gradient(self, agent: Agent, side: Side, bars: _Bars) -> _Gradient:
        """Return the derivatives of the losses by the learner's parameters, sorted by the optimiser that moves them."""
        back = partial(gradient, self.reader, agent, side)
        if agent.values is None:
            return _Gradient(back(bars.logits, bars.by_policy + bars.by_values), None)
        whole = back(bars.logits, bars.by_values)
        if self.structure.stop_advantages:
            return _Gradient(replace(whole, values=None), whole.values)
        return _Gradient(back(bars.logits, bars.by_policy), whole.values)

    def _move(
        self, learner: LearnerState, gradient: _Gradient, coefficients: Coefficients, now: Now
    ) -> tuple[LearnerState, jax.Array]:
        """Take the step of Adam and move the average; returns the norm of the gradient before it is clipped too."""
        agent, optimizer, norm = self._adam(
            self._under_policy_rate(learner.agent), gradient.policy, learner.optimizer, coefficients, now
        )
        value_optimizer = None
        if gradient.values is not None:
            direction, value_optimizer = _ADAM.update(gradient.values, learner.value_optimizer)
            values = learner.agent.values if agent.values is None else agent.values
            agent = replace(agent, values=_against(values, direction, coefficients.value_lr))
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


class _Gradient(NamedTuple):
    """Derivatives of the losses by the parameters."""

    policy: Agent  # what the policy's optimiser moves
    values: NetworkParams | None  # of a second network, for its own optimiser


class _Learned(NamedTuple):
    """What a part of a batch teaches."""

    gradient: _Gradient
    baseline: jax.Array | None  # [N, 2], errors of the values by observation, summed, and how many there were
    metrics: Metrics
    lesson: _Lesson | None  # for further steps on it


class _Lesson(NamedTuple):
    """What stays the same in all gradient steps on a part of a batch."""

    side: Side  # as it was played
    weights: _Weights
    targets: jax.Array  # [T, B], of the action values


class _Weights(NamedTuple):
    """What the policy's gradient is made of."""

    total: jax.Array  # [T, B], of each log-probability
    log_probabilities: jax.Array  # [T, B], of what the opponent did, by its model; of several, their sum


class _Bars(NamedTuple):
    """Derivatives of the losses, ``[T+1, B, A]`` each."""

    logits: jax.Array  # of the policy's loss by the logits
    by_policy: jax.Array  # of the policy's loss by the action values, zero where advantages are constants
    by_values: jax.Array  # of the action values' own loss


def _under_symmetries(key: jax.Array, opponents: Agent, symmetries: Symmetries) -> Agent:
    """Draw a symmetry of the game for each of some agents, every leaf ``[num_opponents, ...]``."""
    number = jax.tree.leaves(opponents)[0].shape[0]
    drawn = jax.random.randint(key, (number,), 0, len(symmetries.actions))
    return jax.vmap(renamed)(
        opponents, jnp.asarray(symmetries.observations)[drawn], jnp.asarray(symmetries.actions)[drawn]
    )


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


def _sum_of(others: int, values: jax.Array) -> jax.Array:
    """Return the sum over opponents, ``[T, others B]`` to ``[T, B]``."""
    if others == 1:
        return values
    return values.reshape(values.shape[0], others, -1).sum(axis=1)


def _errors(baseline: jax.Array, rows: jax.Array, returns: jax.Array) -> jax.Array:
    """Return, for every observation, the sum of the errors of its value and how often it was seen, ``[N, 2]``."""
    errors = jnp.stack([returns - baseline[rows], jnp.ones_like(returns)], axis=-1)
    return jnp.zeros((baseline.shape[0], 2)).at[rows].add(errors)


def _pick(values: jax.Array, actions: jax.Array) -> jax.Array:
    """Return the entries of the actions: ``[..., A]`` to ``[...]``. A sum with one-hot rows is faster than a gather."""
    return jnp.sum(values * jax.nn.one_hot(actions, values.shape[-1], dtype=values.dtype), axis=-1)


def _mean(parts: Any) -> Any:
    """Return the mean over the parts of a batch, every leaf ``[parts, ...]``."""
    return jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), parts)


def _against(params: Any, direction: Any, rate: Scalar) -> Any:
    return jax.tree.map(lambda leaf, move: leaf - rate * move, params, direction)
