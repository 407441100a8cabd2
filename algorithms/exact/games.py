"""Differentiable games that are given by their losses, with the usual ones to test learning rules on.

Such a game is not an environment: nothing is observed and there are no actions, so that strategies, episodes and views
mean nothing in it. Each player chooses ``d`` real numbers, and pays a loss that depends on everybody's. A rule takes it
where it takes an environment: ``polax.make_algorithm("sos-exact", games.TANDEM, None)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from .returns import check_contribution_factor, check_discount, public_goods_returns


@dataclass(frozen=True)
class DifferentiableGame:
    """A game of N players, given by their losses. Hashable by value where ``losses`` is.

    Every player has the same number of parameters; give those that need fewer some that no loss reads.

    Raises:
        ValueError: if ``losses`` does not turn ``[num_players, num_parameters]`` into ``[num_players]``.
    """

    name: str
    losses: Callable[[jax.Array], jax.Array]
    """``losses(theta)``: ``[num_players]`` from ``[num_players, num_parameters]``, differentiable twice."""
    num_players: int = 2
    num_parameters: int = 1

    def __post_init__(self) -> None:
        shape = (self.num_players, self.num_parameters)
        found = getattr(jax.eval_shape(self.losses, jax.ShapeDtypeStruct(shape, jnp.float32)), "shape", None)
        if found != (self.num_players,):
            raise ValueError(
                f"the losses of {self.name} have shape {found}: {self.num_players} players need ({self.num_players},), "
                f"one loss for each, from parameters of shape {shape}"
            )


@dataclass(frozen=True)
class OneShot:
    """The losses of a 2x2 game that is played once; each player's parameter is the logit of its action 0."""

    payoffs: tuple[tuple[tuple[float, float], ...], ...]
    """``[player][action of player 0][action of player 1]``."""

    def __call__(self, theta: jax.Array) -> jax.Array:
        """Return the negative expected payoffs ``[2]`` from logits ``[2, 1]``."""
        first, second = (jnp.stack([jax.nn.sigmoid(logit), jax.nn.sigmoid(-logit)]) for logit in theta[:, 0])
        return -jnp.einsum("iab,a,b->i", jnp.asarray(self.payoffs), first, second, precision="highest")


@dataclass(frozen=True)
class PublicGoods:
    """The losses of the repeated public goods game of memory-one policies, for any number of players.

    Raises:
        ValueError: if the contribution factor or the discount is out of range.
    """

    num_players: int
    contribution_factor: float
    discount: float

    def __post_init__(self) -> None:
        check_contribution_factor(self.contribution_factor, self.num_players)
        check_discount(self.discount)

    def __call__(self, theta: jax.Array) -> jax.Array:
        """Return the negative discounted returns ``[N]`` from logits of contributing ``[N, 2**N + 1]``."""
        return -public_goods_returns(jax.nn.sigmoid(theta), self.contribution_factor, discount=self.discount)


def public_goods(num_players: int, contribution_factor: float, *, discount: float = 0.96) -> DifferentiableGame:
    """Return the repeated public goods game of N players with tabular memory-one policies.

    Args:
        num_players: N.
        contribution_factor: f, above 1 and below N.
        discount: per step, at least 0 and below 1.
    """
    losses = PublicGoods(num_players, contribution_factor, discount)
    return DifferentiableGame(f"public goods of {num_players}", losses, num_players, 2**num_players + 1)


def _tandem(theta: jax.Array) -> jax.Array:
    return theta.sum() ** 2 - 2 * theta[:, 0]


def _hamiltonian(theta: jax.Array) -> jax.Array:
    return jnp.array([1, -1]) * theta.prod()


def _balduzzi(theta: jax.Array) -> jax.Array:
    return theta[:, 0] ** 2 / 2 + jnp.array([10, -10]) * theta.prod()


def _ultimatum(theta: jax.Array) -> jax.Array:
    fair, accept = jax.nn.sigmoid(theta[:, 0])
    return -jnp.stack([5 * fair + 8 * (1 - fair) * accept, 5 * fair + 2 * (1 - fair) * accept])


TANDEM = DifferentiableGame("tandem", _tandem)
"""Two cyclists: ``(x + y)^2 - 2 x`` and ``(x + y)^2 - 2 y`` (Letcher et al. 2019).

Every point of x + y = 1 is a stable fixed point of the simultaneous gradient, with the mean loss 0.
"""

HAMILTONIAN = DifferentiableGame("hamiltonian", _hamiltonian)
"""``x y`` and ``-x y``: naive learning circles around the only fixed point 0 and leaves it (Balduzzi et al. 2018)."""

BALDUZZI = DifferentiableGame("balduzzi", _balduzzi)
"""``x^2 / 2 + 10 x y`` and ``y^2 / 2 - 10 x y``: weak attraction to 0, strong rotation (Balduzzi et al. 2018)."""

ULTIMATUM = DifferentiableGame("ultimatum", _ultimatum)
"""Player 0 proposes a fair split of 10 or keeps 8, player 1 accepts that or not (Willi et al. 2022)."""

MATCHING_PENNIES = DifferentiableGame("matching-pennies", OneShot((((1, -1), (-1, 1)), ((-1, 1), (1, -1)))))
"""Played once; action 0 is heads, and player 0 wins when the coins match."""

STAG_HUNT = DifferentiableGame("stag-hunt", OneShot((((4, 1), (3, 2)), ((4, 3), (1, 2)))))
"""Played once; action 0 is the stag, with the payoffs of the environment ``StagHunt-v0``."""

CHICKEN = DifferentiableGame("chicken", OneShot((((0, -1), (1, -100)), ((0, 1), (-1, -100)))))
"""Played once; action 0 swerves, and a crash costs both 100 (Willi et al. 2022)."""

TEST_BENCH = {
    game.name: game for game in (TANDEM, HAMILTONIAN, BALDUZZI, ULTIMATUM, MATCHING_PENNIES, STAG_HUNT, CHICKEN)
}
"""The usual games to test learning rules on, by name."""
