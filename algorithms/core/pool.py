"""A pool of past selves: a uniform sample, of bounded size, of all snapshots that were ever added."""

from __future__ import annotations

import os
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

__all__ = ["Pool", "check_memory", "draw", "empty_pool", "push", "size"]


@struct.dataclass
class Pool:
    """Snapshots of one learner's parameters, all arrays: it lives in a learner's state and is saved with it."""

    snapshots: Any  # every leaf [S, ...]; rows that are not filled yet are zero
    count: jax.Array  # [] int32: snapshots added so far, kept or not


def empty_pool(like: Any, capacity: int) -> Pool:
    """Return a pool without snapshots, for parameters shaped as ``like``."""
    snapshots = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), like)
    return Pool(snapshots=snapshots, count=jnp.int32(0))


def check_memory(like: Any, capacity: int | None, number: int) -> None:
    """Check that pools fit into this machine's memory.

    Args:
        like: shapes of a snapshot.
        capacity: of each pool; None: there are none.
        number: of pools.

    Raises:
        ValueError: they do not.
    """
    needed = sum(4 * leaf.size for leaf in jax.tree.leaves(like)) * number * (capacity or 0)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise ValueError(
            f"pool_size must fit into memory; {capacity} snapshots take {needed / 2**30:.1f} GiB, "
            f"there are {there / 2**30:.1f}"
        )


def size(pool: Pool) -> jax.Array:
    """Return the number of snapshots that the pool holds, ``[]`` int32."""
    return jnp.minimum(pool.count, _capacity(pool))


def push(key: jax.Array, pool: Pool, params: Any) -> Pool:
    """Add a snapshot (Vitter's algorithm R), so that the pool stays a uniform sample of everything added.

    Args:
        key: a typed key, used once.
        pool: the pool.
        params: the snapshot. A full pool keeps it with probability capacity / count, in place of a random other one.

    Returns:
        The pool with one more snapshot counted.
    """
    place = jax.random.randint(key, (), 0, pool.count + 1)
    slot = jnp.where(pool.count < _capacity(pool), pool.count, place)  # a slot beyond the end is dropped
    snapshots = jax.tree.map(lambda rows, leaf: rows.at[slot].set(leaf, mode="drop"), pool.snapshots, params)
    return Pool(snapshots=snapshots, count=pool.count + 1)


def draw(key: jax.Array, pool: Pool, shape: tuple[int, ...]) -> Any:
    """Draw snapshots uniformly and independently from a pool that is not empty; every leaf is ``[*shape, ...]``."""
    rows = jax.random.randint(key, shape, 0, size(pool))
    return jax.tree.map(lambda leaf: leaf[rows], pool.snapshots)


def _capacity(pool: Pool) -> int:
    return int(jax.tree.leaves(pool.snapshots)[0].shape[0])
