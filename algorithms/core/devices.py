"""Where computations go: a mesh of devices along which seeds, episodes and players are shared.

Its axes are `SEEDS_AXIS`, `PLAYERS_AXIS` and `ENVS_AXIS`. `for_each_seed` opens the mesh: within it each device runs
the same program on its seeds. An update may then divide its work further: `share_episodes` gives each device along
``envs`` an equal part of the batch, which costs one mean over the devices for each gradient, and `for_each_part` gives
each device along ``players`` equally many players. An update that does neither is computed by all these devices alike.
Random numbers are drawn for the whole batch and then shared out, so results do not depend on the mesh but for rounding.

A GPU works on everything at once. A CPU takes one part after the other, since batched matrix products are slow there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ...options import OptionError, shown, suggest
from ..base import ENVS_AXIS, PLAYERS_AXIS, SEEDS_AXIS

AXES = (SEEDS_AXIS, PLAYERS_AXIS, ENVS_AXIS)
"""Axes of a mesh. Where there is a choice, the earlier one is used first: the less is exchanged along it."""

FEWEST_EPISODES = 32
"""A device gets no smaller part of a batch unless a mesh asks for it: below, a step costs more than its episodes."""

_asked: ContextVar[Mapping[str, int] | None] = ContextVar("asked", default=None)


@contextmanager
def asking_for(sizes: Mapping[str, int] | None) -> Iterator[None]:
    """Within the block, let `make_mesh` return a mesh of these sizes by axis; None: it chooses.

    Raises:
        OptionError: an axis that a mesh does not have, or a size that is not a whole number above 0.
    """
    for axis, size in (sizes or {}).items():
        if axis not in AXES:
            raise OptionError(f"a mesh has no axis {axis!r}; {suggest(str(axis), AXES)}")
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise OptionError(f"a mesh has a whole number of devices along {axis}, at least 1, not {shown(size)}")
    token = _asked.set(sizes)
    try:
        yield
    finally:
        _asked.reset(token)


def mesh_asked() -> Mapping[str, int] | None:
    """Return the mesh that is asked for, or None."""
    return _asked.get()


def make_mesh(pieces: Mapping[str, int]) -> Mesh:
    """Return the mesh for a computation; it may have one device.

    Args:
        pieces: by axis, into how many equal pieces the computation can be divided; 1 where an axis is left out. Each
            device along an axis gets equally many of them.

    Raises:
        OptionError: the mesh that was asked for does not divide the pieces, or has more devices than there are.
    """
    devices, asked = jax.devices(), _asked.get()
    if asked is not None:
        _check_sizes(asked, pieces, len(devices))
    sizes = choose_sizes(pieces, len(devices)) if asked is None else asked
    shape = [sizes.get(axis, 1) for axis in AXES]
    if several_processes() and math.prod(shape) != len(devices):
        raise OptionError(
            f"over {jax.process_count()} processes a mesh has all their {len(devices)} devices, and "
            f"{describe_mesh(dict(zip(AXES, shape, strict=True)))} has {math.prod(shape)}; choose numbers of seeds and "
            "episodes that the devices divide, or fewer devices"
        )
    return Mesh(np.asarray(devices[: math.prod(shape)]).reshape(shape), AXES)


def choose_sizes(pieces: Mapping[str, int], num_devices: int) -> dict[str, int]:
    """Return, by axis, how many devices share the pieces: as many as possible, along the first axes where equal."""
    choices = []
    for axis in AXES:
        count, fewest = pieces.get(axis, 1), FEWEST_EPISODES if axis == ENVS_AXIS else 1
        sizes = (size for size in range(1, num_devices + 1) if count % size == 0)
        choices.append([size for size in sizes if size == 1 or count // size >= fewest])
    possible = (shape for shape in product(*choices) if math.prod(shape) <= num_devices)
    return dict(zip(AXES, max(possible, key=lambda shape: (math.prod(shape), shape)), strict=True))


def _check_sizes(asked: Mapping[str, int], pieces: Mapping[str, int], num_devices: int) -> None:
    total, words = math.prod(asked.values()), describe_mesh(asked)
    for axis, size in asked.items():
        count = pieces.get(axis, 1)
        if count % size:
            allowed = " or ".join(str(each) for each in range(1, min(count, num_devices) + 1) if count % each == 0)
            raise OptionError(f"the mesh {words} does not divide {_NOUNS[axis]}: {count}; {axis} may be {allowed} here")
    if total > num_devices:
        raise OptionError(
            f"the mesh {words} has {total} devices, and there are {num_devices}; choose a smaller one (a CPU has one "
            "for each core, or as many as XLA_FLAGS=--xla_force_host_platform_device_count=N says)"
        )


_NOUNS = {
    SEEDS_AXIS: "the number of seeds",
    ENVS_AXIS: "the number of episodes that devices can share",
    PLAYERS_AXIS: "the number of players that devices can share",
}


def several_processes() -> bool:
    """Tell whether the devices belong to several processes."""
    return jax.process_count() > 1


def place(tree: Any, mesh: Mesh) -> Any:
    """Return arrays ``[S, ...]`` of the first process on a mesh over several processes, which all call this.

    Args:
        tree: the arrays; of the other processes only their shapes and types count.
        mesh: from `make_mesh`.
    """
    _introduce(mesh)
    sharding = NamedSharding(mesh, PartitionSpec(SEEDS_AXIS))

    def spread(leaf: np.ndarray) -> jax.Array:
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    numbers = jax.tree.map(lambda leaf: np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf), tree)
    placed = jax.tree.map(spread, multihost_utils.broadcast_one_to_all(numbers))
    return jax.tree.map(lambda leaf, new: _as_key(new, leaf) if _is_key(leaf) else new, tree, placed)


def _introduce(mesh: Mesh) -> None:
    """Let devices of several processes find each other along every axis.

    They have to within half a minute, on a CPU, and the programs that follow may take one process longer to compile.
    """

    def sums(one: jax.Array) -> jax.Array:
        return sum((jax.lax.psum(one, axis) for axis in AXES), start=one)

    spec = PartitionSpec(AXES)
    met = jax.jit(jax.shard_map(sums, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))
    jax.block_until_ready(met(np.ones(mesh.size, np.float32)))


def fetch(tree: Any, mesh: Mesh | None) -> Any:
    """Return arrays of a mesh, of which every process has all; over several processes all must call this."""
    if mesh is None or not several_processes():
        return tree
    whole = jax.jit(lambda tree: tree, out_shardings=NamedSharding(mesh, PartitionSpec()))(tree)
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), whole)


def describe_mesh(sizes: Mapping[str, int]) -> str:
    """Return a mesh as it is written on a command line."""
    return ",".join(f"{axis}={size}" for axis, size in sizes.items())


def for_each_seed(function: Callable[..., Any], *stacked: Any, mesh: Mesh | None = None) -> Any:
    """Map a function over the leading axis of its arguments, which devices share.

    Args:
        function: of one seed's (or one batch's) arguments.
        *stacked: its arguments, every leaf ``[S, ...]``.
        mesh: from `make_mesh`; None: the seeds are shared by all devices of this process where these divide them.

    Returns:
        What it returns, every leaf with a leading axis.
    """
    if mesh is None:
        devices = jax.local_devices()
        mesh = Mesh(np.asarray(devices if _count(stacked) % len(devices) == 0 else devices[:1]), (SEEDS_AXIS,))
    if mesh.size == 1:
        return on_one_device(function, *stacked)
    spec = PartitionSpec(SEEDS_AXIS)
    return jax.shard_map(partial(on_one_device, function), mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)(
        *stacked
    )


def on_one_device(function: Callable[..., Any], *stacked: Any) -> Any:
    """Map a function over the leading axis of its arguments on one device, as `for_each_seed` does on each."""
    if _count(stacked) == 1:
        return jax.tree.map(lambda leaf: leaf[None], function(*jax.tree.map(lambda leaf: leaf[0], stacked)))
    return _over_parts(function)(*stacked)


def for_each_part(function: Callable[..., Any], *stacked: Any) -> Any:
    """Map a function over the parts of one seed's update, shared by the devices along the players if these divide them.

    Args:
        function: of one part's arguments.
        *stacked: its arguments, every leaf ``[P, ...]``.

    Returns:
        What it returns, every leaf with a leading axis, on all these devices.
    """
    devices, count = _devices_along(PLAYERS_AXIS), _count(stacked)
    if devices == 1 or count % devices:
        return on_one_device(function, *stacked)
    size = count // devices
    first = jax.lax.axis_index(PLAYERS_AXIS) * size
    own = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, first, size), stacked)
    result = on_one_device(function, *own)
    return jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, PLAYERS_AXIS, tiled=True), result)


class Episodes(NamedTuple):
    """Which episodes of a batch a device has: of every block of the batch one part. The default is all of them."""

    parts: int = 1
    """How many parts a block is divided into."""
    part: jax.Array | int = 0
    """Which one the device has."""
    blocks: int = 1
    """Equal runs of episodes of which each device must have as many, such as those with the same opponent."""
    devices: int = 1
    """How many devices the whole batch is on."""

    def take(self, leaf: jax.Array, axis: int = 0) -> jax.Array:
        """Return the device's episodes of all ``[..., B, ...]``."""
        if self.parts == 1:
            return leaf
        shape = leaf.shape
        apart = leaf.reshape(*shape[:axis], self.blocks, self.parts, -1, *shape[axis + 1 :])
        own = jax.lax.dynamic_index_in_dim(apart, self.part, axis + 1, keepdims=False)
        return own.reshape(*shape[:axis], -1, *shape[axis + 1 :])

    def spread(self, leaf: jax.Array) -> jax.Array:
        """Return an array of all episodes ``[B, ...]`` with the device's in their places, and zeros elsewhere."""
        if self.parts == 1:
            return leaf
        own = leaf.reshape(self.blocks, -1, *leaf.shape[1:])
        places = jnp.zeros((self.blocks, self.parts, *own.shape[1:]), leaf.dtype)
        return places.at[:, self.part].set(own).reshape(-1, *leaf.shape[1:])

    def count(self, num_envs: int) -> int:
        """Return how many of so many episodes the device has."""
        return num_envs // self.parts

    def mean(self, tree: Any) -> Any:
        """Return the mean over all devices of what each has found for its episodes, in one exchange."""
        if self.devices == 1:
            return tree
        flat, restore = ravel_pytree(tree)
        return restore(jax.lax.pmean(flat, ENVS_AXIS))


