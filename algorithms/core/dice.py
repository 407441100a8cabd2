"""Estimators on recorded trajectories: advantages, DiCE and Loaded DiCE losses, critic loss, KL divergence.

All arrays start with the time axis, ``[T, B]``: ``T`` steps of ``B`` episodes. The losses take
log-probabilities and are exact functions of them, so that derivatives of any order of the loss are the
estimators the papers define.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

Scalar = jax.Array | float
"""A number, inside a compiled function or outside."""


def generalized_advantages(
    rewards: jax.Array,
    values: jax.Array,
    last_value: jax.Array,
    *,
    discount: Scalar,
    gae_lambda: Scalar,
) -> jax.Array:
    """Generalised advantage estimates (Schulman et al. 2016, arXiv:1506.02438, equation 16).

    ``A_t = delta_t + discount * gae_lambda * A_{t+1}`` with ``delta_t = r_t + discount * v_{t+1} - v_t``.

    Args:
        rewards: ``[T, B]``.
        values: critic's values of the observations, ``[T, B]``.
        last_value: critic's value of the observation after the last step, ``[B]``.
        discount: gamma, scalar.
        gae_lambda: lambda, scalar; 1 gives the discounted return minus the value.

    Returns:
        Advantages ``[T, B]``.

    Raises:
        ValueError: if the shapes do not match.
    """
    _check_same_shape(rewards=rewards, values=values)
    _check_last(last_value, rewards)
    next_values = jnp.concatenate([values[1:], last_value[None]])
    deltas = rewards + discount * next_values - values
    return _discounted_sums(deltas, jnp.zeros_like(last_value), discount * gae_lambda)


def loaded_dice_loss(
    log_probs_self: jax.Array,
    log_probs_other: jax.Array,
    advantages: jax.Array,
    *,
    discount: Scalar,
    dice_lambda: Scalar = 1.0,
) -> jax.Array:
    """Loaded DiCE loss of one player (Farquhar et al. 2019, arXiv:1909.10549, equation 9).

    ``- mean_b sum_t discount^t A_t (box(S_t) - box(S_t - n_t))`` where ``n_t`` is the sum of both players'
    log-probabilities at ``t``, ``S_t = n_t + dice_lambda * S_{t-1}`` and ``box(x) = exp(x - stop_gradient(x))``. Its
    value is zero; with ``dice_lambda`` 1 its derivatives of every order estimate those of the expected return. Less
    than 1 leaves the first derivative as it is and makes higher ones forget that an action changed what happens much
    later (the paper's discounting of distant causal dependencies): a bias, for a variance that stops growing with the
    episode's length.

    Args:
        log_probs_self: the player's log-probabilities of its own actions, ``[T, B]``.
        log_probs_other: the opponent's, ``[T, B]``.
        advantages: the player's advantages, ``[T, B]``; treated as constants.
        discount: gamma, scalar.
        dice_lambda: share of an action's influence on later ones that is left after each step, scalar.

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: if the shapes differ.
    """
    _check_same_shape(log_probs_self=log_probs_self, log_probs_other=log_probs_other, advantages=advantages)
    log_probs = log_probs_self + log_probs_other
    sums = _decayed_sums(log_probs, dice_lambda)
    weights = _discounts(advantages, discount) * jax.lax.stop_gradient(advantages)
    return -jnp.mean(jnp.sum(weights * (_magic_box(sums) - _magic_box(sums - log_probs)), axis=0))


def dice_loss(
    log_probs_self: jax.Array, log_probs_other: jax.Array, rewards: jax.Array, *, discount: Scalar
) -> jax.Array:
    """DiCE loss of one player, without a baseline (Foerster et al. 2018, arXiv:1802.05098, equation 9).

    ``- mean_b sum_t discount^t r_t box(S_t)``, with `loaded_dice_loss`'s notation.

    Args:
        log_probs_self: the player's log-probabilities of its own actions, ``[T, B]``.
        log_probs_other: the opponent's, ``[T, B]``.
        rewards: the player's rewards, ``[T, B]``.
        discount: gamma, scalar.

    Returns:
        The loss, a scalar; its value is minus the mean discounted return.

    Raises:
        ValueError: if the shapes differ.
    """
    _check_same_shape(log_probs_self=log_probs_self, log_probs_other=log_probs_other, rewards=rewards)
    boxes = _magic_box(jnp.cumsum(log_probs_self + log_probs_other, axis=0))
    return -jnp.mean(jnp.sum(_discounts(rewards, discount) * rewards * boxes, axis=0))


def critic_loss(rewards: jax.Array, values: jax.Array, last_value: jax.Array, *, discount: Scalar) -> jax.Array:
    """Squared error of the critic against the discounted return that follows.

    ``mean_b sum_t (G_t - v_t)^2`` with ``G_t = r_t + discount * G_{t+1}`` and ``G_T = v_T``; the target is a constant
    for derivatives.

    Args:
        rewards: ``[T, B]``.
        values: critic's values of the observations, ``[T, B]``.
        last_value: critic's value of the observation after the last step, ``[B]``.
        discount: gamma, scalar.

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: if the shapes do not match.
    """
    _check_same_shape(rewards=rewards, values=values)
    _check_last(last_value, rewards)
    targets = jax.lax.stop_gradient(_discounted_sums(rewards, last_value, discount))
    return jnp.mean(jnp.sum(jnp.square(targets - values), axis=0))


def kl_divergence(reference_log_probs: jax.Array, log_probs: jax.Array) -> jax.Array:
    """Mean over time and batch of ``KL(reference || current)`` between action distributions.

    Args:
        reference_log_probs: ``[T, B, A]``.
        log_probs: ``[T, B, A]``. Swap the two arguments for the reverse direction.

    Returns:
        The divergence in nats, a scalar.

    Raises:
        ValueError: if the shapes differ.
    """
    _check_same_shape(reference_log_probs=reference_log_probs, log_probs=log_probs)
    per_step = jnp.sum(jnp.exp(reference_log_probs) * (reference_log_probs - log_probs), axis=-1)
    return jnp.mean(per_step)


def entropy(log_probs: jax.Array) -> jax.Array:
    """Mean over time and batch of the entropy of action distributions ``[T, B, A]``, in nats; a scalar."""
    return -jnp.mean(jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1))


def _magic_box(sums: jax.Array) -> jax.Array:
    """Ones whose derivatives are those of the sums of log-probabilities."""
    return jnp.exp(sums - jax.lax.stop_gradient(sums))


def _decayed_sums(terms: jax.Array, decay: Scalar) -> jax.Array:
    """``S_t = terms_t + decay * S_{t-1}`` for every ``t``, as one product: its derivatives are products too."""
    steps = jnp.arange(terms.shape[0])
    ages = steps[:, None] - steps
    weights = jnp.power(jnp.asarray(decay, terms.dtype), jnp.maximum(ages, 0))
    return jnp.where(ages >= 0, weights, 0) @ terms


def _discounts(like: jax.Array, discount: Scalar) -> jax.Array:
    """``discount^t``, ``[T, 1]``, in the precision of ``like``."""
    return jnp.power(jnp.asarray(discount, like.dtype), jnp.arange(like.shape[0], dtype=like.dtype))[:, None]


def _discounted_sums(terms: jax.Array, last: jax.Array, discount: Scalar) -> jax.Array:
    """``x_t = terms_t + discount * x_{t+1}`` with ``x_T = last``, for every ``t``."""

    def backwards(following: jax.Array, term: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = term + discount * following
        return total, total

    return jax.lax.scan(backwards, last, terms, reverse=True)[1]


def _check_same_shape(**arrays: jax.Array) -> None:
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"arrays of one batch must have equal shapes, given {given}")


def _check_last(last_value: jax.Array, rewards: jax.Array) -> None:
    if last_value.shape != rewards.shape[1:]:
        raise ValueError(
            f"last_value must have shape {rewards.shape[1:]} (rewards without time), given {last_value.shape}"
        )
