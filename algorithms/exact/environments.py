"""Which environments have exact returns."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np

from ...envs.base import Game
from .returns import STATES


def exact_payoffs(env: Game[Any, Any], params: Any) -> np.ndarray:
    """Return the payoffs ``[2, 2, 2]`` of a repeated 2x2 game, by player, action of player 0, action of player 1.

    Raises:
        ValueError: if the environment has no exact returns (the message names those that have), or its payoffs are not
            finite.
    """
    if not _has_exact_returns(env, params):
        names = ", ".join(environments_with_exact_returns()) or "none of the installed ones"
        raise ValueError(
            f"{env.name} has no exact returns: that takes two players, two actions and policies that see the last "
            f"joint action or the start. Environments that have them: {names}"
        )
    payoffs = np.asarray(params.payoffs, dtype=np.float64)
    if not np.isfinite(payoffs).all():
        raise ValueError(f"the payoffs of {env.name} are not all finite: {payoffs.tolist()}")
    return payoffs


def environments_with_exact_returns() -> tuple[str, ...]:
    """Return the ids of the installed environments that, at their default options, have exact returns."""
    # Learners do not know the registry (it knows them); what is installed is public knowledge all the same.
    return tuple(sorted({each.name for each in entry_points(group="polax.envs") if _offers_exact_returns(each)}))


def _offers_exact_returns(entry_point: EntryPoint) -> bool:
    try:
        plugin = entry_point.load()
        env, params = plugin.build(plugin.config())
    except Exception:  # a plug-in is anybody's code; a broken one must not hide the error that is being reported
        return False
    return _has_exact_returns(env, params)


def _has_exact_returns(env: Game[Any, Any], params: Any) -> bool:
    payoffs: Any = getattr(params, "payoffs", None)
    return (env.num_players, env.num_actions, env.num_observations) == (2, 2, len(STATES)) and np.shape(payoffs) == (
        2,
        2,
        2,
    )
