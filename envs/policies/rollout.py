"""Record what policies of any kind see, do and get: ``polax.rollout``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ... import registry
from ...options import OptionError, count_option, list_option
from ..base import Game, Policy
from .play import Episodes, Step, is_compiled, play_policies
from .python_play import for_python, play_episodes_in_python


class Rollout(NamedTuple):
    """B episodes of T steps side by side, as arrays of jax; of numpy where a policy is ordinary Python."""

    observations: Any  # [T + 1, B, players, features] float32: before each step, and after the last
    actions: Any  # [T, B, players] int32
    rewards: Any  # [T, B, players] float32
    done: Any  # [T, B] bool: whether the episode ended with the step
    info: dict[str, Any]  # [T, B] each: what the game counts


def rollout(
    env: Game[Any, Any],
    params: Any,
    policies: Sequence[Any],
    key: jax.Array,
    *,
    num_envs: int = 1,
    num_steps: int | None = None,
) -> Rollout:
    """Let policies play, and record every step. All episodes start together, and there is one of each copy.

    It may be called inside ``jax.jit``, and mapped over ``key``, ``params`` and policies that are pytrees. Policies in
    ordinary Python, such as those of PyTorch or of the Axelrod library, play outside compiled code, step by step.

    Args:
        env: the game, from `make_env`.
        params: its params, from `make_env`.
        policies: one for each player: a policy, or what else `make_policy` takes, such as ``"tit-for-tat"``.
        key: a typed key.
        num_envs: B, how many copies of the game.
        num_steps: T, steps of each; None: whole episodes. Where ``params`` is traced it must be given.

    Returns:
        The arrays.

    Raises:
        OptionError: not one policy for each player, one that is not known or does not fit the game, less than one copy
            or step, or more steps than an episode has.

    Example:
        >>> import jax, polax
        >>> env, params = polax.make_env("IPD-v0", max_steps_in_episode=3)
        >>> played = polax.rollout(env, params, ["tit-for-tat", "always-defect"], jax.random.key(0), num_envs=2)
        >>> played.actions[:, 0].tolist()
        [[1, 0], [0, 0], [0, 0]]
        >>> played.observations.shape
        (4, 2, 2, 6)
        >>> played.done[:, 0].tolist()
        [False, False, True]
    """
    given = list_option("policies", policies)
    if len(given) != env.num_players:
        raise OptionError(f"{env.name} needs {env.num_players} policies, one for each player; got {len(given)}")
    players = [registry.make_policy(each, env, params, player=player) for player, each in enumerate(given)]
    size = {"num_envs": count_option(num_envs=num_envs), "num_steps": _length(env, params, num_steps)}
    if all(is_compiled(player) for player in players):
        return _play(key, env, params, tuple(players), **size)
    return _play_in_python(key, env, params, players, **size)


def _length(env: Game[Any, Any], params: Any, num_steps: int | None) -> int:
    """Return how many steps to play."""
    horizon = params.max_steps_in_episode
    if isinstance(horizon, jax.core.Tracer):
        if num_steps is None:
            raise OptionError("num_steps must be given where params is traced, as inside jax.jit and jax.vmap")
        return count_option(num_steps=num_steps)
    if num_steps is None:
        return int(horizon)
    if count_option(num_steps=num_steps) > int(horizon):
        raise OptionError(
            f"num_steps is {num_steps}, and an episode of {env.name} has {int(horizon)} steps; record more episodes "
            "with num_envs, or make the game with a larger max_steps_in_episode"
        )
    return int(num_steps)


def _record(known: Any, step: Step) -> tuple[Any, Step]:
    return known, step._replace(state=None)


@partial(jax.jit, static_argnames=("env", "num_envs", "num_steps"))
def _play(
    key: jax.Array, env: Game[Any, Any], params: Any, policies: tuple[Policy, ...], *, num_envs: int, num_steps: int
) -> Rollout:
    played = play_policies(key, env, params, policies, _record, num_envs=num_envs, num_steps=num_steps)
    return _rollout(played, params.max_steps_in_episode, jnp)


def _play_in_python(
    key: jax.Array, env: Game[Any, Any], params: Any, policies: Sequence[Policy], *, num_envs: int, num_steps: int
) -> Rollout:
    players, size = [for_python(policy) for policy in policies], {"num_envs": num_envs, "num_steps": num_steps}
    played = play_episodes_in_python(key, env, params, players, _record, known=(), **size)
    return _rollout(played, np.asarray(params.max_steps_in_episode), np)


def _rollout(played: Episodes, horizon: Any, xp: Any) -> Rollout:
    """Arrange what was recorded; ``xp`` is the library of the arrays."""
    steps: Step = played.records
    times = xp.arange(1, len(steps.actions) + 1)[:, None]
    return Rollout(
        observations=xp.concatenate([played.observation[None], steps.observation]),
        actions=steps.actions,
        rewards=steps.rewards,
        done=xp.broadcast_to(times >= horizon, steps.actions.shape[:2]),
        info=steps.info,
    )
