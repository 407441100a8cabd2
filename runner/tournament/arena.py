"""Every player against every player, all match-ups in one compiled program.

A player has a policy for each seat. Of P players there are 2 P such policies, each of which sits in P match-ups of B
episodes: so each is asked once a step, for its P B observations together, and policies of one structure are one piece
of code. The number of match-ups costs no compilation, and nobody computes a choice that is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...algorithms.core.devices import for_each_seed, on_one_device
from ...envs.base import Game
from ...envs.policies.one_of import stack_players
from .line_up import Participant
from .records import START, Played, Shown

EPISODES_AT_ONCE = 40_000
"""Episodes of all match-ups that are played side by side on one device: more would not fit into a CPU's caches."""


@dataclass(frozen=True)
class _Group:
    """Policies of one structure that see the game in the same way."""

    view: int
    policies: tuple[int, ...]
    """Which of the 2 P: player i in seat 0 is i, in seat 1 it is P + i."""


@dataclass(frozen=True)
class _Arena:
    """What a program is compiled for."""

    views: tuple[Game[Any, Any], ...]
    """The game, then the other forms of it in which players see it."""
    groups: tuple[_Group, ...]
    num_players: int
    num_envs: int
    """B, episodes of a match-up that are played side by side."""
    num_steps: int


class _Carry(NamedTuple):
    """A batch of N = P P B episodes between two steps, in the order (player in seat 0, player in seat 1, episode)."""

    observation: jax.Array  # [N, 2, F]
    state: Any
    memories: tuple[Any, ...]  # of each group, [policies, P B, ...]
    total: jax.Array  # [N, 2]: rewards so far
    before: jax.Array  # [N, 2]: the last actions, own first; see `records.START`
    moves: jax.Array | None  # [P, P, 2, 5, 2]


class _Sums(NamedTuple):
    """What one batch of episodes gives."""

    rewards: jax.Array  # [P, P, B, 2]: mean reward a step
    moves: jax.Array | None  # [P, P, 2, 5, 2]
    info: dict[str, jax.Array]  # [P, P] each: sum over counted episodes of the mean over steps
    shown: Shown


def play_everyone(
    key: jax.Array, game: Game[Any, Any], params: Any, participants: Sequence[Participant], *, episodes: int
) -> Played:
    """Play every ordered pair of players.

    Args:
        key: a typed key.
        game: a game of two players.
        params: its numbers.
        participants: the players; their policies are pytrees.
        episodes: of each ordered pair.

    Returns:
        What happened; on the same kind of device a key always gives the same.
    """
    count = len(participants)
    batches = 2 * -(-episodes * count**2 // (2 * EPISODES_AT_ONCE))  # an even number: two devices share the work
    num_envs = -(-episodes // batches)
    arena, stacks = _arena(game, participants, num_envs, int(params.max_steps_in_episode))
    counted = (np.arange(batches * num_envs) < episodes).reshape(batches, num_envs)
    sums: _Sums = jax.device_get(
        _play(arena, params, stacks, jax.random.split(key, batches), counted.astype(np.float32))
    )
    rewards = np.moveaxis(np.asarray(sums.rewards), 0, 2).reshape(count, count, batches * num_envs, 2)
    return Played(
        rewards=np.asarray(rewards[:, :, :episodes], np.float64),
        moves=None if sums.moves is None else np.asarray(sums.moves, np.float64).sum(axis=0),
        info={name: np.asarray(values, np.float64).sum(axis=0) / episodes for name, values in sums.info.items()},
        shown=jax.tree.map(lambda leaf: leaf[0], sums.shown),
    )


def _arena(
    game: Game[Any, Any], participants: Sequence[Participant], num_envs: int, num_steps: int
) -> tuple[_Arena, tuple[Any, ...]]:
    """Sort the players' policies into groups; each group's leaves get a leading axis."""
    views = tuple(dict.fromkeys((game, *(each.view for each in participants))))
    policies = [each.policies[seat] for seat in (0, 1) for each in participants]
    groups, stacks = [], []
    for number, view in enumerate(views):
        members = np.array(
            [index for index in range(len(policies)) if participants[index % len(participants)].view == view]
        )
        if not len(members):
            continue
        stacked = stack_players([policies[index] for index in members])
        for kind, stack in enumerate(stacked.stacks):
            groups.append(_Group(number, tuple(members[stacked.stack == kind].tolist())))
            stacks.append(stack)
    return _Arena(views, tuple(groups), len(participants), num_envs, num_steps), tuple(stacks)


@partial(jax.jit, static_argnums=0)
def _play(arena: _Arena, params: Any, stacks: tuple[Any, ...], keys: jax.Array, counted: jax.Array) -> _Sums:
    """Play batches of episodes, shared by the devices; every result has a leading axis."""
    return for_each_seed(lambda key, weights: _play_batch(arena, params, stacks, key, weights), keys, counted)


def _play_batch(arena: _Arena, params: Any, stacks: tuple[Any, ...], key: jax.Array, counted: jax.Array) -> _Sums:
    """Play B episodes of every ordered pair; ``counted`` ``[B]`` is 1 where an episode counts and 0 where not."""
    game, players = arena.views[0], arena.num_players
    batch = players**2 * arena.num_envs
    reset_key, steps_key = jax.random.split(key)
    observation, state = jax.vmap(game.reset_env, in_axes=(0, None))(jax.random.split(reset_key, batch), params)
    memories = tuple(
        # A policy may have no numbers at all, so the size must be said.
        jax.vmap(lambda policy: policy.initial_memory(players * arena.num_envs), axis_size=len(group.policies))(stack)
        for group, stack in zip(arena.groups, stacks, strict=True)
    )
    square = (players, players, arena.num_envs)

    def step(carry: _Carry, step_key: jax.Array) -> tuple[_Carry, Any]:
        act_key, env_key = jax.random.split(step_key)
        actions, memories = _act(arena, params, stacks, act_key, carry)
        observation, state, reward, _, info = jax.vmap(game.step_env, in_axes=(0, 0, 0, None))(
            jax.random.split(env_key, batch), carry.state, actions, params
        )
        moves = carry.moves
        if moves is not None:
            moves = moves + _count_moves(carry.before, actions, counted, square)
        after = _Carry(observation, state, memories, carry.total + reward, actions, moves)
        means = {name: values.reshape(*square, -1).mean(-1) @ counted for name, values in info.items()}
        return after, (means, _first((actions, reward, state), square))

    moves = jnp.zeros((players, players, 2, 5, 2)) if game.num_actions == 2 else None
    before = jnp.full((batch, 2), START, jnp.int32)
    start = _Carry(observation, state, memories, jnp.zeros((batch, 2)), before, moves)
    end, (info, (actions, rewards, states)) = jax.lax.scan(step, start, jax.random.split(steps_key, arena.num_steps))
    states = jax.tree.map(lambda first, later: jnp.concatenate([first[None], later]), _first(state, square), states)
    return _Sums(
        rewards=(end.total / arena.num_steps).reshape(*square, 2),
        moves=end.moves,
        info={name: values.mean(axis=0) for name, values in info.items()},
        shown=Shown(*jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 2), (actions, rewards, states))),
    )


