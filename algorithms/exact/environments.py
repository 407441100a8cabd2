"""Which environments have exact returns."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import numpy as np

from ...envs.base import Game
from .returns import STATES, check_contribution_factor, joint_actions


def exact_payoffs(env: Game[Any, Any], params: Any) -> np.ndarray:
    """Return the payoffs ``[2, 2, 2]`` of a repeated 2x2 game, by player, action of player 0, action of player 1.

    Raises:
        ValueError: if the environment has no exact returns (the message names those that have), or is a public goods
            game with a contribution factor outside (1, 2).
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
    _check_public_goods(payoffs)
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
    payoffs = getattr(params, "payoffs", None)
    return (
        (env.num_players, env.num_actions, env.num_observations) == (2, 2, len(STATES))
        and hasattr(env, "observation_layout")
        and np.shape(payoffs) == (2, 2, 2)
    )


def _check_public_goods(payoffs: np.ndarray) -> None:
    """Refuse a public goods game that is no dilemma, recognised by its payoffs."""
    contributed = joint_actions(2).T.reshape(2, 2, 2)
    contribution_factor = round(2 * float(payoffs[0, 0, 1]), 6)  # what a defector gets from a contributor is f / 2
    expected = contribution_factor * contributed.sum(axis=0) / 2 - contributed
    if np.allclose(payoffs, expected, rtol=1e-5, atol=1e-5):
        check_contribution_factor(contribution_factor)
