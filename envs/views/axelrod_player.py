"""A player of polax in the matches and tournaments of the Axelrod library. Needs the extra ``axelrod``."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ... import registry
from ...options import OptionError
from ..base import Game, Policy
from ..matrix_game import MatrixGame, MatrixGameState
from ..policies.axelrod import load_axelrod
from ..policies.python_play import for_python

axelrod = load_axelrod()


class PolaxPlayer(axelrod.Player):  # type: ignore[name-defined]  # a module found when this one is imported
    """A `Policy` of a matrix game as a player of the Axelrod library; `axelrod_player` makes one.

    Its random numbers come from the seed that the match gives it.
    """

    name = "polax"
    classifier = {  # noqa: RUF012 - as the library declares it
        "memory_depth": float("inf"),
        "stochastic": True,
        "makes_use_of": set(),
        "long_run_time": False,
        "inspects_source": False,
        "manipulates_source": False,
        "manipulates_state": False,
    }

    def __init__(self, policy: Policy, game: Game[Any, Any], name: str, player: int = 0) -> None:
        super().__init__()
        self.name = name
        self._policy = for_python(policy)
        self._views = _views(game, player)
        self._memory = policy.initial_memory(1)
        self._key: Any = None

    def __repr__(self) -> str:
        return self.name

    def set_seed(self, seed: int | None) -> None:
        """Start the random numbers; a match does this."""
        super().set_seed(seed)
        self._key = jax.random.key(int(self._seed) % 2**32)

    def strategy(self, opponent: Any) -> Any:
        """Return the library's action C or D.

        Raises:
            RuntimeError: ``set_seed`` has not been called.
        """
        if self._key is None:
            raise RuntimeError(f"{self.name} draws random numbers: call set_seed() first, as an axelrod.Match does")
        time = len(self.history)
        last = (self.history[-1].value, opponent.history[-1].value) if time else None
        key = jax.random.fold_in(self._key, np.uint32(time))
        action, self._memory = self._policy.act(key, self._views[last], self._memory)
        return axelrod.Action.C if int(action[0]) == 1 else axelrod.Action.D


def axelrod_player(
    reference: Any, *, name: str | None = None, env: str | Game[Any, Any] | None = None, player: int = 0
) -> Any:
    """Return a player of polax as one of the Axelrod library.

    Args:
        reference: what `polax.make_policy` takes: the folder of a training run, a `Policy`, a strategy's name.
        name: what the library's rankings call it; None: ``polax`` and ``reference``.
        env: the game that it plays, an id or a `Game`. A run needs none: it plays the game that it has learned.
        player: which player of the game it is.

    Returns:
        A `PolaxPlayer`, for ``axelrod.Match`` and ``axelrod.Tournament``.

    Raises:
        PolaxError: no such player or game, a game without a dilemma of two actions, or no game at all.
    """
    own = registry.own_game(reference) if env is None else env
    if own is None:
        raise OptionError(f"{reference!r} does not say which game it plays: pass env=, the id of a matrix game")
    game = _dilemma(own)
    policy = registry.make_policy(reference, game, game.default_params, player=player)
    return PolaxPlayer(policy, game, name or f"polax {reference}", player)


def axelrod_game(env: str | Game[Any, Any]) -> Any:
    """Return a matrix game's payoffs (player 0's) as an ``axelrod.Game``, for tournaments that pay what it pays.

    Raises:
        PolaxError: no such game, or one without a dilemma of two actions.
    """
    game = _dilemma(env)
    own = np.asarray(game.default_params.payoffs, np.float64)[0].round(6).tolist()  # [own action, other's action]
    return axelrod.Game(r=own[1][1], s=own[1][0], t=own[0][1], p=own[0][0])


def _dilemma(env: str | Game[Any, Any]) -> Game[Any, Any]:
    game = registry.make_env(env)[0] if isinstance(env, str) else env
    if not isinstance(game, MatrixGame) or game.cooperative_action is None:
        raise OptionError(f"players of the Axelrod library play matrix games with a dilemma, not {game.name}")
    return game


@cache
def _views(game: Game[Any, Any], player: int) -> dict[tuple[int, int] | None, Any]:
    """Return what a player sees, ``[1, features]``, after the library's actions (own, other's); None: at the start."""
    params, key = game.default_params, jax.random.key(0)
    start, _ = game.reset_env(key, params)
    views: dict[tuple[int, int] | None, Any] = {None: np.asarray(start)[player : player + 1]}
    for own, other in product((0, 1), repeat=2):  # the library counts C as 0 and D as 1
        played = (1 - own, 1 - other) if player == 0 else (1 - other, 1 - own)
        state = MatrixGameState(last_actions=jnp.array(played, jnp.int32), time=jnp.int32(1))
        views[own, other] = np.asarray(game.observe(key, state, None, params))[player : player + 1]
    return views
