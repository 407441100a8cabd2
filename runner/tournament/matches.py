"""Play a whole tournament: compiled players in one program, the others pair by pair, and one table of what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...envs.base import Policy
from ...envs.policies.python_play import for_python, play_episodes_in_python
from ...options import OptionError
from .arena import parts_of, play_everyone
from .line_up import LineUp, Participant
from .records import Played, Tally, whole


def play_all(
    key: jax.Array,
    line_up: LineUp,
    participants: Sequence[Participant],
    *,
    episodes: int,
    watched: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Played:
    """Play every ordered pair of players, each against itself too.

    Args:
        key: a typed key.
        line_up: the game.
        participants: P players of any kind.
        episodes: of each ordered pair.
        watched: whether more than the rewards is wanted.
        progress: told how many parts are done, and of how many: a pair with a player in ordinary Python is one.

    Returns:
        What happened.

    Raises:
        OptionError: a game of another number of players.
    """
    if line_up.game.num_players != 2:
        raise OptionError(
            f"every ordered pair is played in games of two players; {line_up.env} has {line_up.game.num_players}: "
            "polax tournament plays line-ups of them"
        )
    count = len(participants)
    compiled = [index for index, each in enumerate(participants) if each.compiled]
    apart = [
        (row, column)
        for row in range(count)
        for column in range(count)
        if not (participants[row].compiled and participants[column].compiled)
    ]
    parts = parts_of(len(compiled), episodes)[0] if compiled else 0
    total = parts + len(apart)
    together = None
    if compiled:
        together = play_everyone(
            jax.random.fold_in(key, 0),
            line_up.game,
            line_up.params,
            [participants[index] for index in compiled],
            episodes=episodes,
            watched=watched,
            progress=lambda done: progress(done, total),
        )
        if not apart:
            return together
    table: dict[tuple[int, int], Played] = {}
    for number, (row, column) in enumerate(apart):
        policies = [participants[row].policies[0], participants[column].policies[1]]
        pair_key = jax.random.fold_in(key, 1 + number)
        table[row, column] = _play_pair(pair_key, line_up, policies, episodes, watched=watched)
        progress(parts + number + 1, total)
    return _assemble(together, compiled, table, count)


def _play_pair(key: jax.Array, line_up: LineUp, policies: Sequence[Policy], episodes: int, *, watched: bool) -> Played:
    """Play one ordered pair in ordinary Python; every array has two leading axes of length 1 for the players."""
    tally, game = Tally(1, episodes, watched), line_up.game
    players, known = [for_python(policy) for policy in policies], tally.start(game, jnp.ones(episodes))
    played = play_episodes_in_python(key, game, line_up.params, players, tally, known=known, num_envs=episodes)
    return whole([jax.tree.map(np.asarray, tally.result(played))], episodes)


def _assemble(
    together: Played | None, compiled: Sequence[int], apart: dict[tuple[int, int], Played], count: int
) -> Played:
    """Put what was played together and apart into one table of ``count`` players."""
    like = next(iter(apart.values()))
    whole: Played = jax.tree.map(lambda leaf: np.zeros((count, count, *leaf.shape[2:]), leaf.dtype), like)

    def fill(place: Any, source: Played) -> None:
        jax.tree.map(lambda target, leaf: target.__setitem__(place, leaf), whole, source)

    if together is not None:
        fill(np.ix_(compiled, compiled), together)
    for (row, column), played in apart.items():
        fill(np.ix_([row], [column]), played)
    return whole
