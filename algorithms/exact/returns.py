"""Exact discounted returns of memory-one policies: the value of repeated play as a differentiable formula.

A memory-one policy is the probability of cooperating after each joint action of the step before, and at the start.
Joint actions are numbered with player 0's action as the leading binary digit (0 defect, 1 cooperate), so two players'
states are ``DD, DC, CD, CC, start`` for *both* players. With the start distribution ``p0`` and the transition matrix
``P`` over joint actions, player i's return is ``p0' (I - discount P)^-1 R_i`` (Foerster et al. 2018, LOLA, section 4.1;
Zhao et al. 2022, POLA, appendix B.1).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

STATES = ("DD", "DC", "CD", "CC", "start")
"""Names of the states of a two-player policy, player 0's action first."""

START = 4
"""Position of the start state in a two-player policy."""


@struct.dataclass
class ExactGame:
    """A repeated 2x2 game: everything its exact returns depend on besides the policies."""

    payoffs: jax.Array  # [2, 2, 2] reward of (player, action of player 0, action of player 1)
    discount: jax.Array  # []


def check_discount(discount: float) -> float:
    """Return ``discount``.

    Raises:
        ValueError: if it lies outside [0, 1), where the discounted sum need not exist.
    """
    if not 0 <= discount < 1:
        raise ValueError(f"discount={discount}: a discounted return needs 0 <= discount < 1, such as 0.96")
    return discount


def check_contribution_factor(contribution_factor: float, num_players: int = 2) -> float:
    """Return ``contribution_factor``.

    Raises:
        ValueError: if it lies outside (1, num_players), where the public goods game is no dilemma.
    """
    if not 1 < contribution_factor < num_players:
        raise ValueError(
            f"contribution_factor={contribution_factor} with {num_players} players: the game is a social dilemma only "
            f"for 1 < contribution_factor < {num_players}"
        )
    return contribution_factor


def joint_actions(num_players: int) -> np.ndarray:
    """Return the action of every player in every joint state, ``[2**num_players, num_players]`` of 0 and 1."""
    return np.array(list(np.ndindex(*(2,) * num_players)), dtype=np.int32)


def public_goods_rewards(contribution_factor: float, num_players: int = 2) -> np.ndarray:
    """Return each player's reward in each joint state, ``[num_players, 2**num_players]``.

    ``R_i = f * contributors / n - [i contributed]``. For two players ``.reshape(2, 2, 2)`` makes it the ``payoffs`` of
    an `ExactGame`.

    Raises:
        ValueError: if the contribution factor lies outside (1, num_players).
    """
    check_contribution_factor(contribution_factor, num_players)
    contributed = joint_actions(num_players).T
    rewards: np.ndarray = contribution_factor * contributed.sum(axis=0) / num_players - contributed
    return rewards


def discounted_returns(cooperation: jax.Array, game: ExactGame) -> jax.Array:
    """Return both players' exact discounted returns.

    Args:
        cooperation: probabilities of cooperating ``[2, 5]`` in the states `STATES`.
        game: payoffs and discount.

    Returns:
        The expected ``sum_t discount^t reward_t`` of each player, ``[2]``.
    """
    visits = _discounted_visits(cooperation, game.discount)
    rewards = game.payoffs.reshape(2, 4)
    return sum(visits[state] * rewards[:, state] for state in range(4))  # type: ignore[return-value]


