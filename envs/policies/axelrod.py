"""Strategies of the Axelrod library (Knight et al.) as players of the matrix games.

The library (https://axelrod.readthedocs.io) has more than two hundred strategies for the iterated prisoner's dilemma.
Each is a Python object with a history of its own, so it plays in ordinary Python, one object an episode, beside
whatever is compiled. Needs the extra ``axelrod``.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...options import MissingExtraError, OptionError
from ..base import Game
from ..matrix_game import START


class Episode:
    """One strategy in one episode; both players keep the history and change from step to step."""

    def __init__(self, player: Any, other: Any) -> None:
        self.player = player
        self.other = other
        """A stand-in for the opponent, with the opponent's history."""
        self.started = False


class AxelrodStrategy:
    """A strategy of the Axelrod library as a player of a matrix game; a `Policy` of ordinary Python.

    To cooperate is action 1 here. As in a match of the library's own, the strategy is told the number of rounds and
    the library's usual payoffs (3, 0, 5, 1), whatever the game's are: many strategies have been tuned for these, and
    some cannot do with others. What it remembers is kept in objects that `act` changes: a memory serves one episode.

    Args:
        strategy: a player of the library; each episode has its own clone.
        game: a matrix game whose action 1 is to cooperate.
        params: its params.
        player: which player it is to be.

    Raises:
        OptionError: another kind of game, or a strategy that needs its opponent's source or state.
    """

    def __init__(self, strategy: Any, game: Game[Any, Any], params: Any, *, player: int) -> None:
        self._axelrod = load_axelrod()
        classifiers = self._axelrod.Classifiers
        if game.num_actions != 2 or game.cooperative_action != 1 or game.observation_space(None).shape != (2, 6):
            raise OptionError(
                "strategies of the Axelrod library play matrix games of two players with a dilemma; "
                f"{game.name} with {game.num_players} players is no such game"
            )
        if not classifiers.obey_axelrod(strategy):
            raise OptionError(
                f"axelrod:{strategy.name} looks into its opponent, or changes it, which is not possible here"
            )
        self._strategy = strategy
        length = int(params.max_steps_in_episode)
        self._attributes = {"length": length, "game": self._axelrod.DefaultGame, "noise": 0}
        self._other_first = game.observation_layout == "shared" and player == 1
        self._stochastic = bool(classifiers["stochastic"](strategy))

    def __repr__(self) -> str:
        return f"AxelrodStrategy({self._strategy!r})"

    def initial_memory(self, num_envs: int) -> list[Episode]:
        """Return a fresh player for each episode."""
        return [self._begin() for _ in range(num_envs)]

    def act(self, key: jax.Array, observation: Any, memory: list[Episode]) -> tuple[Any, list[Episode]]:
        """Tell each player what was played last and let it choose, ``[B]`` int32.

        Args:
            key: a typed key; at the start of an episode it seeds the strategies that draw random numbers.
            observation: ``[B, 6]``.
            memory: of the same B episodes.

        Returns:
            The actions, and the memory, which has changed.

        Raises:
            ValueError: an episode starts anew with the memory of another one.
        """
        if memory[0].started:
            self._tell(observation, memory)
        else:
            self._seed(key, memory)
        cooperate = self._axelrod.Action.C
        actions = [episode.player.strategy(episode.other) is cooperate for episode in memory]
        return np.array(actions, np.int32), memory

    def _begin(self) -> Episode:
        player = self._strategy.clone()
        player.set_match_attributes(**self._attributes)
        return Episode(player, self._axelrod.Player())

    def _seed(self, key: jax.Array, memory: list[Episode]) -> None:
        seeds = np.asarray(jax.random.bits(key, (len(memory),), jnp.uint32)) if self._stochastic else None
        for number, episode in enumerate(memory):
            episode.started = True
            if seeds is not None:
                episode.player.set_seed(int(seeds[number]))

    def _tell(self, observation: Any, memory: list[Episode]) -> None:
        last = np.asarray(observation).reshape(len(memory), 2, 3).argmax(-1)  # [B, (first seen, second seen)]
        if (last == START).any():
            raise ValueError("an episode of a player of the Axelrod library starts with initial_memory(num_envs)")
        names = (self._axelrod.Action.D, self._axelrod.Action.C)
        own, others = (last[:, 1], last[:, 0]) if self._other_first else (last[:, 0], last[:, 1])
        for episode, mine, theirs in zip(memory, own.tolist(), others.tolist(), strict=True):
            episode.player.update_history(names[mine], names[theirs])
            episode.other.update_history(names[theirs], names[mine])


def resolve(reference: Any, game: Game[Any, Any], params: Any, player: int) -> AxelrodStrategy:
    """Return a strategy of the library as a player of a matrix game, for the prefix ``axelrod``.

    Args:
        reference: what `find_player` takes, or a player of the library.
        game: a matrix game whose action 1 is to cooperate.
        params: its params.
        player: which player it is to be.

    Raises:
        OptionError: an unknown strategy, or one that cannot play this game.
        MissingExtraError: the library is not installed.
    """
    strategy = find_player(reference) if isinstance(reference, str) else reference
    return AxelrodStrategy(strategy, game, params, player=player)


def find_player(name: str) -> Any:
    """Return a player of the Axelrod library.

    Args:
        name: of the strategy (``Tit For Tat``) or its class (``TitForTat``); case, blanks and signs do not matter.

    Raises:
        OptionError: there is none; the message has the nearest name.
        MissingExtraError: the library is not installed.
    """
    classes = _classes()
    found = classes.get(_plain(name))
    if found is None:
        near = get_close_matches(_plain(name), classes, n=1)
        hint = f"; did you mean 'axelrod:{classes[near[0]].name}'?" if near else ""
        raise OptionError(f"the Axelrod library has no strategy {name!r}{hint}")
    return found()


def strategy_names() -> list[str]:
    """Return the names of the library's strategies that can play here, sorted.

    Raises:
        MissingExtraError: the library is not installed.
    """
    return sorted({strategy.name for strategy in load_axelrod().strategies})


def load_axelrod() -> Any:
    """Import the Axelrod library.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import axelrod
    except ImportError as error:
        raise MissingExtraError("the Axelrod library", "axelrod") from error
    return axelrod


@cache
def _classes() -> dict[str, Any]:
    """Return every strategy by its plain name and by that of its class."""
    known = load_axelrod().all_strategies
    by_class = {_plain(each.__name__): each for each in known}
    return {**by_class, **{_plain(each.name): each for each in known}}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
