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


def check_discount(discount: float) -> None:
    """Raise ValueError for a discount outside [0, 1), where the discounted sum need not exist."""
    if not 0 <= discount < 1:
        raise ValueError(f"discount={discount}: a discounted return needs 0 <= discount < 1, such as 0.96")


def check_contribution_factor(contribution_factor: float, num_players: int = 2) -> None:
    """Raise ValueError for a factor outside (1, num_players), where the public goods game is not a dilemma."""
    if not 1 < contribution_factor < num_players:
        raise ValueError(
            f"contribution_factor={contribution_factor} with {num_players} players: the game is a social dilemma only "
            f"for 1 < contribution_factor < {num_players}"
        )


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
    outcomes = _outcomes(cooperation[0], cooperation[1])  # [4, 5]
    visits = _solve(jnp.eye(START) - game.discount * outcomes[:, :START], outcomes[:, START])
    return _matvec(game.payoffs.reshape(2, 4), visits)


def mean_rewards(cooperation: jax.Array, payoffs: jax.Array, num_steps: int) -> jax.Array:
    """Return both players' expected reward per step over the first ``num_steps`` steps, ``[2]``.

    This is the score that sampled play of that length estimates.

    Args:
        cooperation: probabilities of cooperating ``[2, 5]`` in the states `STATES`.
        payoffs: ``[2, 2, 2]`` as in `ExactGame`.
        num_steps: length of an episode.
    """
    outcomes = _outcomes(cooperation[0], cooperation[1])

    def step(reached: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        return _matvec(outcomes[:, :START], reached), reached

    _, reached = jax.lax.scan(step, outcomes[:, START], None, length=num_steps)
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
    visits = discounted_visits(cooperation, discount)
    contributed = joint_actions(num_players).T.astype(visits.dtype)
    return (contribution_factor * contributed.sum(axis=0) / num_players - contributed) @ visits


def discounted_visits(cooperation: jax.Array, discount: Any) -> jax.Array:
    """Return how often each joint action is played, discounted: ``(I - discount P^T)^-1 p0``, ``[2**n]``."""
    count = cooperation.shape[0]
    actions = joint_actions(count).astype(bool)
    chosen = jnp.where(actions[:, :, None], cooperation, 1 - cooperation)  # [next joint action, player, state]
    outcomes = chosen.prod(axis=1).T  # [state, next joint action]
    return jnp.linalg.solve(jnp.eye(2**count) - discount * outcomes[:-1].T, outcomes[-1])


def _outcomes(cooperate_0: jax.Array, cooperate_1: jax.Array) -> jax.Array:
    """Return the probabilities of the joint actions DD, DC, CD, CC ``[4, 5]`` in each state ``[5]``."""
    defect_0, defect_1 = 1 - cooperate_0, 1 - cooperate_1
    return jnp.stack([defect_0 * defect_1, defect_0 * cooperate_1, cooperate_0 * defect_1, cooperate_0 * cooperate_1])


def _matvec(matrix: jax.Array, vector: jax.Array) -> jax.Array:
    # Multiplied and summed rather than `@`: for so few entries it is as fast, and no accelerator rounds its factors.
    return jnp.sum(matrix * vector, axis=-1)


def _solve(matrix: jax.Array, right_side: jax.Array) -> jax.Array:
    """Solve ``matrix x = right_side`` for 4 unknowns, differentiable any number of times.

    The inverse is written out in scalars and found once; every derivative is a product with it. Mapped over runs that
    takes a tenth of the time of a batch of library solves, and differentiating it makes small programs.
    """
    inverse = _inverse(jax.lax.stop_gradient(matrix))
    solution: jax.Array = jax.lax.custom_linear_solve(
        lambda vector: _matvec(matrix, vector),
        right_side,
        lambda _, vector: _matvec(inverse, vector),
        lambda _, vector: _matvec(inverse.T, vector),
    )
    return solution


def _inverse(matrix: jax.Array) -> jax.Array:
    """Return the inverse ``[4, 4]``, by the 2x2 minors of the upper and of the lower two rows (Laplace)."""
    a = [[matrix[row, column] for column in range(4)] for row in range(4)]
    upper = {(i, j): a[0][i] * a[1][j] - a[0][j] * a[1][i] for i, j in _PAIRS}
    lower = {(i, j): a[2][i] * a[3][j] - a[2][j] * a[3][i] for i, j in _PAIRS}
    determinant = sum(sign * upper[pair] * lower[rest] for sign, pair, rest in _COMPLEMENTS)
    scale = 1 / determinant
    rows = []
    for column in range(4):
        others = [each for each in range(4) if each != column]
        cofactors = [_expand(a[1 - row], lower, others) for row in (0, 1)]
        cofactors += [_expand(a[5 - row], upper, others) for row in (2, 3)]
        rows.append([(-1) ** (row + column) * cofactor * scale for row, cofactor in enumerate(cofactors)])
    return jnp.stack([jnp.stack(row) for row in rows])


def _expand(row: list[jax.Array], minors: dict[tuple[int, int], jax.Array], columns: list[int]) -> jax.Array:
    """Return the 3x3 determinant of a row and the two rows of ``minors``, over three columns."""
    i, j, k = columns
    return row[i] * minors[j, k] - row[j] * minors[i, k] + row[k] * minors[i, j]


_PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
_COMPLEMENTS = tuple(zip((1, -1, 1, 1, -1, 1), _PAIRS, _PAIRS[::-1], strict=True))
"""Sign, columns of the upper minor and of the lower one in Laplace's expansion of a 4x4 determinant."""
