"""Several seeds of one learner: in one compiled program if the algorithm is pure, otherwise one after another.

The state and all random keys of a seed derive from its number alone, so its result does not depend on the other seeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from ...algorithms.base import SEEDS_AXIS, Algorithm
from ...algorithms.core.devices import fetch, for_each_seed, make_mesh, mesh_asked, place, several_processes
from ...algorithms.core.trees import different_form
from ...envs.base import Policy
from ...options import OptionError


class SeedKeys(NamedTuple):
    """The keys of several seeds, one child for each purpose."""

    init: jax.Array  # [S] keys
    update: jax.Array  # [S] keys; fold_in the number of the update
    evaluate: jax.Array  # [S] keys; fold_in the number of the update


class Step(NamedTuple):
    """The outcome of one update of all seeds."""

    states: Any
    metrics: dict[str, np.ndarray]  # each [S] float64
    failures: dict[int, str]
    """By index of the seed: which value is not finite. Such a seed keeps its previous state."""


class Taken(NamedTuple):
    """One of the updates that `take_updates` takes."""

    number: int
    step: Step
    seconds: float
    """How long it took."""


def take_updates(
    learner: Learner, keys: jax.Array, states: Any, *, numbers: Iterable[int], alive: np.ndarray
) -> Iterator[Taken]:
    """Yield one update of all seeds after another, until the numbers or the seeds are exhausted.

    Args:
        learner: of several seeds.
        keys: ``[S]`` keys; the number of the update is folded in.
        states: the states of the seeds.
        numbers: of the updates.
        alive: ``[S]`` bool, the seeds that learn, read before every update. A seed that stops being finite is removed;
            between two updates the caller may remove others.
    """
    for number in numbers:
        if not alive.any():
            return
        begun = time.perf_counter()
        step = learner.update(keys, number, alive, states)
        states = step.states
        alive[list(step.failures)] = False
        yield Taken(number, step, time.perf_counter() - begun)


def seed_keys(seeds: Sequence[int] | np.ndarray) -> SeedKeys:
    """Return the keys that belong to these seeds."""
    return SeedKeys(*_seed_keys(np.asarray(seeds, np.uint32)))


@jax.jit
def _seed_keys(seeds: jax.Array) -> tuple[jax.Array, ...]:
    children = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed), len(SeedKeys._fields)))(seeds)
    return tuple(children[:, index] for index in range(len(SeedKeys._fields)))


class CompiledLearner(NamedTuple):
    """All seeds of a pure algorithm as one program, mapped over seeds and spread over the devices."""

    algorithm: Algorithm

    mesh: Mesh | None = None
    """The devices; None: the seeds are shared by all devices of this process, where these divide them."""

    skip: bool = False
    """Whether a seed that has ended takes no time where one is computed after another, as on a CPU. It costs some
    compilation, and few seeds end."""

    def init(self, keys: jax.Array) -> Any:
        """Return the states of all seeds, with a leading seed axis."""
        return _init(self.algorithm.init, keys, mesh=None if several_processes() else self.mesh)

    def template(self, keys: jax.Array) -> Any:
        """Return the shapes of the states; nothing is computed."""
        return jax.eval_shape(partial(_init, self.algorithm.init, mesh=self.mesh), keys)

    def update(self, keys: jax.Array, number: int, alive: np.ndarray, states: Any) -> Step:
        """Take one update of all seeds in one compiled program."""
        results = _update(self.algorithm.update, np.uint32(number), keys, alive, states, skip=self.skip, mesh=self.mesh)
        new_states, *rest = jax.block_until_ready(results)
        metrics, sound = fetch(rest, self.mesh)
        table = {name: np.asarray(value, np.float64) for name, value in jax.device_get(metrics).items()}
        sound = np.asarray(sound)
        failures = {index: _first_bad(table, index) for index in np.flatnonzero(alive & ~sound).tolist()}
        return Step(new_states, table, failures)

    def trace(self, keys: jax.Array, states: Any) -> Any:
        """Return the program of an update, traced for such states (or their shapes) and not compiled."""
        alive = np.ones(len(keys), np.bool_)
        return _update.trace(self.algorithm.update, np.uint32(1), keys, alive, states, skip=self.skip, mesh=self.mesh)

    def policies(self, states: Any) -> Any:
        """Return the players of all seeds, with a leading seed axis."""
        return _policies(self.algorithm.policies, states, mesh=self.mesh)

    def place(self, states: Any) -> Any:
        """Return states typed and placed as an update leaves them, so that updates are compiled once.

        Over several processes they are those of the first one.
        """
        if self.mesh is not None and several_processes():
            return place(states, self.mesh)
        return settle(states, mesh=self.mesh)

    def fetch(self, states: Any) -> Any:
        """Return states that this process has whole, whichever devices compute them."""
        return fetch(states, self.mesh)


@partial(jax.jit, static_argnums=0, static_argnames="mesh")
def _init(init: Callable[[jax.Array], Any], keys: jax.Array, *, mesh: Mesh | None) -> Any:
    # A weakly typed leaf (a Python number made into an array) would become strong in the first update, and the second
    # one would be compiled again.
    return jax.tree.map(_strong, for_each_seed(init, keys, mesh=mesh))


@partial(jax.jit, static_argnames="mesh")
def settle(states: Any, *, mesh: Mesh | None = None) -> Any:
    """Return states of all seeds typed and placed as an update leaves them, so that updates are compiled once."""
    return for_each_seed(lambda state: jax.tree.map(_strong, state), states, mesh=mesh)


def stack(trees: Sequence[Any]) -> Any:
    """Return pytrees of one form as one, with a leading axis."""

    def stacked(*leaves: Any) -> Any:
        # numpy has nothing to compile for each shape and number of arrays
        return (jnp if _is_key(leaves[0]) else np).stack(leaves)

    return jax.tree.map(stacked, *trees)


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(jnp.asarray(leaf).dtype, jax.dtypes.extended)


def _strong(leaf: Any) -> jax.Array:
    """Return an array whose type is its own, not that of a Python number."""
    array = jnp.asarray(leaf)
    return array if _is_key(array) else jax.lax.convert_element_type(array, array.dtype)


@partial(jax.jit, static_argnums=0, static_argnames="mesh")
def _policies(policies: Callable[[Any], tuple[Policy, ...]], states: Any, *, mesh: Mesh | None) -> Any:
    return for_each_seed(policies, states, mesh=mesh)


@partial(jax.jit, static_argnums=0, static_argnames=("skip", "mesh"))
def _update(
    update: Callable[[jax.Array, Any], tuple[Any, Any]],
    number: jax.Array,
    keys: jax.Array,
    alive: jax.Array,
    states: Any,
    *,
    skip: bool,
    mesh: Mesh | None,
) -> tuple[Any, dict[str, jax.Array], jax.Array]:
    """Update every seed; one whose values stop being finite, or stopped before, keeps its state."""

    def one(key: jax.Array, is_alive: jax.Array, state: Any) -> tuple[Any, dict[str, jax.Array], jax.Array]:
        new, metrics = update(jax.random.fold_in(key, number), state)
        for name, value in metrics.items():
            if jnp.shape(value) != ():
                raise ValueError(f"metric {name!r} has shape {jnp.shape(value)}; an algorithm's metrics are scalars")
        finite = [jnp.isfinite(jnp.asarray(value)).all() for value in metrics.values()]
        defined = [~jnp.isnan(leaf).any() for leaf in jax.tree.leaves(new) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
        sound = jnp.stack([jnp.array(object=True), *finite, *defined]).all()
        change = different_form(state, new)
        if change:
            raise ValueError(f"update must keep the form of the state: {change}")
        kept = jax.tree.map(lambda after, before: jnp.where(sound & is_alive, after, before), new, state)
        return kept, metrics, sound

    def one_alive(key: jax.Array, is_alive: jax.Array, state: Any) -> tuple[Any, dict[str, jax.Array], jax.Array]:
        _, *others = jax.eval_shape(one, key, is_alive, state)
        metrics, sound = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), others)
        return jax.lax.cond(is_alive, partial(one, key, is_alive), lambda state: (state, metrics, sound), state)

    return for_each_seed(one_alive if skip else one, keys, alive, states, mesh=mesh)


class PythonLearner(NamedTuple):
    """The seeds of an algorithm in ordinary Python, one after another; states are lists with one entry per seed."""

    algorithm: Algorithm

    def init(self, keys: jax.Array) -> list[Any]:
        """Return the state of each seed."""
        return [self.algorithm.init(key) for key in keys]

    def template(self, keys: jax.Array) -> list[Any]:
        """Return states as `init` gives them."""
        return self.init(keys)

    def update(self, keys: jax.Array, number: int, alive: np.ndarray, states: list[Any]) -> Step:
        """Take one update of each living seed."""
        rows: list[dict[str, float]] = []
        new_states, failures = list(states), {}
        for index, (key, state) in enumerate(zip(keys, states, strict=True)):
            if not alive[index]:
                rows.append({})
                continue
            new, metrics = self.algorithm.update(jax.random.fold_in(key, number), state)
            rows.append({name: float(value) for name, value in metrics.items()})
            if not np.isfinite(list(rows[-1].values())).all() or _has_nan(new):
                failures[index] = _first_bad({name: np.asarray([value]) for name, value in rows[-1].items()}, 0)
            else:
                new_states[index] = new
        names = next((row for row in rows if row), {})
        table = {name: np.asarray([row.get(name, np.nan) for row in rows]) for name in names}
        return Step(new_states, table, failures)

    def place(self, states: list[Any]) -> list[Any]:
        """Return the states as they are."""
        return states

    def fetch(self, states: list[Any]) -> list[Any]:
        """Return the states as they are."""
        return states

    def policies(self, states: list[Any]) -> list[tuple[Policy, ...]]:
        """Return the players of each seed."""
        return [self.algorithm.policies(state) for state in states]


def _has_nan(state: Any) -> bool:
    """Tell whether an array of a state in ordinary Python holds NaN."""
    arrays = [leaf for leaf in jax.tree.leaves(state) if isinstance(leaf, jax.Array | np.ndarray | np.generic)]
    return any(np.isnan(np.asarray(leaf)).any() for leaf in arrays if jnp.issubdtype(leaf.dtype, jnp.inexact))


def _first_bad(table: dict[str, np.ndarray], index: int) -> str:
    """Name the first metric of one seed that is not finite."""
    for name, values in table.items():
        if not np.isfinite(values[index]):
            return f"{name} is {values[index]}"
    return "a parameter is nan"


Learner = CompiledLearner | PythonLearner
"""A learner of several seeds."""


def make_learner(algorithm: Algorithm, mesh: Mesh | None = None) -> Learner:
    """Return the learner of several seeds of an algorithm, on a mesh if it is compiled (see `CompiledLearner`)."""
    return CompiledLearner(algorithm, mesh) if algorithm.pure else PythonLearner(algorithm)


def mesh_for(algorithm: Algorithm, num_seeds: int) -> Mesh | None:
    """Return the mesh on which so many seeds of an algorithm train; None for one in ordinary Python.

    Raises:
        OptionError: the mesh that was asked for does not suit.
    """
    if algorithm.pure:
        return make_mesh({SEEDS_AXIS: num_seeds, **algorithm.pieces})
    if mesh_asked() is not None or several_processes():
        raise OptionError("a learner in ordinary Python runs on one device; leave out --mesh and --distributed")
    return None
