"""A model of the opponent, fitted to what it is seen to do (Zhao et al. 2022, arXiv:2210.10125, section 5.3).

The model is a policy and a critic of the learner's own shape. It learns from real play alone: the opponent's
observations, actions and rewards; never its parameters, values or memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from ..base import Metrics
from . import networks
from .dice import Scalar
from .lookahead import ActorCritic, Lookahead, chosen, descend, evaluate_critic, init_optimizer, optimizer_direction
from .networks import NetworkParams
from .rollout import Side

__all__ = ["FitCounts", "FitRates", "fit"]


@dataclass(frozen=True)
class FitCounts:
    """Counts of the fit that the compiled program is made for."""

    batches: int
    steps_per_batch: int


@struct.dataclass
class FitRates:
    """Rates of the fit; scalars."""

    policy_lr: Scalar
    critic_lr: Scalar


def fit(
    key: jax.Array, own: NetworkParams, model: ActorCritic, lookahead: Lookahead, *, counts: FitCounts, rates: FitRates
) -> tuple[ActorCritic, Metrics]:
    """Fit a model to fresh batches of the real play of both players.

    On every batch it takes steps of Adam on the cross-entropy of the opponent's actions and on the critic's loss for
    the opponent's rewards, whose bootstrap value is the model's own.

    Args:
        key: a typed key, used once.
        own: the learner's policy.
        model: where the fit starts.
        lookahead: the game and the real opponent, which is played against but not looked into.
        counts: number of batches, and of steps on each.
        rates: learning rates.

    Returns:
        The fitted model and, on the last batch before its last step, the cross-entropy in nats and the agreement: the
        probability mass that model and opponent give to the same actions, 1 where they are equal.
    """

    def on_batch(carry: tuple[ActorCritic, Any], key: jax.Array) -> tuple[tuple[ActorCritic, Any], Metrics]:
        side = lookahead.sample(key, own, lookahead.other.policy).other

        def step(carry: tuple[ActorCritic, Any], nothing: None) -> tuple[tuple[ActorCritic, Any], Metrics]:
            del nothing
            model, optimizer_state = carry
            policy_gradient, metrics = _imitation_gradient(model.policy, side)
            _, _, critic_gradient = evaluate_critic(model.critic, side, lookahead.coefficients)
            direction, optimizer_state = optimizer_direction(
                ActorCritic(policy=policy_gradient, critic=critic_gradient), optimizer_state
            )
            model = ActorCritic(
                policy=descend(model.policy, direction.policy, rates.policy_lr),
                critic=descend(model.critic, direction.critic, rates.critic_lr),
            )
            return (model, optimizer_state), metrics

        carry, metrics = jax.lax.scan(step, carry, length=counts.steps_per_batch)
        return carry, jax.tree.map(lambda values: values[-1], metrics)

    keys = jax.random.split(key, counts.batches)
    (model, _), metrics = jax.lax.scan(on_batch, (model, init_optimizer(model)), keys)
    return model, jax.tree.map(lambda values: values[-1], metrics)


def _imitation_gradient(policy: NetworkParams, side: Side) -> tuple[NetworkParams, Metrics]:
    """Gradient of the mean cross-entropy of the actions of a player."""
    unrolled = networks.unroll(policy, side.acted_on)

    def cross_entropy(logits: jax.Array) -> jax.Array:
        return -jnp.mean(chosen(jax.nn.log_softmax(logits), side.actions))

    value, by_logits = jax.value_and_grad(cross_entropy)(unrolled.outputs)
    gradient = networks.unroll_backward(policy, side.acted_on, unrolled.hidden, by_logits)
    overlap = jnp.minimum(jax.nn.softmax(unrolled.outputs), jax.nn.softmax(side.logits)).sum(axis=-1)
    return gradient, {"model/cross_entropy": value, "model/agreement": overlap.mean()}
