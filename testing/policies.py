"""The conformance check of players."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..algorithms.core.trees import different_form, duplicate, foreign_leaf, shape
from ..envs.base import Game, Memory, Policy
from ..envs.policies.python_play import play_in_python
from ..options import player_index
from .clauses import Subject
from .plugins import Env, as_game
from .tracing import demand_same_program

BATCHES = (1, 3)
"""Numbers of episodes that a policy is tried with."""


def check_policy(policy: Policy, env: Env, player: int = 0, *, pure: bool = True) -> None:
    """Check that a player keeps the contract of `polax.envs.base.Policy`.

    It plays a few short episodes against players that act at random.

    Args:
        policy: the player.
        env: an environment's id, a game, or ``(game, params)``.
        player: the number of the player that it is.
        pure: whether it is to be compiled, as scripted players and those of pure algorithms are; False: it plays in
            ordinary Python.

    Raises:
        ContractError: a clause is broken; the message names it and says how to fix it.
        PolaxError: there is no such environment or player.

    Example:
        >>> from polax.envs.matrix_game import MatrixGame
        >>> from polax.envs.policies.strategies import make_strategy
        >>> check_policy(make_strategy("tit-for-tat", MatrixGame(), 1), "IPD-v0", player=1)
    """
    game, params = as_game(env)
    player = player_index(player, game.num_players)
    subject = Subject(f"the policy {type(policy).__name__} as player {player} of {game.name}")
    check_player(subject, policy, game, params, player=player, pure=pure)


def check_player(subject: Subject, policy: Any, game: Game[Any, Any], params: Any, *, player: int, pure: bool) -> None:
    """Do what `check_policy` does, under the name of ``subject``."""
    methods = [name for name in ("initial_memory", "act") if not callable(getattr(policy, name, None))]
    subject.demand("acts", not methods, f"{type(policy).__name__} has no {' and no '.join(methods)}")
    if pure:
        foreign = foreign_leaf(policy)
        subject.demand("policy-pytree", not foreign, f"in {type(policy).__name__}, {foreign}")
        _check_traced(subject, policy, game, params)
    watched = _Watched(subject, policy, game.num_actions, pure)
    players: list[Policy] = [_AtRandom(game.num_actions) for _ in range(game.num_players)]
    players[player] = watched
    for num_envs in BATCHES:
        play_in_python(jax.random.key(num_envs), game, params, players, num_envs=num_envs)


def _check_traced(subject: Subject, policy: Any, game: Game[Any, Any], params: Any) -> None:
    """Trace ``act`` alone and mapped over two copies of the policy; nothing is computed."""
    num_envs = BATCHES[-1]
    with subject.running("acts"):
        memory = policy.initial_memory(num_envs)
    observation = jnp.zeros((num_envs, game.observation_space(params).shape[-1]), jnp.float32)
    demand_same_program(
        subject, "same-key-same-actions", _act, policy, jax.random.key(0), observation, memory, errors="acts"
    )
    policies, memories = jax.tree.map(lambda leaf: jnp.stack([jnp.asarray(leaf)] * 2), (policy, memory))
    with subject.running("maps-over-seeds"):
        keys = jax.random.split(jax.random.key(0))
        jax.eval_shape(jax.vmap(_act, in_axes=(0, 0, None, 0)), policies, keys, observation, memories)


def _act(policy: Policy, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
    return policy.act(key, observation, memory)


_act_compiled = jax.jit(_act)


class _AtRandom(NamedTuple):
    """An opponent that draws its actions uniformly."""

    num_actions: int

    def initial_memory(self, num_envs: int) -> Memory:
        """It remembers nothing."""
        return ()

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Draw one action for each observation."""
        return jax.random.randint(key, observation.shape[:1], 0, self.num_actions), memory


class _Watched(NamedTuple):
    """A player whose every choice is checked."""

    subject: Subject
    policy: Any
    num_actions: int
    pure: bool

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the player's memory, checked."""
        with self.subject.running("acts"):
            memory = self.policy.initial_memory(num_envs)
        self._check_batch_axis(memory, num_envs)
        return memory

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Return the player's choice, checked."""
        act = _act_compiled if self.pure else _act
        before, spare = duplicate(memory), duplicate(memory)
        with self.subject.running("acts"):
            actions, after = act(self.policy, key, observation, memory)
            again, _ = act(self.policy, key, observation, spare)
        self._check_actions(np.asarray(actions), len(observation))
        same = np.array_equal(np.asarray(actions), np.asarray(again))
        self.subject.demand("same-key-same-actions", same, f"{actions}, then {again}")
        change = different_form(before, after)
        self.subject.demand("memory", not change, f"in the memory, {change}")
        return actions, after

    def _check_actions(self, actions: np.ndarray, num_envs: int) -> None:
        form = f"{actions.dtype}{list(actions.shape)} for {num_envs} observations"
        integers = actions.dtype == np.int32 if self.pure else np.issubdtype(actions.dtype, np.integer)
        self.subject.demand("actions", integers and actions.shape == (num_envs,), form)
        inside = ((actions >= 0) & (actions < self.num_actions)).all()
        self.subject.demand("action-range", inside, f"{actions.tolist()}, where there are {self.num_actions} actions")

    def _check_batch_axis(self, memory: Memory, num_envs: int) -> None:
        shapes = [shape(leaf) for leaf in jax.tree.leaves(memory)]
        wrong = [form for form in shapes if form[:1] != (num_envs,)]
        self.subject.demand("memory", not wrong, f"a leaf of shape {wrong[:1]} for {num_envs} episodes")
