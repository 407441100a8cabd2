"""How trials are chosen: all at once, from a grid or at random. `optuna_search` has the search that learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .plan import GRID, OPTUNA, Trial
from .plan import Protocol as Asked
from .space import Space, combinations, corners, ranges
from .together import Judge

if TYPE_CHECKING:
    from .optuna_search import OptunaSearch


class Search(Protocol):
    """Chooses trials, round by round, and may learn from what became of them."""

    room: int
    """For how many trials its programs are made at least; where their number differs, they are compiled once."""

    def next_round(self) -> list[Trial]:
        """Return the trials to train next, those of an interrupted round again; none at the end."""
        ...

    def tell(self, row: Mapping[str, Any]) -> None:
        """Note what became of a trial, as ``trials.json`` has it."""
        ...


class Drawn:
    """Trials that are known before the first one begins: one round.

    Args:
        asked: what was asked for.
        space: what is varied.
    """

    def __init__(self, asked: Asked, space: Space) -> None:
        self.room = 1
        self._left = draw_trials(asked, space)

    def next_round(self) -> list[Trial]:
        """Return all trials, once."""
        trials, self._left = self._left, []
        return trials

    def tell(self, row: Mapping[str, Any]) -> None:
        """Learn nothing."""
        del row


def known_trials(asked: Asked, space: Space) -> list[Trial]:
    """Return the trials that are known before the first one begins; of a search that learns, an example."""
    if asked.search == OPTUNA:
        _optuna_search()  # raises where Optuna is not installed
        return [Trial(0, next(corners(space)))]
    return draw_trials(asked, space)


def draw_trials(asked: Asked, space: Space) -> list[Trial]:
    """Return the trials of a grid, in its order, or at random.

    At random, the combinations of the listed values take turns in an order that is drawn, so each has an equal share of
    the trials; from ranges, each trial draws its own numbers. A trial depends on the search's seed and on its number,
    not on how many there are.
    """
    listed = combinations(space)
    if asked.search == GRID:
        return [Trial(number, values) for number, values in enumerate(listed)]
    turns = np.random.default_rng(asked.search_seed).permutation(len(listed))
    trials = []
    for number in range(asked.trials):
        rng = np.random.default_rng([asked.search_seed, number])
        drawn = {name: axis.draw(rng) for name, axis in ranges(space).items()}
        chosen = {**listed[turns[number % len(listed)]], **drawn}
        trials.append(Trial(number, {name: chosen[name] for name in space}))
    return trials


def make_search(asked: Asked, space: Space, folder: Path) -> Search:
    """Return the search that was asked for.

    Args:
        asked: what was asked for.
        space: what is varied.
        folder: of the sweep, where a search that learns keeps what it knows.
    """
    if asked.search == OPTUNA:
        return _optuna_search()(asked, space, folder)
    return Drawn(asked, space)


def make_judge(asked: Asked, space: Space, folder: Path, trials: Sequence[Trial]) -> Judge | None:
    """Return who stops some trials before their end, at a few updates; None: nobody.

    Args:
        asked: what was asked for.
        space: what is varied.
        folder: of the sweep.
        trials: of one program.
    """
    return _optuna_search()(asked, space, folder).judge(trials) if asked.search == OPTUNA else None


def _optuna_search() -> type[OptunaSearch]:
    from .optuna_search import OptunaSearch

    return OptunaSearch
