"""Where computations go: seeds spread over devices, and the two parts of one seed over two of them.

A GPU works on everything at once. A CPU takes one part after the other, since batched matrix products are slow there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import numpy as np

from ..base import PLAYERS_AXIS


def for_each_seed(function: Callable[..., Any], *stacked: Any) -> Any:
    """Map a function over the leading axis of its arguments, shared by the devices where they divide it evenly.

    Args:
        function: of one seed's (or one batch's) arguments.
        *stacked: its arguments, every leaf ``[S, ...]``.

    Returns:
        What it returns, every leaf with a leading axis.
    """
    devices = jax.devices()
    if len(devices) > 1 and _count(stacked) % len(devices) == 0:
        spec = jax.sharding.PartitionSpec("seeds")
        mesh = jax.sharding.Mesh(np.asarray(devices), ("seeds",))
        return jax.shard_map(
            partial(on_one_device, function), mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False
        )(*stacked)
    return on_one_device(function, *stacked)


def on_one_device(function: Callable[..., Any], *stacked: Any) -> Any:
    """Map a function over the leading axis of its arguments on one device, as `for_each_seed` does on each."""
    if _count(stacked) == 1:
        return jax.tree.map(lambda leaf: leaf[None], function(*jax.tree.map(lambda leaf: leaf[0], stacked)))
    return _over_parts(function)(*stacked)


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


def _count(stacked: Any) -> int:
    return int(jax.tree.leaves(stacked)[0].shape[0])


@contextmanager
def players_mesh(num_seeds: int) -> Iterator[jax.sharding.Mesh | None]:
    """Within the block, offer two devices to the players where `for_each_seed` cannot share the seeds among devices."""
    devices = jax.devices()
    if len(devices) < 2 or num_seeds % len(devices) == 0:
        yield None
        return
    auto = (jax.sharding.AxisType.Auto,)
    mesh = jax.sharding.Mesh(np.asarray(devices[:2]), (PLAYERS_AXIS,), axis_types=auto)
    with jax.set_mesh(mesh):
        yield mesh


def for_each_part(function: Callable[..., Any], *stacked: Any, **shared: Any) -> Any:
    """Map a function over the parts of one seed's work, one on each device of a `players_mesh` if there are two.

    Parts are the players, or the halves of a batch. What comes out does not depend on where they are computed.

    Args:
        function: of one part's arguments.
        *stacked: its arguments, every leaf ``[1, ...]`` or ``[2, ...]``.
        **shared: arguments that are the same for every part. On two devices, arrays that a function closes over belong
            to another mesh, in which not every operation is allowed.

    Returns:
        What it returns, every leaf with a leading axis.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if PLAYERS_AXIS not in mesh.axis_names or mesh.shape[PLAYERS_AXIS] != _count(stacked):
        return on_one_device(partial(function, **shared), *stacked)
    spec, everywhere = jax.sharding.PartitionSpec(PLAYERS_AXIS), jax.sharding.PartitionSpec()

    def of_one_part(shared: Any, *slices: Any) -> Any:
        result = function(*jax.tree.map(lambda leaf: leaf[0], slices), **shared)
        return jax.tree.map(lambda leaf: leaf[None], result)

    specs = (everywhere, *(spec for _ in stacked))
    apart = jax.shard_map(of_one_part, in_specs=specs, out_specs=spec, axis_names={PLAYERS_AXIS}, check_vma=False)
    # Both devices keep both parts, so that the next one to read the state need not know where it was made.
    return jax.lax.with_sharding_constraint(apart(shared, *stacked), everywhere)
