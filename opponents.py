"""Turn what a user calls an opponent into a `Policy`.

It may be a strategy's name, a policy, the folder of a training run, or a strategy of the Axelrod library.
"""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import PolaxError, suggest

if TYPE_CHECKING:
    from .envs.base import Game, Policy


AXELROD = "axelrod:"
"""What the name of a strategy of the Axelrod library begins with: ``axelrod:Tit For Tat``."""


class OpponentError(PolaxError, ValueError):
    """No player can be made from what was given as an opponent."""


def make_opponent(opponent: Any, game: Game[Any, Any], seat: int, *, params: Any = None) -> Policy:
    """Return the player that sits in ``seat``.

    Args:
        opponent: the name of one of ``game.strategies``; a `Policy`; or the path of a training run in the same
            environment, whose player of that seat (first seed, last checkpoint) is taken. ``RUN#3`` takes seed 3.
            In a matrix game also ``"axelrod:"`` and the name of a strategy of the Axelrod library, or one of its
            players.
        game: the game.
        seat: the player it is to be.
        params: the game's numbers, for players that want to know them; None: its default ones.

    Returns:
        The policy; a pytree of arrays, unless it comes from the Axelrod library or from a learner in ordinary Python.

    Raises:
        OpponentError: an unknown name (the nearest one is in the message), something of another kind, or a run of
            another environment or of a player that reads observations another way.
        PolaxError: the run cannot be read; or the Axelrod library is not installed.

    Example:
        >>> import polax
        >>> env, params = polax.make_env("IPD-v0")
        >>> policy = make_opponent("tit-for-tat", env, seat=1)
    """
    from .envs.base import Policy

    if not isinstance(opponent, (str, PathLike)):
        if isinstance(opponent, Policy):
            return opponent
        if _is_axelrod_player(opponent):
            return _from_axelrod(opponent, game, seat, params)
        raise OpponentError(f"an opponent is a strategy's name, a Policy or the path of a run; got {opponent!r}")
    name = str(opponent)
    if name.startswith(AXELROD):
        return _from_axelrod(name.removeprefix(AXELROD), game, seat, params)
    if name in game.strategies:
        return game.strategies[name](game, seat)
    path, _, seed = name.partition("#")
    if Path(path).is_dir():
        return _from_run(path, seed, game, seat)
    raise OpponentError(
        f"{game.name} has no strategy {name!r}, and no run is in a folder of that name; "
        f"{suggest(name, game.strategies)}"
    )


def _is_axelrod_player(given: Any) -> bool:
    axelrod = sys.modules.get("axelrod")  # nobody has a player of a library that is not loaded
    return axelrod is not None and isinstance(given, axelrod.Player)


def _from_axelrod(player: Any, game: Game[Any, Any], seat: int, params: Any) -> Policy:
    from .envs.policies.axelrod import AxelrodStrategy, find_player

    if isinstance(player, str):
        player = find_player(player)
    return AxelrodStrategy(player, game, game.default_params if params is None else params, seat=seat)


def _from_run(path: str, seed: str, game: Game[Any, Any], seat: int) -> Policy:
    from .runner.runs.load import load_players

    players = load_players(Path(path), seed=int(seed) if seed.isdigit() else None)
    if players.env.name != game.name:
        raise OpponentError(f"the run {path} learned {players.env.name}; it cannot play {game.name}")
    ours, theirs = (env.observation_space(None).shape for env in (game, players.env))
    layouts = [env.observation_layout for env in (game, players.env)]
    if ours != theirs or layouts[0] != layouts[1] or game.num_actions != players.env.num_actions:
        raise OpponentError(f"the run {path} learned another form of {game.name}; use its options: {players.env!r}")
    return players.policies[seat]
