"""Who plays as whom: one set of parameters as all players or one for each, against the present or against the past.

Shared by the learners in self-play and by those with a lookahead.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import jax
import numpy as np

from ...envs.base import Game
from ...options import check_choice
from ..base import Metrics

__all__ = ["Opponents", "Players", "by_learner", "check_players", "check_two", "each_player", "number_of_learners"]

Opponents = Annotated[Literal["past", "current"], partial(check_choice, allowed=("past", "current"))]
Players = Annotated[Literal["shared", "two"], partial(check_choice, allowed=("shared", "two"))]


def number_of_learners(players: str, num_players: int) -> int:
    """Return how many sets of parameters learn."""
    return 1 if players == "shared" else num_players


def check_two(env: Game[Any, Any], what: str) -> None:
    """Raise ValueError where a game has more than two players, for ``what`` there is no rule then."""
    if env.num_players > 2:
        raise ValueError(f"{what} is for two players; {env.name} has {env.num_players}")


def check_players(env: Game[Any, Any], params: Any, players: str) -> None:
    """Check that a game suits a learner.

    Args:
        env: the game.
        params: its params.
        players: ``shared`` or ``two``.

    Raises:
        ValueError: it has one player or, for one set of parameters, is not the same game for all.
    """
    if env.num_players < 2:
        raise ValueError(f"this learner needs an opponent; {env.name} has one player")
    if players == "two":
        return
    if env.observation_layout == "shared":
        raise ValueError(
            f"self-play needs {env.name} with observation_layout egocentric: with shared ones a player cannot tell "
            "which of them it is"
        )
    if not env.is_symmetric(params):
        raise ValueError(f"self-play needs a game with the same payoffs for all players, which {env.name} is not")


def by_learner(metrics: Metrics) -> Metrics:
    """Name metrics ``[learners]`` one by one: several learners' by the player, a single one's as they are called."""
    named = {name: list(values) for name, values in metrics.items()}
    return {
        f"{name}/player_{index}" if len(values) > 1 else name: value
        for name, values in named.items()
        for index, value in enumerate(values)
    }


def each_player(learners: Any, num_players: int) -> tuple[Any, ...]:
    """Return what each player has, given leaves ``[1, ...]`` or ``[N, ...]``; one learner is all of them."""
    count = jax.tree.leaves(learners)[0].shape[0]
    return tuple(jax.tree.map(lambda leaf, i=i: leaf[i % count], learners) for i in range(num_players))


def of_the_others(learners: Any, num_players: int) -> Any:
    """Return what the other players of each learner have, in turn order after it.

    Args:
        learners: leaves ``[1, ...]`` or ``[N, ...]``.
        num_players: N.

    Returns:
        Leaves ``[1, ...]`` or ``[N, ...]`` of two players, and ``[learners, N - 1, ...]`` of more.
    """
    if num_players == 2:
        return jax.tree.map(lambda leaf: leaf[::-1], learners)
    count = jax.tree.leaves(learners)[0].shape[0]
    others = (np.arange(count)[:, None] + np.arange(1, num_players)) % count
    return jax.tree.map(lambda leaf: leaf[others], learners)
