"""Step a game from ordinary Python, one compiled call a step, for the views of other libraries.

A call of a compiled program costs a fixed time for each array that goes in or comes out, and XLA runs a program at
once, without waking another thread, only where it is small: below a thousand operations, with arrays of at most 512
bytes. So everything that one copy of a game carries and returns travels in two arrays: one of float32, one of 32-bit
words.
"""

from __future__ import annotations

import operator
import os
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from ... import registry
from ...options import player_index
from ..base import Game
from ..policies.python_play import Policies, PythonPlayers

_MAX_USERS = 16  # the game, its players, those of them in Python, and the next episode
_MANY_PLAYERS = _MAX_USERS - 3  # the players from this number less 1 on, which share one user's keys

_IMPORTED_IN = os.getpid()
"""The process that has loaded jax, whose threads no fork of it has."""


def check_process() -> None:
    """Raise RuntimeError in a fork of a process that has loaded jax, where the first computation would wait forever."""
    if os.getpid() != _IMPORTED_IN:
        raise RuntimeError(
            "this process is a fork of one that has loaded jax, in which nothing can be computed; start processes with "
            "spawn, such as gymnasium.make_vec(ID, N, vectorization_mode='async', vector_kwargs={'context': 'spawn'}), "
            "or use make_vec without a vectorization_mode, which steps all copies in one compiled program"
        )


class Carry(NamedTuple):
    """One copy of a game between two steps."""

    key: jax.Array  # of this episode; `_child` derives those of its steps
    state: Any
    memories: tuple[Any, ...]
    observations: jax.Array  # [players, features]


class Outcome(NamedTuple):
    """What a step gave, besides the observations in the `Carry`."""

    rewards: jax.Array  # [players]
    info: dict[str, jax.Array]


def begin(game: Game[Any, Any], params: Any, policies: Policies, key: jax.Array) -> tuple[Carry, Outcome]:
    """Start an episode."""
    observation, state = game.reset_env(_child(key, 0, 0), params)
    memories = tuple(None if policy is None else policy.initial_memory(1) for policy in policies)
    _, _, rewards, _, info = jax.eval_shape(game.step_env, key, state, jnp.zeros(game.num_players, jnp.int32), params)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), (rewards, info))
    return Carry(key, state, memories, observation), Outcome(*nothing)


def choose(policies: Policies, carry: Carry, actions: tuple[Any, ...]) -> tuple[jax.Array, tuple[Any, ...]]:
    """Return the joint action ``[players]`` int32 and the memories after it.

    Args:
        policies: who plays each player; None where ``actions`` says what it does.
        carry: the copy before the step.
        actions: an entry for each player.
    """
    time = carry.state.time + 1
    chosen, memories = list(actions), list(carry.memories)
    for player, policy in enumerate(policies):
        if policy is not None:
            key = _policy_key(carry.key, time, player)
            action, memories[player] = policy.act(key, carry.observations[player][None], memories[player])
            chosen[player] = action[0]
    return jnp.stack([jnp.asarray(action, jnp.int32) for action in chosen]), tuple(memories)


def advance(
    game: Game[Any, Any], params: Any, policies: Policies, carry: Carry, actions: tuple[Any, ...]
) -> tuple[Carry, Outcome]:
    """Take one step; ``actions`` has an entry for each player, which counts where no policy plays it."""
    joint, memories = choose(policies, carry, actions)
    key = _child(carry.key, carry.state.time + 1, 0)
    observation, state, rewards, _, info = game.step_env(key, carry.state, joint, params)
    return Carry(carry.key, state, memories, observation), Outcome(rewards, info)


def next_key(key: jax.Array) -> jax.Array:
    """Return the key of the episode after the one whose key is given."""
    return _child(key, 0, _MAX_USERS - 1)


def python_key(carry: Carry) -> jax.Array:
    """Return the key of the Python players' next choice."""
    return _child(carry.key, carry.state.time + 1, _MAX_USERS - 2)


def _child(key: jax.Array, time: int | jax.Array, user: int) -> jax.Array:
    """Return the key of one user of random numbers at one time of an episode.

    Unlike splitting once for all users, this costs nothing for those that do not draw.
    """
    return jax.random.fold_in(key, jnp.asarray(time, jnp.uint32) * _MAX_USERS + user)


def _policy_key(key: jax.Array, time: jax.Array, player: int) -> jax.Array:
    """Return the key of a player's choice."""
    if 1 + player < _MANY_PLAYERS:
        return _child(key, time, 1 + player)
    return jax.random.fold_in(_child(key, time, _MANY_PLAYERS), player)


def seed_words(seed: int | None) -> np.ndarray:
    """Return the data of a key, ``[2]`` uint32, from any whole number, or from the system's entropy for None."""
    return np.random.SeedSequence(seed).generate_state(2)