WHOLE = Episodes()
"""The whole batch."""


def share_episodes() -> Episodes:
    """Return which episodes of a batch this device has, inside `for_each_seed`."""
    devices = _devices_along(ENVS_AXIS)
    return WHOLE if devices == 1 else Episodes(devices, jax.lax.axis_index(ENVS_AXIS), devices=devices)


def share_parts(count: int, *stacked: Any, blocks: int) -> tuple[Episodes, Any]:
    """Return which parts of a batch this device has, and of each of them which episodes.

    Where there are more devices than parts, several of them share a part.

    Args:
        count: of the parts of the batch.
        *stacked: what belongs to the parts, every leaf ``[count, ...]``.
        blocks: of episodes in a part, as in `Episodes`.

    Returns:
        The episodes of each of its parts, and what belongs to these parts.
    """
    devices = _devices_along(ENVS_AXIS)
    if devices == 1:
        return Episodes(blocks=blocks), stacked
    groups = math.gcd(count, devices)
    in_group, size = devices // groups, count // groups
    index = jax.lax.axis_index(ENVS_AXIS)
    first = index // in_group * size
    own = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, first, size), stacked)
    return Episodes(in_group, index % in_group, blocks, devices), own


def _devices_along(axis: str) -> int:
    """Return how many devices of the mesh that `for_each_seed` has opened are along an axis; 1 outside of it."""
    mesh = jax.sharding.get_abstract_mesh()
    return int(mesh.shape[axis]) if axis in mesh.manual_axes else 1


def on_cpu() -> bool:
    """Tell whether the program is compiled for a CPU."""
    return jax.default_backend() == "cpu"


def steps_at_once() -> int:
    """How many steps of a game are written out in the body of a loop: on a GPU, the loop itself costs a lot."""
    return 1 if on_cpu() else 10


def _over_parts(function: Callable[..., Any]) -> Callable[..., Any]:
    if on_cpu():
        return lambda *stacked: jax.lax.map(lambda slices: function(*slices), stacked)
    return jax.vmap(function)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _as_key(words: jax.Array, like: jax.Array) -> jax.Array:
    return jax.jit(partial(jax.random.wrap_key_data, impl=jax.random.key_impl(like)))(words)


def _count(stacked: Any) -> int:
    return int(jax.tree.leaves(stacked)[0].shape[0])
