"""Play a whole tournament: compiled players in one program, the others pair by pair, and one table of what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .arena import play_everyone
from .entrants import Entrant, Field
from .python_matches import play_pair
from .records import Played


def play_all(
    key: jax.Array,
    field: Field,
    entrants: Sequence[Entrant],
    *,
    episodes: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Played:
    """Play every ordered pair of players, each against itself too.

    Args:
        key: a typed key.
        field: the game.
        entrants: P players of any kind.
        episodes: of each ordered pair.
        progress: told how many pairs of players in ordinary Python are done, and of how many.

    Returns:
        What happened.
    """
    compiled = [index for index, each in enumerate(entrants) if each.compiled]
    together = None
    if compiled:
        chosen = [entrants[index] for index in compiled]
        together = play_everyone(jax.random.fold_in(key, 0), field.game, field.params, chosen, episodes=episodes)
        if len(compiled) == len(entrants):
            return together
    apart = [
        (row, column)
        for row in range(len(entrants))
        for column in range(len(entrants))
        if not (entrants[row].compiled and entrants[column].compiled)
    ]
    table: dict[tuple[int, int], Played] = {}
    for number, (row, column) in enumerate(apart):
        progress(number, len(apart))
        policies = [entrants[row].policies[0], entrants[column].policies[1]]
        pair_key = jax.random.fold_in(key, 1 + number)
        table[row, column] = play_pair(pair_key, field.game, field.params, policies, episodes=episodes)
    return _assemble(together, compiled, table, len(entrants))


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
