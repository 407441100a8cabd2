"""Who plays as whom: one set of parameters as both players or two sets, against the present or against the past.

Shared by the learners in self-play and by those with a lookahead.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import jax

from ...envs.base import Game
from ...options import check_choice
from ..base import Metrics

__all__ = ["Opponents", "Players", "by_learner", "check_players", "each_player", "number_of_learners"]

Opponents = Annotated[Literal["past", "current"], partial(check_choice, allowed=("past", "current"))]
Players = Annotated[Literal["shared", "two"], partial(check_choice, allowed=("shared", "two"))]


def number_of_learners(players: str) -> int:
    """Return how many sets of parameters learn."""
    return 1 if players == "shared" else 2


def check_players(env: Game[Any, Any], params: Any, players: str) -> None:
    """Check that a game suits learners of two players.

    Args:
        env: the game.
        params: its params.
        players: ``shared`` or ``two``.

    Raises:
        ValueError: it has more players or, for one set of parameters, is not the same game for both.
    """
    if env.num_players != 2:
        raise ValueError(f"this learner is for two players; {env.name} has {env.num_players}")
    if players == "two":
        return
    if env.observation_layout == "shared":
        raise ValueError(
            f"self-play needs {env.name} with observation_layout egocentric: with shared ones a player cannot tell "
            "which of the two it is"
        )
    if not env.is_symmetric(params):
        raise ValueError(f"self-play needs a game with the same payoffs for both players, which {env.name} is not")


def by_learner(metrics: Metrics) -> Metrics:
    """Name metrics ``[1 or 2]`` one by one: two learners' by the player, a single one's as they are called."""
    named = {name: list(values) for name, values in metrics.items()}
    return {
        f"{name}/player_{index}" if len(values) > 1 else name: value
        for name, values in named.items()
        for index, value in enumerate(values)
    }


def each_player(learners: Any) -> tuple[Any, Any]:
    """Return what each of the two players has, given leaves ``[1, ...]`` or ``[2, ...]``; one learner is both."""
    count = jax.tree.leaves(learners)[0].shape[0]
    first, second = (jax.tree.map(lambda leaf, i=i: leaf[i % count], learners) for i in (0, 1))
    return first, second
