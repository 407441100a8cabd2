"""A seat in which one of several players sits, chosen by a number that may be mapped over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ..base import Memory, Policy


class StackedPlayers(NamedTuple):
    """Players grouped by structure, so that those which differ in numbers only are one piece of code."""

    stacks: tuple[Policy, ...]
    """One for each structure; every leaf has a leading axis, one row a player."""

    stack: np.ndarray  # [players] which stack a player is in
    row: np.ndarray  # [players] and which row of it


def stack_players(players: Sequence[Policy]) -> StackedPlayers:
    """Group players by the structure of their pytrees and the shapes of their leaves."""
    groups: dict[Any, list[Policy]] = {}
    places = []
    for player in players:
        leaves, structure = jax.tree.flatten(player)
        kind = (structure, *((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves))
        group = groups.setdefault(kind, [])
        places.append((list(groups).index(kind), len(group)))
        group.append(player)
    stacks = tuple(jax.tree.map(lambda *leaves: jnp.stack(leaves), *group) for group in groups.values())
    stack, row = np.array(places, np.int32).reshape(-1, 2).T
    return StackedPlayers(stacks, stack, row)


@struct.dataclass
class OneOf:
    """A learner and one candidate of each structure, of which one decides; the others look on.

    All of them follow the game, so that the choice may be mapped over and many match-ups share one program.
    """

    candidates: tuple[Policy, ...]
    """The learner first."""

    decides: jax.Array  # [] int32: which candidate

    @classmethod
    def of(cls, learner: Policy, scripted: StackedPlayers, choice: jax.Array) -> Self:
        """Return the seat in which the learner sits (choice 0) or the scripted player number ``choice - 1``.

        Args:
            learner: the learner.
            scripted: the scripted players.
            choice: ``[]`` int32, may be traced.
        """
        if not scripted.stacks:
            return cls((learner,), jnp.int32(0))
        player = jnp.maximum(choice - 1, 0)
        row, stack = jnp.asarray(scripted.row)[player], jnp.asarray(scripted.stack)[player]
        candidates = tuple(
            jax.tree.map(lambda leaf: leaf[jnp.minimum(row, len(leaf) - 1)], each) for each in scripted.stacks
        )
        return cls((learner, *candidates), jnp.where(choice == 0, 0, 1 + stack))

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the memories of all candidates."""
        return tuple(player.initial_memory(num_envs) for player in self.candidates)

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Let every candidate choose, and take the choice of the one that decides; ``[B]`` int32.

        The key is shared: only one of the choices is ever used.
        """
        results = [player.act(key, observation, own) for player, own in zip(self.candidates, memory, strict=True)]
        actions = jnp.stack([actions for actions, _ in results])
        return actions[self.decides], tuple(after for _, after in results)