def action_number(game: Game[Any, Any], action: Any, player: int) -> int:
    """Return one player's action as an int.

    Raises:
        TypeError: not an integer.
        ValueError: out of range.
    """
    if isinstance(action, (bool, np.bool_)):
        number = None
    else:
        try:
            number = operator.index(action)
        except TypeError:
            number = None
    if number is not None and 0 <= number < game.num_actions:
        return number
    meanings = ", ".join(f"{index} {name}" for index, name in enumerate(game.action_names))
    allowed = f"an integer from 0 to {game.num_actions - 1} ({meanings})"
    if number is None:
        raise TypeError(f"the action of player_{player} in {game.name} must be {allowed}; got {action!r}")
    raise ValueError(f"the action of player_{player} in {game.name} must be {allowed}; got {number}")


def player_names(game: Game[Any, Any]) -> list[str]:
    """Return ``player_0``, ``player_1`` and so on."""
    return [f"player_{player}" for player in range(game.num_players)]


def observation_box(game: Game[Any, Any], params: Any) -> gymnasium.spaces.Box:
    """Return Gymnasium's space of one player's observations: the game's, without its axis of players."""
    both = game.observation_space(params)
    low, high = (np.broadcast_to(bound, both.shape)[0].astype(np.float32) for bound in (both.low, both.high))
    return gymnasium.spaces.Box(low, high, dtype=np.float32)


def policies_around(player: int, opponent: Any, game: Game[Any, Any], params: Any) -> Policies:
    """Return the policy of every player: None for ``player``, those of the opponents for the others.

    Raises:
        PolaxError: no such player or opponent, or not one opponent for each of the others.
    """
    references = registry.opponents_of(opponent, game, player=player_index(player, game.num_players))
    return tuple(
        registry.make_policy(references[other], game, params, player=other) if other in references else None
        for other in range(game.num_players)
    )


class HostGame:
    """One copy of a game on the CPU, driven from Python.

    Policies that are pytrees are compiled into its step; the others play in Python between two steps.

    Attributes:
        game: the game.
        horizon: steps in an episode.
        time: steps taken in this episode; None before the first `reset` and after `close`.
    """

    def __init__(self, game: Game[Any, Any], params: Any, policies: Policies) -> None:
        cpu = jax.local_devices(backend="cpu")[0]
        self.game = game
        self.horizon = int(params.max_steps_in_episode)
        self.time: int | None = None
        self._players = PythonPlayers(policies)
        self._inputs = jax.device_put((params, self._players.compiled), cpu)
        self._closed = False
        self._packed: _Packed | None = None
        self._before: tuple[Any, ...] = ()
        carry, outcome = jax.eval_shape(partial(begin, game), *self._inputs, jax.random.key(0))
        self._observation_shape = carry.observations.shape
        self._info_names = sorted(outcome.info)
        self._num_observed = carry.observations.size
        self._num_visible = self._num_observed + game.num_players + len(self._info_names)

    def reset(self, seed: int | None) -> np.ndarray:
        """Start an episode: from ``seed``, or where None is given from where the last episode left the random numbers.

        A closed copy is open again.

        Returns:
            All players' observations, ``[players, features]``.
        """
        self._closed = False
        follow = seed is None and self._packed is not None
        start, key_data = (_begin_next, self._packed) if follow else (_begin, seed_words(seed))
        self._packed = start(self.game, *self._inputs, key_data)
        self.time = 0
        if self._players:
            self._players.start(1)
        return self._visible()[0]

    def step(self, *actions: int) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
        """Take one step with an action for each player (any number where a policy plays).

        Returns:
            Observations ``[players, features]``, rewards ``[players]``, info.

        Raises:
            gymnasium.error.ResetNeeded: before the first `reset`, or after the end of the episode.
            gymnasium.error.ClosedEnvironmentError: after `close`.
        """
        if self.time is None or self.time >= self.horizon:
            self._require_running()
        if self._players:
            actions = self._with_python_players(actions)
        self._before = self._packed, actions
        self._packed = _advance(self.game, *self._inputs, self._packed, actions)
        self.time = 1 + (self.time or 0)
        return self._visible()

    def actions(self) -> np.ndarray:
        """Return the joint action of the last step, ``[players]`` int32."""
        # Chosen again, with the keys of that step: to return it from every step would make all of them slower.
        return np.asarray(_joint_action(self.game, *self._inputs, *self._before))

    @property
    def ended(self) -> bool:
        """Whether the episode has reached its horizon."""
        return self.time is not None and self.time >= self.horizon

    def state(self) -> Any:
        """Return the game's state."""
        self.require_open()
        if self._packed is None:
            raise gymnasium.error.ResetNeeded(f"{self.game.name} has no state yet: call reset() first")
        return _state(self.game, *self._inputs, self._packed)

    def close(self) -> None:
        """End the use of this copy."""
        self.time, self._closed = None, True

    def _with_python_players(self, actions: tuple[int, ...]) -> tuple[int, ...]:
        key = _step_key(self.game, *self._inputs, self._packed)
        chosen = self._players.choose(key, self._visible()[0][None])
        return tuple(
            action_number(self.game, chosen[player].item(), player) if player in chosen else action
            for player, action in enumerate(actions)
        )

    def _visible(self) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
        # The last numbers: the carry's observations, then the outcome. A copy, for the user to write in.
        numbers = np.asarray(self._packed.numbers)  # type: ignore[union-attr]  # asked for after a start only
        visible = np.array(numbers[-self._num_visible :])
        split = self._num_observed + self.game.num_players
        info = dict(zip(self._info_names, visible[split:].tolist(), strict=True))
        return visible[: self._num_observed].reshape(self._observation_shape), visible[self._num_observed : split], info

    def require_open(self) -> None:
        """Raise ``gymnasium.error.ClosedEnvironmentError`` after `close`."""
        if self._closed:
            raise gymnasium.error.ClosedEnvironmentError(
                f"this {self.game.name} was closed: call reset() to open it again"
            )

    def _require_running(self) -> None:
        self.require_open()
        if self.time is None:
            raise gymnasium.error.ResetNeeded(f"{self.game.name} has not started: call reset() before step()")
        raise gymnasium.error.ResetNeeded(
            f"this episode of {self.game.name} ended after {self.horizon} steps: call reset() before the next step()"
        )


