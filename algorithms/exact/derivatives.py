"""What the rules of differentiable games are made of: all players' losses, and their first and second derivatives.

``theta`` is ``[N, d]``, a row of parameters for each player, and ``losses(theta)`` is ``[N]``. In the notation of
Letcher et al. (2019, arXiv:1811.08469): ``xi_i = grad_i L_i`` is the simultaneous gradient, the Hessian ``H`` is its
Jacobian, with block ``(i, j) = grad_j grad_i L_i``, and ``H_o`` is ``H`` without its diagonal blocks. ``H`` is not
symmetric.

Products with these matrices are one forward or one reverse pass; only rules that invert one write it out.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

Losses = Callable[[jax.Array], jax.Array]
"""``losses(theta)``: every player's loss ``[N]`` from all players' parameters ``[N, d]``."""


def gradients(losses: Losses, theta: jax.Array) -> jax.Array:
    """Return the gradient of every loss in every player's parameters, ``[N, N, d]``; entry (i, j) is ``grad_j L_i``."""
    return jax.jacrev(losses)(theta)


def simultaneous_gradient(losses: Losses, theta: jax.Array) -> jax.Array:
    """Return ``xi``, the gradient of each player's loss in its own parameters, ``[N, d]``."""
    players = np.arange(len(theta))
    return gradients(losses, theta)[players, players]


def hessian_product(losses: Losses, theta: jax.Array, vector: jax.Array) -> jax.Array:
    """Return ``H vector``, ``[N, d]``."""
    return jax.jvp(lambda at: simultaneous_gradient(losses, at), (theta,), (vector,))[1]


def transposed_hessian_product(losses: Losses, theta: jax.Array, vector: jax.Array) -> jax.Array:
    """Return ``H^T vector``, ``[N, d]``."""
    return jax.vjp(lambda at: simultaneous_gradient(losses, at), theta)[1](vector)[0]


def hessian(losses: Losses, theta: jax.Array) -> jax.Array:
    """Return ``H`` written out, ``[N d, N d]``, the parameters of player 0 first."""
    return jax.jacfwd(lambda at: simultaneous_gradient(losses, at))(theta).reshape(theta.size, theta.size)


def off_diagonal(matrix: jax.Array, num_players: int) -> jax.Array:
    """Return a matrix ``[N d, N d]`` with the N diagonal blocks set to 0: ``H_o`` from ``H``."""
    owner = np.repeat(np.arange(num_players), len(matrix) // num_players)
    return jnp.where(owner[:, None] == owner, 0, matrix)


def lookahead(losses: Losses, theta: jax.Array, rate: jax.Array) -> jax.Array:
    """Return ``xi_0 = (I - rate H_o) xi``, to first order the gradients after the others' naive steps, ``[N, d]``.

    Zhang and Lesser (2010), in the form of Letcher et al. (2019). The others' steps are constants here.
    """
    xi = simultaneous_gradient(losses, theta)

    def product_of(player: jax.Array) -> jax.Array:
        return hessian_product(losses, theta, xi.at[player].set(0))[player]

    return xi - rate * jax.vmap(product_of)(jnp.arange(len(theta)))


def shaping(losses: Losses, theta: jax.Array) -> jax.Array:
    """Return ``chi``, how each player's loss grows with its influence on the others' naive steps, ``[N, d]``.

    ``chi_i = sum over j != i of (grad_i grad_j L_j)^T grad_j L_i`` (Letcher et al. 2019).
    """
    every = gradients(losses, theta)

    def product_of(player: jax.Array) -> jax.Array:
        return transposed_hessian_product(losses, theta, every[player].at[player].set(0))[player]

    return jax.vmap(product_of)(jnp.arange(len(theta)))


def anticipating_gradient(
    losses: Losses, theta: jax.Array, rate: jax.Array, direction: Callable[[jax.Array], jax.Array]
) -> jax.Array:
    """Return ``grad_i [L_i(theta_i, theta_-i - rate direction(theta)_-i)]`` of every player, ``[N, d]``.

    Args:
        losses: of all players.
        theta: ``[N, d]``.
        rate: step size of the others' imagined steps.
        direction: in which they step; differentiated through.
    """

    def gradient_of(player: jax.Array) -> jax.Array:
        def loss(at: jax.Array) -> jax.Array:
            ahead = at - rate * direction(at)
            return losses(ahead.at[player].set(at[player]))[player]

        return jax.grad(loss)(theta)[player]

    return jax.vmap(gradient_of)(jnp.arange(len(theta)))


def higher_order_lola(losses: Losses, theta: jax.Array, rate: jax.Array, order: int) -> jax.Array:
    """Return the gradients of HOLA, LOLA against LOLA against ... against naive learners, ``[N, d]``.

    ``g^n_i = grad_i [L_i(theta_i, theta_-i - rate g^(n-1)_-i(theta))]``, differentiated through ``g^(n-1)``, with
    ``g^0 = xi`` (Willi et al. 2022, arXiv:2203.04098). Order 1 is LOLA's actual update.

    Args:
        losses: of all players.
        theta: ``[N, d]``.
        rate: step size of the others' imagined steps.
        order: n, at least 0. Each order nests another derivative.
    """
    if order == 0:
        return simultaneous_gradient(losses, theta)
    return anticipating_gradient(losses, theta, rate, lambda at: higher_order_lola(losses, at, rate, order - 1))
