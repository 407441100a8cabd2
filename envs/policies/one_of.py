"""A player that is one of several policies, chosen by a number that may be mapped over."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ..base import Memory, Policy


@struct.dataclass
class OneOf:
    """Policies of which one decides; the others look on.

    All of them follow the game, so that the choice may be mapped over and many match-ups share one program.
    """

    policies: tuple[Policy, ...]
    decides: jax.Array  # [] int32: which of them

    @classmethod
    def of(cls, learner: Policy, others: StackedPolicies, choice: jax.Array) -> Self:
        """Return the learner (choice 0) or the policy number ``choice - 1`` of the others.

        Args:
            learner: the learner.
            others: the other policies.
            choice: ``[]`` int32, may be traced.
        """
        if not others.stacks:
            return cls((learner,), jnp.int32(0))
        other = others.pick(jnp.maximum(choice - 1, 0))
        return cls((learner, *other.policies), jnp.where(choice == 0, 0, 1 + other.decides))

    def initial_memory(self, num_envs: int) -> Memory:
        """Return the memories of all policies."""
        return tuple(policy.initial_memory(num_envs) for policy in self.policies)

    def act(self, key: jax.Array, observation: jax.Array, memory: Memory) -> tuple[jax.Array, Memory]:
        """Let every policy choose, and take the choice of the one that decides; ``[B]`` int32."""
        return self.act_on(key, [observation] * len(self.policies), memory)

    def act_on(self, key: jax.Array, observations: Sequence[jax.Array], memory: Memory) -> tuple[jax.Array, Memory]:
        """Do what `act` does, with an observation for each policy.

        The key is shared: only one of the choices is ever used.
        """
        seen = zip(self.policies, observations, memory, strict=True)
        results = [policy.act(key, observation, own) for policy, observation, own in seen]
        actions = jnp.stack([actions for actions, _ in results])
        return actions[self.decides], tuple(after for _, after in results)


class StackedPolicies(NamedTuple):
    """Policies grouped by structure, so that those which differ in numbers only are one piece of code."""

    stacks: tuple[Policy, ...]
    """One for each group; every leaf has a leading axis, one row a policy."""

    views: tuple[Any, ...]
    """Of each stack: what `stack_policies` was given for its policies."""

    stack: np.ndarray  # [policies] which stack a policy is in
    row: np.ndarray  # [policies] and which row of it

    def pick(self, index: int | jax.Array) -> OneOf:
        """Return the policy of that number, which may be traced, beside one of each other stack."""
        row, stack = jnp.asarray(self.row)[index], jnp.asarray(self.stack)[index]
        picked = [jax.tree.map(lambda leaf: leaf[jnp.minimum(row, len(leaf) - 1)], each) for each in self.stacks]
        return OneOf(tuple(picked), stack)


def stack_policies(policies: Sequence[Policy], views: Sequence[Hashable] | None = None) -> StackedPolicies:
    """Group policies by the structure of their pytrees and the shapes of their leaves.

    Args:
        policies: the policies.
        views: for each of them something that is equal within a group, such as how it sees the game.
    """
    groups: dict[Any, list[Policy]] = {}
    places = []
    for policy, view in zip(policies, views or [None] * len(policies), strict=True):
        leaves, structure = jax.tree.flatten(policy)
        kind = (view, structure, *((jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves))
        group = groups.setdefault(kind, [])
        places.append((list(groups).index(kind), len(group)))
        group.append(policy)
    stacks = tuple(jax.tree.map(lambda *leaves: jnp.stack(leaves), *group) for group in groups.values())
    stack, row = np.array(places, np.int32).reshape(-1, 2).T
    return StackedPolicies(stacks, tuple(kind[0] for kind in groups), stack, row)