class _Packed(NamedTuple):
    """The leaves of a tree, in order."""

    numbers: jax.Array  # [...] float32
    words: jax.Array  # [...] uint32: all that is not float32


@partial(jax.jit, static_argnums=0)
def _begin(game: Game[Any, Any], params: Any, policies: Policies, key_data: jax.Array) -> _Packed:
    return _pack(begin(game, params, policies, jax.random.wrap_key_data(key_data)))


@partial(jax.jit, static_argnums=0)
def _begin_next(game: Game[Any, Any], params: Any, policies: Policies, packed: _Packed) -> _Packed:
    before = _unpack(packed, _carry_like(game, params, policies))
    return _pack(begin(game, params, policies, next_key(before.key)))


@partial(jax.jit, static_argnums=0)
def _advance(
    game: Game[Any, Any], params: Any, policies: Policies, packed: _Packed, actions: tuple[Any, ...]
) -> _Packed:
    carry = _unpack(packed, _carry_like(game, params, policies))
    return _pack(advance(game, params, policies, carry, actions))


@partial(jax.jit, static_argnums=0)
def _joint_action(
    game: Game[Any, Any], params: Any, policies: Policies, packed: _Packed, actions: tuple[Any, ...]
) -> jax.Array:
    return choose(policies, _unpack(packed, _carry_like(game, params, policies)), actions)[0]


@partial(jax.jit, static_argnums=0)
def _step_key(game: Game[Any, Any], params: Any, policies: Policies, packed: _Packed) -> jax.Array:
    return python_key(_unpack(packed, _carry_like(game, params, policies)))


@partial(jax.jit, static_argnums=0)
def _state(game: Game[Any, Any], params: Any, policies: Policies, packed: _Packed) -> Any:
    return _unpack(packed, _carry_like(game, params, policies)).state


def _carry_like(game: Game[Any, Any], params: Any, policies: Policies) -> Carry:
    carry: Carry = jax.eval_shape(partial(begin, game), params, policies, jax.random.key(0))[0]
    return carry


def _pack(tree: Any) -> _Packed:
    leaves = jax.tree.leaves(tree)
    numbers = [leaf.ravel() for leaf in leaves if leaf.dtype == jnp.float32]
    return _Packed(
        jnp.concatenate(numbers), jnp.concatenate([_to_words(leaf) for leaf in leaves if leaf.dtype != jnp.float32])
    )


def _unpack(packed: _Packed, like: Any) -> Any:
    """Return the tree of shapes ``like`` from the front of both arrays."""
    shapes, structure = jax.tree.flatten(like)
    leaves, numbers, words = [], packed.numbers, packed.words
    for shape in shapes:
        if shape.dtype == jnp.float32:
            leaves.append(numbers[: shape.size].reshape(shape.shape))
            numbers = numbers[shape.size :]
            continue
        is_key = jnp.issubdtype(shape.dtype, jax.dtypes.prng_key)
        plain = jax.eval_shape(jax.random.key_data, shape) if is_key else shape
        count = plain.size * max(1, plain.dtype.itemsize // 4)
        leaf = _from_words(words[:count], plain)
        leaves.append(jax.random.wrap_key_data(leaf) if is_key else leaf)
        words = words[count:]
    return jax.tree.unflatten(structure, leaves)


def _to_words(leaf: jax.Array) -> jax.Array:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    if leaf.dtype.itemsize < 4:
        leaf = leaf.astype(jnp.float32 if jnp.issubdtype(leaf.dtype, jnp.floating) else jnp.int32)
    return jax.lax.bitcast_convert_type(leaf, jnp.uint32).ravel()


def _from_words(words: jax.Array, like: Any) -> jax.Array:
    if like.dtype.itemsize < 4:
        wide = jnp.float32 if jnp.issubdtype(like.dtype, jnp.floating) else jnp.int32
        return jax.lax.bitcast_convert_type(words, wide).reshape(like.shape).astype(like.dtype)
    pairs = words.reshape(*like.shape, 2) if like.dtype.itemsize == 8 else words.reshape(like.shape)
    return jax.lax.bitcast_convert_type(pairs, like.dtype)
