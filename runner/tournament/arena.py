"""Every player against every player, all match-ups in one compiled program.

A player of the tournament has a policy as player 0 and one as player 1 of the game. Of P players there are 2 P such
policies, each of which takes part in P match-ups of B episodes: so each is asked once a step, for its P B observations
together, and policies of one structure are one piece of code. More match-ups take no more compilation, and no choice is
computed that is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...algorithms.core.devices import for_each_seed, on_one_device
from ...envs.base import Game
from ...envs.policies.one_of import stack_policies
from ...envs.policies.play import Position, play_episodes
from .line_up import Participant
from .records import Played, Tally, whole

EPISODES_AT_ONCE = 40_000
"""Episodes of all match-ups that are played side by side on one device: more would not fit into a CPU's caches. Where
there are more match-ups, one episode of each is."""


@dataclass(frozen=True)
class _Group:
    """Policies of one structure that see the game in the same way."""

    view: int
    policies: tuple[int, ...]
    """Which of the 2 P: player i as player 0 is i, as player 1 it is P + i."""


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
    watched: bool


def parts_of(count: int, episodes: int) -> tuple[int, int]:
    """Return in how many parts the matches of so many players are played, and the episodes of a pair in each batch.

    A part is two batches, one for each of two devices.
    """
    parts = -(-episodes * count**2 // (2 * EPISODES_AT_ONCE))
    num_envs = -(-episodes // (2 * parts))
    return -(-episodes // (2 * num_envs)), num_envs


def play_everyone(
    key: jax.Array,
    game: Game[Any, Any],
    params: Any,
    participants: Sequence[Participant],
    *,
    episodes: int,
    watched: bool = True,
    progress: Callable[[int], None] = lambda done: None,
) -> Played:
    """Play every ordered pair of players, part by part, so that what is kept beside the rewards is that of one part.

    Args:
        key: a typed key.
        game: a game of two players.
        params: its numbers.
        participants: the players; their policies are pytrees.
        episodes: of each ordered pair.
        watched: whether more than the rewards is wanted.
        progress: told after each part how many are done; `parts_of` says of how many.

    Returns:
        What happened; on the same kind of device a key always gives the same.
    """
    parts, num_envs = parts_of(len(participants), episodes)
    arena, stacks = _arena(game, participants, num_envs, int(params.max_steps_in_episode), watched=watched)
    counted = (np.arange(2 * parts * num_envs) < episodes).reshape(parts, 2, num_envs).astype(np.float32)
    keys = jax.random.split(key, (parts, 2))
    batches: list[Played] = []
    for part in range(parts):
        played = jax.device_get(_play(arena, params, stacks, keys[part], counted[part]))
        new = [jax.tree.map(lambda leaf, at=place: leaf[at], played) for place in range(2)]
        batches += [batch._replace(shown=None) for batch in new] if batches else new  # only the first one is shown
        progress(part + 1)
    return whole(batches, episodes)


def _arena(
    game: Game[Any, Any], participants: Sequence[Participant], num_envs: int, num_steps: int, *, watched: bool
) -> tuple[_Arena, tuple[Any, ...]]:
    """Sort the players' policies into groups; each group's leaves get a leading axis."""
    policies = [each.policies[player] for player in (0, 1) for each in participants]
    stacked = stack_policies(policies, 2 * [each.view for each in participants])
    views = tuple(dict.fromkeys((game, *stacked.views)))
    groups = tuple(
        _Group(views.index(view), tuple(np.flatnonzero(stacked.stack == number).tolist()))
        for number, view in enumerate(stacked.views)
    )
    return _Arena(views, groups, len(participants), num_envs, num_steps, watched), stacked.stacks


@partial(jax.jit, static_argnums=0)
def _play(arena: _Arena, params: Any, stacks: tuple[Any, ...], keys: jax.Array, counted: jax.Array) -> Played:
    """Play the batches of a part, shared by the devices; every result has a leading axis."""

    def play_batch(key: jax.Array, counted: jax.Array) -> Played:
        players, tally = _Players(arena, params, stacks), Tally(arena.num_players, arena.num_envs, arena.watched)
        played = play_episodes(
            key,
            arena.views[0],
            params,
            players.choose,
            tally,
            memory=players.memory(),
            known=tally.start(arena.views[0], counted),
            num_envs=arena.num_players**2 * arena.num_envs,
            num_steps=arena.num_steps,
        )
        return tally.result(played)

    return for_each_seed(play_batch, keys, counted)


class _Players(NamedTuple):
    """All players, in a batch of N = P P B episodes in the order (player 0, player 1, episode)."""

    arena: _Arena
    params: Any
    stacks: tuple[Any, ...]

    def memory(self) -> tuple[Any, ...]:
        """Return what each group remembers at the start, ``[policies, P B, ...]``."""
        episodes = self.arena.num_players * self.arena.num_envs
        return tuple(
            # A policy may have no numbers at all, so the size must be said.
            jax.vmap(lambda policy: policy.initial_memory(episodes), axis_size=len(group.policies))(stack)
            for group, stack in zip(self.arena.groups, self.stacks, strict=True)
        )

    def choose(
        self, key: jax.Array, position: Position, memory: tuple[Any, ...]
    ) -> tuple[jax.Array, tuple[Any, ...], jax.Array]:
        """Let every policy choose for all its episodes."""
        observation = position.observation
        players, num_envs = self.arena.num_players, self.arena.num_envs
        choice_key, env_key = jax.random.split(key)
        view_key, act_key = jax.random.split(choice_key)
        seen = [_by_policy(observation, players)]
        for number, view in enumerate(self.arena.views[1:]):
            keys = jax.random.split(jax.random.fold_in(view_key, number), len(observation))
            viewed = jax.vmap(view.observe, in_axes=(0, 0, None, None))(keys, position.state, None, self.params)
            seen.append(_by_policy(viewed, players))
        keys = jax.random.split(act_key, 2 * players)
        chosen = jnp.zeros((2 * players, players * num_envs), jnp.int32)
        memories = []
        for group, stack, own in zip(self.arena.groups, self.stacks, memory, strict=True):
            members = np.array(group.policies)
            actions, after = on_one_device(
                lambda policy, key, observation, memory: policy.act(key, observation, memory),
                stack,
                keys[members],
                seen[group.view][members],
                own,
            )
            chosen = chosen.at[members].set(actions.astype(jnp.int32))
            memories.append(after)
        first, second = chosen.reshape(2, players, players, num_envs)
        actions = jnp.stack([first, jnp.swapaxes(second, 0, 1)], axis=-1).reshape(-1, 2)
        return actions, tuple(memories), env_key


def _by_policy(observation: jax.Array, players: int) -> jax.Array:
    """Sort what is seen ``[N, 2, F]`` by who sees it, ``[2 P, P B, F]``."""
    square = observation.reshape(players, players, -1, *observation.shape[1:])
    sorted_by_who = jnp.stack([square[:, :, :, 0], jnp.swapaxes(square[:, :, :, 1], 0, 1)])  # [2, P, P, B, F]
    return sorted_by_who.reshape(2 * players, -1, observation.shape[-1])