def mean_rewards(cooperation: jax.Array, payoffs: jax.Array, num_steps: int) -> jax.Array:
    """Return both players' expected reward per step over the first ``num_steps`` steps, ``[2]``.

    This is the score that sampled play of that length estimates.

    Args:
        cooperation: probabilities of cooperating ``[2, 5]`` in the states `STATES`.
        payoffs: ``[2, 2, 2]`` as in `ExactGame`.
        num_steps: length of an episode.
    """
    outcomes = jnp.stack([jnp.stack(_outcomes(*cooperation[:, state])) for state in range(5)])  # [5, 4]

    def step(reached: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        return reached @ outcomes[:START], reached

    _, reached = jax.lax.scan(step, outcomes[START], None, length=num_steps)
    return payoffs.reshape(2, 4) @ reached.mean(axis=0)


def social_optimum(game: ExactGame) -> jax.Array:
    """Return the largest mean return per player that fixed play reaches; ``(f - 1) / (1 - discount)`` in the IPD."""
    return game.payoffs.mean(axis=0).max() / (1 - game.discount)


def public_goods_returns(cooperation: jax.Array, contribution_factor: Any, *, discount: Any) -> jax.Array:
    """Return every player's exact discounted return in the n-player public goods game.

    Args:
        cooperation: probabilities of contributing ``[n, 2**n + 1]`` in the joint states of `joint_actions`, then at
            the start.
        contribution_factor: f, in (1, n); checked where it is a number, not under a transformation of JAX.
        discount: in [0, 1); checked likewise.

    Returns:
        ``[n]``.

    Raises:
        ValueError: if the shape is not ``[n, 2**n + 1]``, or a number is outside its range.
    """
    num_players = cooperation.shape[0]
    if cooperation.ndim != 2 or cooperation.shape[1] != 2**num_players + 1:
        raise ValueError(
            f"cooperation has shape {cooperation.shape}: n players need [n, 2**n + 1], one probability for each joint "
            "action and one for the start"
        )
    if not isinstance(contribution_factor, jax.core.Tracer):
        check_contribution_factor(float(contribution_factor), num_players)
    if not isinstance(discount, jax.core.Tracer):
        check_discount(float(discount))
    actions = joint_actions(num_players).astype(bool)
    chosen = jnp.where(actions[:, :, None], cooperation, 1 - cooperation)  # [next state, n, state]
    outcomes = chosen.prod(axis=1).T  # [state, next state]
    visits = jnp.linalg.solve(jnp.eye(2**num_players) - discount * outcomes[:-1].T, outcomes[-1])
    contributed = actions.T.astype(visits.dtype)
    return (contribution_factor * contributed.sum(axis=0) / num_players - contributed) @ visits


def _outcomes(cooperate_0: jax.Array, cooperate_1: jax.Array) -> list[jax.Array]:
    """Return the probabilities of the joint actions DD, DC, CD, CC."""
    defect_0, defect_1 = 1 - cooperate_0, 1 - cooperate_1
    return [defect_0 * defect_1, defect_0 * cooperate_1, cooperate_0 * defect_1, cooperate_0 * cooperate_1]


def _discounted_visits(cooperation: jax.Array, discount: jax.Array) -> list[jax.Array]:
    """Return the expected discounted number of visits to each joint action, ``(I - discount P')^-1 p0``.

    The elimination is written out in scalars: mapped over runs, each scalar is one contiguous vector, which a CPU
    works through an order of magnitude faster than a batch of library solves. The matrix is strictly diagonally
    dominant by columns for a discount below 1, so no pivoting is needed.
    """
    size = 4
    rows = [_outcomes(cooperation[0, state], cooperation[1, state]) for state in range(size)]
    matrix = [[(row == column) - discount * rows[column][row] for column in range(size)] for row in range(size)]
    visits = _outcomes(cooperation[0, START], cooperation[1, START])
    for pivot in range(size):
        scale = 1 / matrix[pivot][pivot]
        for row in range(pivot + 1, size):
            factor = matrix[row][pivot] * scale
            visits[row] = visits[row] - factor * visits[pivot]
            for column in range(pivot + 1, size):
                matrix[row][column] = matrix[row][column] - factor * matrix[pivot][column]
    for row in reversed(range(size)):
        known = sum(matrix[row][column] * visits[column] for column in range(row + 1, size))
        visits[row] = (visits[row] - known) / matrix[row][row]
    return visits
