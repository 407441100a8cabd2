"""Weights of LOQA (arXiv:2405.01035) and Advantage Alignment (arXiv:2406.14662), in closed form.

LOQA differentiates, through a magic box, the probability with which an opponent that acts by a softmax of its action
values would repeat what it did. With the learner's advantages ``A1`` held constant, that derivative is an ordinary
policy gradient (player 1 learns, ``T`` steps, ``log p_k`` from `predicted_log_probabilities`):

    sum_t grad log pi1(a_t) * (A1_t + weight * discount * (C_t + goodwill) * A2_t)
    C_0 = 0,  C_{t+1} = discount * decay * C_t + (1 - p_t) / temperature * residual_t

``C_t`` is how well the opponent treated the learner before ``t``, ``A2_t`` what the learner's action at ``t`` is worth
to the opponent. LOQA takes for the residuals ``A1`` itself; Advantage Alignment replaces ``(1 - p_t) / temperature`` by
1; a ``goodwill`` other than 0 is neither. All arrays start with time, ``[T, B]``.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

__all__ = [
    "advantages",
    "expected_values",
    "predicted_log_probabilities",
    "shaping_weights",
    "sums_of_earlier",
    "sums_of_later",
]


def sums_of_later(terms: jax.Array, decay: jax.Array | float) -> jax.Array:
    """Return ``x_t = terms_t + decay * x_{t+1}`` for every ``t``, with nothing after the last step."""
    return _decayed(terms, decay, lambda row, column: column - row)


def sums_of_earlier(terms: jax.Array, decay: jax.Array | float) -> jax.Array:
    """Return ``C_t`` for every ``t``, with ``C_0 = 0`` and ``C_{t+1} = decay * C_t + terms_t``."""
    return _decayed(terms, decay, lambda row, column: row - 1 - column)


def _decayed(terms: jax.Array, decay: jax.Array | float, age: Callable[[jax.Array, jax.Array], jax.Array]) -> jax.Array:
    """Add up ``decay ** age`` times the terms whose age is not negative: one product instead of ``T`` small steps."""
    steps = jnp.arange(terms.shape[0])
    ages = age(steps[:, None], steps)
    powers = jnp.power(jnp.asarray(decay, terms.dtype), jnp.maximum(ages, 0))
    # On a GPU the default would be tensorfloat32, and the sums are differences of large numbers.
    return jnp.matmul(jnp.where(ages >= 0, powers, 0), terms, precision=jax.lax.Precision.HIGHEST)


def expected_values(logits: jax.Array, action_values: jax.Array) -> jax.Array:
    """Return the values of states, ``V = sum_a pi(a) Q(a)``, from ``[..., A]`` logits and action values."""
    return jnp.sum(jax.nn.softmax(logits) * action_values, axis=-1)


def advantages(
    rewards: jax.Array, values: jax.Array, *, discount: jax.Array | float, gae_lambda: jax.Array | float
) -> jax.Array:
    """Generalised advantage estimates; ``gae_lambda`` 0 gives one-step residuals, 1 the return minus the value.

    Args:
        rewards: ``[T, B]``.
        values: ``[T+1, B]``; the last row stands for everything after the last step.
        discount: gamma, scalar.
        gae_lambda: lambda, scalar.

    Returns:
        ``[T, B]``.

    Raises:
        ValueError: if the shapes do not belong together.
    """
    if values.shape != (rewards.shape[0] + 1, *rewards.shape[1:]):
        raise ValueError(f"values must have one row more than rewards {rewards.shape}; given {values.shape}")
    return sums_of_later(rewards + discount * values[1:] - values[:-1], discount * gae_lambda)


def predicted_log_probabilities(
    action_values: jax.Array, actions: jax.Array, returns: jax.Array, *, temperature: jax.Array | float
) -> jax.Array:
    """Return the log-probabilities, by LOQA's model of the opponent, of what the opponent did.

    The model acts by a softmax of action values over ``temperature``; the value of the action that was played is the
    return that followed it.

    Args:
        action_values: the opponent's, ``[T, B, A]``.
        actions: what it played, ``[T, B]``.
        returns: its return from each step on, ``[T, B]``.
        temperature: tau, scalar.

    Returns:
        ``log p``, ``[T, B]``.
    """
    played = jax.nn.one_hot(actions, action_values.shape[-1], dtype=bool)
    model = jax.nn.log_softmax(jnp.where(played, returns[..., None], action_values) / temperature)
    return jnp.sum(jnp.where(played, model, 0), axis=-1)


def shaping_weights(
    residuals: jax.Array,
    opponent_advantages: jax.Array,
    openness: jax.Array | float,
    *,
    weight: jax.Array | float,
    discount: jax.Array | float,
    decay: jax.Array | float,
    goodwill: jax.Array | float = 0.0,
) -> jax.Array:
    """Return what the shaping adds to the weight of each log-probability of the learner; see the module.

    Args:
        residuals: how much better or worse than usual each step was for the learner, ``[T, B]``.
        opponent_advantages: ``A2``, ``[T, B]``.
        openness: what is between 0 and 1 over the temperature: ``(1 - p) / temperature`` in LOQA; 1 in Advantage
            Alignment. ``[T, B]`` or scalar.
        weight: of the shaping beside the learner's own advantage, scalar.
        discount: gamma, scalar.
        decay: how much of an action's influence on the opponent is left after a step, beside the discount, scalar.
        goodwill: added to ``C_t``, scalar.

    Returns:
        ``[T, B]``.

    Raises:
        ValueError: if the shapes differ.
    """
    if residuals.shape != opponent_advantages.shape:
        raise ValueError(
            f"residuals {residuals.shape} and opponent_advantages {opponent_advantages.shape} must have equal shapes"
        )
    past = sums_of_earlier(openness * residuals, discount * decay)
    return weight * discount * (past + goodwill) * opponent_advantages
