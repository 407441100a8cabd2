"""Trained agents, a file for each learner and game: seeds 0, 1 and 2 of its laptop preset, as they came out.

May import the registry.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import registry
from ..envs.base import Game, Policy
from ..options import OptionError, suggest

FOLDER = Path(__file__).parent


def resolve(reference: str, game: Game[Any, Any], params: Any, player: int) -> Policy:
    """Return a trained agent: zoo:LEARNER or zoo:LEARNER/GAME, with #SEED and @PLAYER as for a run.

    Raises:
        UnknownNameError: there is no such agent, or none that plays the game.
        PolaxError: as for the file of an agent.
    """
    resolver = registry.policy_resolver(registry.RUN_PREFIX)
    return resolver(run_behind(reference, game.name), game, params, player)


def run_behind(reference: str, env: str | None) -> str:
    """Return the reference to the file of an agent, for `polax.registry.run_behind`.

    Raises:
        UnknownNameError: there is no such agent, or none that plays the game.
        OptionError: it plays several games, and none is given.
    """
    name, sign, which = reference.partition("#")
    learner, slash, game = name.partition("/")
    games = [each.partition("/")[2] for each in names() if each.startswith(f"{learner}/")]
    if not slash and games:
        game = (env or "") if env is not None or len(games) > 1 else games[0]
    if games and not game:
        raise OptionError(f"zoo:{learner} plays {', '.join(games)}; say which with zoo:{learner}/GAME or --env GAME")
    if game not in games:
        plays = f"; zoo:{learner} plays {', '.join(games)}" if games else f"; {suggest(name, names())}"
        raise registry.UnknownNameError(f"the zoo has no agent {f'{learner}/{game}' if game else learner!r}{plays}")
    return f"{FOLDER / learner / game}.npz{sign}{which}"


def own_game(reference: str) -> Game[Any, Any]:
    """Return the game of an agent, for `polax.registry.own_game`."""
    game: Game[Any, Any] = registry.own_game(run_behind(reference, None))  # type: ignore[assignment]  # a run has one
    return game


def names() -> list[str]:
    """Return the names of all agents, ``LEARNER/GAME``, sorted.

    Example:
        >>> "loqa/IPD-v0" in names()
        True
    """
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.npz"))


resolve.names = names  # type: ignore[attr-defined]  # for ``polax list``
resolve.own_game = own_game  # type: ignore[attr-defined]
resolve.run_behind = run_behind  # type: ignore[attr-defined]
