"""Games as Gymnasium environments: one player is yours, the other is a scripted or a learned opponent."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import partial
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from .. import registry
from ..opponents import make_opponent
from .base import Game, Policy
from .host import (
    Carry,
    HostGame,
    Outcome,
    Policies,
    action_number,
    advance,
    begin,
    next_key,
    observation_box,
    seed_words,
)
from .rendering import DEFAULT_SIZE, RENDER_MODES, EpisodeCamera

DEFAULT_OPPONENT = "random"
"""The one strategy that every game has."""


def make(
    env_id: str,
    *,
    opponent: Any = DEFAULT_OPPONENT,
    seat: int = 0,
    render_mode: str | None = None,
    render_size: int = DEFAULT_SIZE,
    **options: Any,
) -> GameEnv:
    """Make what ``gymnasium.make(env_id, ...)`` returns, before Gymnasium's own wrappers.

    Args:
        env_id: an environment of polax.
        opponent: a strategy's name, a `Policy`, or the path of a training run.
        seat: the player that is yours, 0 or 1.
        render_mode: None, ``rgb_array``, ``human`` or ``ansi``.
        render_size: width of the picture in pixels.
        **options: options of the environment.

    Raises:
        PolaxError: an unknown environment, option or opponent.
        ValueError: an unknown seat or render mode.
    """
    game, params = registry.make_env(env_id, **options)
    policies = _seats(game, opponent, seat)
    camera = EpisodeCamera(game, params, render_mode, fps=GameEnv.metadata["render_fps"], size=render_size)
    return GameEnv(HostGame(game, params, policies), observation_box(game, params), camera, seat=seat)


def make_vec(
    env_id: str,
    num_envs: int = 1,
    *,
    opponent: Any = DEFAULT_OPPONENT,
    seat: int = 0,
    render_mode: str | None = None,
    **options: Any,
) -> GameVectorEnv:
    """Make what ``gymnasium.make_vec(env_id, num_envs, ...)`` returns: all copies in one compiled step.

    Args:
        env_id: an environment of polax.
        num_envs: how many copies.
        opponent: as in `make`; the same kind of player in every copy.
        seat: as in `make`.
        render_mode: None; to see pictures, make a single environment.
        **options: options of the environment.

    Raises:
        PolaxError: an unknown environment, option or opponent.
        ValueError: no copy, an unknown seat, or a render mode.
    """
    if render_mode is not None:
        raise ValueError(f"make_vec draws no pictures (render_mode={render_mode!r}); render one made by gymnasium.make")
    if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
        raise ValueError(f"num_envs must be a whole number of at least 1; got {num_envs!r}")
    game, params = registry.make_env(env_id, **options)
    return GameVectorEnv(game, params, _seats(game, opponent, seat), seat=seat, num_envs=int(num_envs))


class GameEnv(gymnasium.Env[np.ndarray, np.int64]):
    """One copy of a game, seen by one player; the dynamics are those of the game, compiled, on the CPU.

    - Observation: ``Box [features]`` float32 of 0 and 1, this player's view.
    - Action: ``Discrete``, as the game names them in ``game.action_names``.
    - Reward: this player's.
    - End: ``truncated`` at the horizon, with the true last observation; never ``terminated``.
    - ``info``: what the game counts, and ``rewards``, both players' ``[2]``.

    Attributes:
        game: the game (a gymnax environment).
        seat: this player.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "render_modes": list(RENDER_MODES),
        "render_fps": 4,
    }

    def __init__(self, host: HostGame, observation_space: spaces.Box, camera: EpisodeCamera, *, seat: int) -> None:
        self.game = host.game
        self.seat = seat
        self.render_mode = camera.mode
        self.observation_space = observation_space
        self.action_space = spaces.Discrete(host.game.num_actions)
        self._host = host
        self._camera = camera

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; with a seed, that seed's first episode, without one, the next."""
        super().reset(seed=seed, options=options)
        observations = self._host.reset(seed)
        self._camera.start(self._host)
        return observations[self.seat], {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play one action against the opponent's.

        Raises:
            TypeError: the action is no integer.
            ValueError: it is out of range.
            gymnasium.error.ResetNeeded: before ``reset``, or after the end of the episode.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        actions = [0, 0]
        actions[self.seat] = action_number(self.game, action, self.seat)
        observations, rewards, counts = self._host.step(*actions)
        self._camera.record(self._host, rewards)
        info: dict[str, Any] = {**counts, "rewards": rewards}
        return observations[self.seat], float(rewards[self.seat]), False, self._host.ended, info

    def render(self) -> Any:
        """Return the picture: an array ``[height, width, 3]`` uint8, a text, or None for a window."""
        return self._camera.picture(self._host)

    def close(self) -> None:
        """Close the window, if there is one; nothing can be played afterwards."""
        self._camera.close()
        self._host.close()


class GameVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Many copies of a game in one compiled step; copy i with seed s plays what `GameEnv` plays with seed s + i.

    All copies reach the horizon together; they start anew in that very step (``AutoresetMode.SAME_STEP``), which
    returns the new episode's first observations; the ended one's last are in ``info["final_obs"]``, its other
    information in ``info["final_info"]``.

    Attributes:
        game: the game (a gymnax environment).
        seat: the player that is yours.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "autoreset_mode": AutoresetMode.SAME_STEP,
        "render_modes": [],
    }

    def __init__(self, game: Game[Any, Any], params: Any, policies: Policies, *, seat: int, num_envs: int) -> None:
        self.game = game
        self.seat = seat
        self.num_envs = num_envs
        self.render_mode = None
        self.single_observation_space = observation_box(game, params)
        self.single_action_space = spaces.Discrete(game.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._inputs = (params, policies)
        self._horizon = int(params.max_steps_in_episode)
        self._carry: Carry | None = None
        self._time = 0
        self._all = np.ones(num_envs, bool)
        self._none = np.zeros(num_envs, bool)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start all copies; from seed, seed + 1, ..., or from a list with a seed (or None) for each copy.

        Raises:
            ValueError: a list of seeds of another length.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        self._require_open()
        super().reset(seed=seed if isinstance(seed, int) else None, options=options)
        if seed is None and self._carry is not None:
            return self._restart(), {}
        if seed is None:
            seeds: Sequence[int | None] = [None] * self.num_envs
        elif isinstance(seed, (int, np.integer)):
            seeds = range(int(seed), int(seed) + self.num_envs)
        else:
            seeds = seed
        if len(seeds) != self.num_envs:
            raise ValueError(f"a list of seeds needs one for each of {self.num_envs} copies; got {len(seeds)}")
        keys = np.stack([seed_words(one) for one in seeds])
        self._carry = _begin_all(self.game, *self._inputs, keys)
        self._time = 0
        return self._own_view(), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play one action in each copy, ``[num_envs]``.

        Raises:
            TypeError: the actions are no integers.
            ValueError: not one for each copy, or one out of range.
            gymnasium.error.ResetNeeded: before ``reset``.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        self._require_open()
        if self._carry is None:
            raise gymnasium.error.ResetNeeded(f"{self.game.name} has not started: call reset() before step()")
        self._carry, outcome = _advance_all(self.game, self.seat, self._inputs, self._carry, self._check(actions))
        rewards = np.asarray(outcome.rewards)
        info: dict[str, Any] = {name: np.asarray(value) for name, value in outcome.info.items()}
        info["rewards"] = rewards
        info |= {f"_{name}": self._all for name in info}
        observation = self._own_view()
        self._time += 1
        if self._time < self._horizon:
            return observation, rewards[:, self.seat].astype(np.float64), self._none.copy(), self._none.copy(), info
        last = np.empty(self.num_envs, object)
        last[:] = list(observation)
        final = {"final_obs": last, "_final_obs": self._all, "final_info": info, "_final_info": self._all}
        own = rewards[:, self.seat].astype(np.float64)
        return self._restart(), own, self._none.copy(), self._all.copy(), final

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of the copies."""
        del kwargs
        self._carry = None

    def _restart(self) -> np.ndarray:
        self._carry = _begin_all_next(self.game, *self._inputs, self._carry)
        self._time = 0
        return self._own_view()

    def _own_view(self) -> np.ndarray:
        """Return this player's observations, a copy for the user to write in."""
        observations = self._carry.observations  # type: ignore[union-attr]  # asked for after a start only
        return np.array(np.asarray(observations)[:, self.seat])

    def _check(self, actions: Any) -> np.ndarray:
        array = np.asarray(actions)
        if array.shape != (self.num_envs,):
            raise ValueError(
                f"{self.game.name} needs one action for each of {self.num_envs} copies, shape ({self.num_envs},); "
                f"got shape {array.shape}"
            )
        if not np.issubdtype(array.dtype, np.integer):
            raise TypeError(
                f"the actions of player_{self.seat} in {self.game.name} must be integers; got {array.dtype}"
            )
        if array.min() < 0 or array.max() >= self.game.num_actions:
            copy = int(np.flatnonzero((array < 0) | (array >= self.game.num_actions))[0])
            try:
                action_number(self.game, array[copy], self.seat)
            except ValueError as error:
                raise ValueError(f"copy {copy}: {error}") from error
        return array.astype(np.int32)

    def _require_open(self) -> None:
        if self.closed:
            raise gymnasium.error.ClosedEnvironmentError(f"this {self.game.name} was closed; make a new one")


def _seats(game: Game[Any, Any], opponent: Any, seat: int) -> Policies:
    try:
        seat = operator.index(seat)
    except TypeError:
        seat = -1
    if seat not in range(game.num_players):
        raise ValueError(f"seat must be a player of {game.name}, from 0 to {game.num_players - 1}")
    policies: list[Policy | None] = [
        None if player == seat else make_opponent(opponent, game, player) for player in range(game.num_players)
    ]
    return tuple(policies)


@partial(jax.jit, static_argnums=0)
def _begin_all(game: Game[Any, Any], params: Any, policies: Policies, key_data: jax.Array) -> Carry:
    keys = jax.random.wrap_key_data(key_data)
    return jax.vmap(lambda key: begin(game, params, policies, key)[0])(keys)


@partial(jax.jit, static_argnums=0)
def _begin_all_next(game: Game[Any, Any], params: Any, policies: Policies, carry: Carry) -> Carry:
    return jax.vmap(lambda key: begin(game, params, policies, next_key(key))[0])(carry.key)


@partial(jax.jit, static_argnums=(0, 1))
def _advance_all(
    game: Game[Any, Any], seat: int, inputs: Any, carry: Carry, actions: jax.Array
) -> tuple[Carry, Outcome]:
    params, policies = inputs

    def one(carry: Carry, action: jax.Array) -> tuple[Carry, Outcome]:
        joint = tuple(action if player == seat else jnp.int32(0) for player in range(game.num_players))
        return advance(game, params, policies, carry, joint)

    return jax.vmap(one)(carry, actions)