def _act(
    arena: _Arena, params: Any, stacks: tuple[Any, ...], key: jax.Array, carry: _Carry
) -> tuple[jax.Array, tuple[Any, ...]]:
    """Let every policy choose for all its episodes; the joint actions are ``[N, 2]`` int32."""
    players, num_envs = arena.num_players, arena.num_envs
    view_key, act_key = jax.random.split(key)
    seen = [_by_policy(carry.observation, players)]
    for number, view in enumerate(arena.views[1:]):
        keys = jax.random.split(jax.random.fold_in(view_key, number), len(carry.observation))
        observation = jax.vmap(view.observe, in_axes=(0, 0, None, None))(keys, carry.state, None, params)
        seen.append(_by_policy(observation, players))
    keys = jax.random.split(act_key, 2 * players)
    chosen = jnp.zeros((2 * players, players * num_envs), jnp.int32)
    memories = []
    for group, stack, memory in zip(arena.groups, stacks, carry.memories, strict=True):
        members = np.array(group.policies)
        results = on_one_device(
            lambda policy, key, observation, memory: policy.act(key, observation, memory),
            stack,
            keys[members],
            seen[group.view][members],
            memory,
        )
        chosen = chosen.at[members].set(results[0].astype(jnp.int32))
        memories.append(results[1])
    first, second = chosen.reshape(2, players, players, num_envs)
    return jnp.stack([first, jnp.swapaxes(second, 0, 1)], axis=-1).reshape(-1, 2), tuple(memories)


def _by_policy(observation: jax.Array, players: int) -> jax.Array:
    """Sort what is seen ``[N, 2, F]`` by who sees it, ``[2 P, P B, F]``."""
    square = observation.reshape(players, players, -1, *observation.shape[1:])
    seats = jnp.stack([square[:, :, :, 0], jnp.swapaxes(square[:, :, :, 1], 0, 1)])  # [2, P, P, B, F]
    return seats.reshape(2 * players, -1, observation.shape[-1])


def _count_moves(before: jax.Array, actions: jax.Array, counted: jax.Array, square: tuple[int, int, int]) -> jax.Array:
    """Count what each seat did after which joint action, ``[P, P, 2, 5, 2]``."""
    other = before[:, ::-1]
    situation = jnp.where(before == START, 4, 2 * before + other)
    happened = jax.nn.one_hot(2 * situation + actions, 10)  # [N, 2, 10]
    counts = jnp.einsum("pqbsm,b->pqsm", happened.reshape(*square, 2, 10), counted)
    return counts.reshape(*square[:2], 2, 5, 2)


def _first(tree: Any, square: tuple[int, int, int]) -> Any:
    """Return the first episode of every pair, ``[P, P, ...]``."""
    return jax.tree.map(lambda leaf: leaf.reshape(*square, *leaf.shape[1:])[:, :, 0], tree)
