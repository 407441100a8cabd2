"""Many copies of a game as one Gymnasium vector environment: all of them in one compiled step."""

from __future__ import annotations

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

from ... import registry
from ..base import Game
from ..policies.python_play import Policies, PythonPlayers
from ..rendering.frame import DEFAULT_SIZE, Frame
from .gymnasium import DEFAULT_OPPONENT
from .host import (
    Carry,
    Outcome,
    action_number,
    advance,
    begin,
    check_process,
    choose,
    next_key,
    observation_box,
    policies_around,
    python_key,
    seed_words,
)

VECTOR_RENDER_MODES = ("rgb_array", "ansi")


class GameVectorEnv(VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """Many copies of a game in one compiled step; copy i with seed s plays what `GameEnv` plays with seed s + i.

    ``gymnasium.make_vec(env_id, num_envs, ...)`` makes it. (An opponent that is ordinary Python acts between two
    compiled steps and draws its random numbers for all copies together.)

    All copies reach the horizon together; they start anew in that very step (``AutoresetMode.SAME_STEP``), which
    returns the new episode's first observations; the ended one's last are in ``info["final_obs"]``, its other
    information in ``info["final_info"]``.

    Args:
        env_id: an environment of polax.
        num_envs: how many copies.
        opponent: as in `GameEnv`; the same kind of players in every copy.
        player: the number of the player that is yours.
        render_mode: None, ``rgb_array`` or ``ansi``: ``render()`` gives a tuple, one picture or text for each copy.
        render_size: width of a picture in pixels.
        **options: options of the environment.

    Attributes:
        game: the game (a gymnax environment).
        player: the number of the player that is yours.

    Raises:
        PolaxError: an unknown environment, option or opponent.
        ValueError: no copy, an unknown player, or a render mode that does not exist here.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "autoreset_mode": AutoresetMode.SAME_STEP,
        "render_modes": list(VECTOR_RENDER_MODES),
        "render_fps": 4,
    }

    def __init__(
        self,
        env_id: str,
        num_envs: int = 1,
        *,
        opponent: Any = DEFAULT_OPPONENT,
        player: int = 0,
        render_mode: str | None = None,
        render_size: int = DEFAULT_SIZE,
        **options: Any,
    ) -> None:
        if render_mode is not None and render_mode not in VECTOR_RENDER_MODES:
            allowed = ", ".join(VECTOR_RENDER_MODES)
            raise ValueError(
                f"render_mode of make_vec must be None or one of {allowed}; got {render_mode!r} "
                "(gymnasium.make opens a window)"
            )
        if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise ValueError(f"num_envs must be a whole number of at least 1; got {num_envs!r}")
        check_process()
        self.game, params = registry.make_env(env_id, **options)
        self.player = player
        self.num_envs = int(num_envs)
        self.render_mode = render_mode
        self.single_observation_space = observation_box(self.game, params)
        self.single_action_space = spaces.Discrete(self.game.num_actions)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._gallery = None if render_mode is None else _Gallery(self.game, params, render_mode, render_size)
        self._players = PythonPlayers(policies_around(player, opponent, self.game, params))
        self._inputs = (params, self._players.compiled)
        self._horizon = int(params.max_steps_in_episode)
        self._carry: Carry | None = None
        self._time = 0
        self._all = np.ones(self.num_envs, bool)

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
            return self._start(_begin_all_next(self.game, *self._inputs, self._carry)), {}
        if seed is None or isinstance(seed, (int, np.integer)):
            seed = [None if seed is None else int(seed) + copy for copy in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"a list of seeds needs one for each of {self.num_envs} copies; got {len(seed)}")
        keys = np.stack([seed_words(one) for one in seed])
        return self._start(_begin_all(self.game, *self._inputs, keys)), {}

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play one action in each copy, ``[num_envs]``.

        Raises:
            TypeError: the actions are not integers.
            ValueError: not one for each copy, or one out of range.
            gymnasium.error.ResetNeeded: before ``reset``.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        carry = self._require_started("step")
        joint = {self.player: self._check(actions, self.player)}
        if self._players:
            chosen = self._players.choose(_first_key(carry), np.asarray(carry.observations))
            joint |= {player: self._check(theirs, player) for player, theirs in chosen.items()}
        by_player = tuple(joint.get(player) for player in range(self.game.num_players))
        self._carry, outcome = _advance_all(self.game, *self._inputs, carry, by_player)
        rewards = np.asarray(outcome.rewards)
        if self._gallery is not None:
            self._gallery.record(np.asarray(_choose_all(self._inputs[1], carry, by_player)), rewards)
        info: dict[str, Any] = {name: np.asarray(value) for name, value in outcome.info.items()}
        info["rewards"] = rewards
        info |= {f"_{name}": self._all for name in info}
        observation = self._own_view(self._carry)
        self._time += 1
        ended = self._time >= self._horizon
        if ended:
            last = np.empty(self.num_envs, object)
            last[:] = list(observation)
            info = {"final_obs": last, "_final_obs": self._all, "final_info": info, "_final_info": self._all}
            observation = self._start(_begin_all_next(self.game, *self._inputs, self._carry))
        own = rewards[:, self.player].astype(np.float64)
        return observation, own, np.zeros(self.num_envs, bool), np.full(self.num_envs, ended), info

    def render(self) -> tuple[Any, ...]:
        """Return one picture (an array ``[height, width, 3]`` uint8) or text of each copy.

        Raises:
            ValueError: no render mode was chosen when the environment was made.
            gymnasium.error.ResetNeeded: before ``reset``.
            gymnasium.error.ClosedEnvironmentError: after ``close``.
        """
        carry = self._require_started("render")
        if self._gallery is None:
            raise ValueError(
                f"nothing to render: make the environment with render_mode= one of {', '.join(VECTOR_RENDER_MODES)}"
            )
        return self._gallery.pictures(carry.state, self.num_envs)

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of the copies."""
        self._carry = None

    def _start(self, carry: Carry) -> np.ndarray:
        self._carry = carry
        self._time = 0
        self._players.start(self.num_envs)
        if self._gallery is not None:
            self._gallery.start(self.num_envs)
        return self._own_view(carry)

    def _own_view(self, carry: Carry) -> np.ndarray:
        """Return this player's observations, a copy for the user to write in."""
        return np.array(np.asarray(carry.observations)[:, self.player])

    def _check(self, actions: Any, player: int) -> np.ndarray:
        array = np.asarray(actions)
        if array.shape != (self.num_envs,):
            raise ValueError(
                f"{self.game.name} needs one action for each of {self.num_envs} copies, shape ({self.num_envs},); "
                f"got shape {array.shape}"
            )
        if not np.issubdtype(array.dtype, np.integer):
            raise TypeError(f"the actions of player_{player} in {self.game.name} must be integers; got {array.dtype}")
        for copy in np.flatnonzero((array < 0) | (array >= self.game.num_actions))[:1]:
            try:
                action_number(self.game, array[copy], player)
            except ValueError as error:
                raise ValueError(f"copy {copy}: {error}") from error
        return array.astype(np.int32)

    def _require_open(self) -> None:
        if self.closed:
            raise gymnasium.error.ClosedEnvironmentError(f"this {self.game.name} was closed; make a new one")

    def _require_started(self, what: str) -> Carry:
        self._require_open()
        if self._carry is None:
            raise gymnasium.error.ResetNeeded(f"{self.game.name} has not started: call reset() before {what}()")
        return self._carry


class _Gallery:
    """What the pictures of all copies show beyond their states: scores and moves so far."""

    def __init__(self, game: Game[Any, Any], params: Any, mode: str, size: int) -> None:
        self.mode = mode
        self._game, self._params, self._size = game, params, size

    def start(self, num_envs: int) -> None:
        """Forget the last episode."""
        self._rewards = self._totals = np.zeros((num_envs, self._game.num_players))
        self._moves: list[np.ndarray] = []  # [B, players] each

    def record(self, actions: np.ndarray, rewards: np.ndarray) -> None:
        """Take note of a step."""
        self._rewards, self._totals = rewards, self._totals + rewards
        self._moves.append(actions)

    def pictures(self, state: Any, num_envs: int) -> tuple[Any, ...]:
        """Draw or describe every copy."""
        states = jax.tree.map(np.asarray, state)
        return tuple(self._picture(jax.tree.map(lambda leaf, i=i: leaf[i], states), i) for i in range(num_envs))

    def _picture(self, state: Any, copy: int) -> Any:
        history = tuple(tuple(moves[copy].tolist()) for moves in self._moves)
        frame = Frame(self._params, state, self._totals[copy], self._rewards[copy], history)
        return (
            self._game.describe(frame) if self.mode == "ansi" else np.asarray(self._game.draw(frame, size=self._size))
        )


@jax.jit
def _first_key(carry: Carry) -> jax.Array:
    return python_key(jax.tree.map(lambda leaf: leaf[0], carry))


@partial(jax.jit, static_argnums=0)
def _begin_all(game: Game[Any, Any], params: Any, policies: Policies, key_data: jax.Array) -> Carry:
    keys = jax.random.wrap_key_data(key_data)
    return jax.vmap(lambda key: begin(game, params, policies, key)[0])(keys)


@partial(jax.jit, static_argnums=0)
def _begin_all_next(game: Game[Any, Any], params: Any, policies: Policies, carry: Carry) -> Carry:
    return jax.vmap(lambda key: begin(game, params, policies, next_key(key))[0])(carry.key)


@partial(jax.jit, static_argnums=0)
def _advance_all(
    game: Game[Any, Any], params: Any, policies: Policies, carry: Carry, actions: tuple[Any, ...]
) -> tuple[Carry, Outcome]:
    """Step all copies; ``actions`` has ``[B]`` for each player that acts from outside, None for the others."""
    return jax.vmap(lambda carry, actions: advance(game, params, policies, carry, _filled(actions)))(carry, actions)


@jax.jit
def _choose_all(policies: Policies, carry: Carry, actions: tuple[Any, ...]) -> jax.Array:
    """Return the joint actions ``[B, players]`` of the step that starts at ``carry``, for pictures."""
    return jax.vmap(lambda carry, actions: choose(policies, carry, _filled(actions))[0])(carry, actions)


def _filled(actions: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(jnp.int32(0) if action is None else action for action in actions)
