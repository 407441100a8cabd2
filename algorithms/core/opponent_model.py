"""A model of the opponent, fitted to its observed play (Zhao et al. 2022, arXiv:2210.10125, section 5.3).

The model is a policy and a critic of the learner's own shape. It learns from real play alone: the opponent's
observations, actions and rewards; never its parameters, values or memory.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..base import Metrics
from . import networks
from .lookahead import ActorCritic, Lookahead, adam_step, chosen, evaluate_critic, init_optimizer
from .networks import NetworkParams
from .rollout import Side, network_of


def fit(key: jax.Array, own: NetworkParams, model: ActorCritic, lookahead: Lookahead) -> tuple[ActorCritic, Metrics]:
    """Fit a model to fresh batches of the real play of both players.

    On every batch it takes steps of Adam on the cross-entropy of the opponent's actions and on the critic's loss for
    the opponent's rewards, whose bootstrap value is the model's own.

    Args:
        key: a typed key, used once.
        own: the learner's policy.
        model: where the fit starts.
        lookahead: the settings, the game and the real opponent, whose play is seen and nothing else.

    Returns:
        The fitted model and, on the last batch before its last step, the cross-entropy in nats and, where the opponent
        is a network, the agreement: the probability mass that model and opponent give to the same actions, 1 where
        they are equal.
    """
    names = ["model/cross_entropy"] + (["model/agreement"] if network_of(lookahead.other.policy) else [])
    structure, coefficients = lookahead.structure, lookahead.coefficients

    def on_batch(carry: tuple[ActorCritic, Any], key: jax.Array) -> tuple[tuple[ActorCritic, Any], Metrics]:
        side = lookahead.sample(key, own, lookahead.other.policy).other

        def step(carry: tuple[ActorCritic, Any], _: None) -> tuple[tuple[ActorCritic, Any], Metrics]:
            model, optimizer_state = carry
            policy_gradient, metrics = _imitation_gradient(model.policy, side)
            critic_gradient = evaluate_critic(model.critic, side, coefficients)[-1]
            gradient = ActorCritic(policy=policy_gradient, critic=critic_gradient)
            gradient, metrics = lookahead.episodes.mean((gradient, metrics))
            return adam_step(
                model, gradient, optimizer_state, coefficients.model_lr, coefficients.model_critic_lr
            ), metrics

        carry, metrics = jax.lax.scan(step, carry, length=structure.model_steps_per_batch)
        return carry, jax.tree.map(lambda values: values[-1], metrics)

    keys = jax.random.split(key, structure.model_batches)
    (model, _), metrics = jax.lax.scan(on_batch, (model, init_optimizer(model)), keys)
    return model, {name: metrics[name][-1] for name in names}


def _imitation_gradient(policy: NetworkParams, side: Side) -> tuple[NetworkParams, Metrics]:
    """Gradient of the mean cross-entropy of the actions of a player."""
    unrolled = networks.unroll(policy, side.acted_on)

    def cross_entropy(logits: jax.Array) -> jax.Array:
        return -jnp.mean(chosen(jax.nn.log_softmax(logits), side.actions))

    value, by_logits = jax.value_and_grad(cross_entropy)(unrolled.outputs)
    gradient = networks.unroll_backward(policy, side.acted_on, unrolled.hidden, by_logits)
    overlap = jnp.minimum(jax.nn.softmax(unrolled.outputs), jax.nn.softmax(side.logits)).sum(axis=-1)
    return gradient, {"model/cross_entropy": value, "model/agreement": overlap.mean()}
