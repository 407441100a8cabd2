"""Checkpoints: the state of a run at one update, written whole or not at all.

Orbax writes the tree of arrays, with the counters in its metadata, so reading a checkpoint from someone else runs no
code. It writes under a temporary name and renames at the end, so a killed process leaves no partial checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import type_handlers

from ...options import describe_error
from .folder import RunError

FORMAT = 1
"""Version of the layout; a newer one is refused."""

_COUNTERS = ("update", "seconds", "env_steps", "ended", "fingerprint")


class Checkpoint(NamedTuple):
    """What is saved."""

    state: Any
    """The learner's state, every leaf an array; of several seeds together."""

    update: int
    seconds: float
    """Training time so far."""

    env_steps: float
    """Environment steps of one seed so far; NaN if the algorithm does not report them."""

    ended: np.ndarray  # [S] int64: the update at which a seed stopped being finite, 0 while it trains
    fingerprint: str
    """See `fingerprint`."""


def fingerprint(identity: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the options that must not change between a checkpoint and its continuation."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def saved_updates(folder: Path) -> list[int]:
    """Return the updates that have a complete checkpoint, in order."""
    return sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit() and path.is_dir())


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write one checkpoint.

    Raises:
        RunError: it cannot be written, for example on a full disk; the earlier ones stay whole.
    """
    target = _path(folder, checkpoint.update)
    if target.exists():
        return
    counters = {name: getattr(checkpoint, name) for name in _COUNTERS}
    counters |= {"format": FORMAT, "ended": np.asarray(checkpoint.ended, np.int64).tolist()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tree = {"state": jax.tree_util.tree_map_with_path(_saved, checkpoint.state)}
        with ocp.Checkpointer(_handler()) as checkpointer:
            checkpointer.save(target, args=ocp.args.PyTreeSave(tree, custom_metadata=counters))
    except Exception as cause:  # orbax, tensorstore and the file system each raise their own error
        clean(folder)
        last = saved_updates(folder)
        kept = f"the last good checkpoint is update {last[-1]}" if last else "there is no earlier checkpoint"
        reason = describe_error(cause)
        raise RunError(f"checkpoint {checkpoint.update} cannot be written to {folder}: {reason}; {kept}") from cause


def load(folder: Path, update: int, template: Any) -> Checkpoint:
    """Read one checkpoint.

    Args:
        folder: the folder of the run's checkpoints.
        update: which one.
        template: a state of the same learner (arrays or their shapes), which the saved one must match.

    Raises:
        RunError: no such checkpoint, an unreadable one, or one of another learner (the leaf that differs is named).
    """
    there = saved_updates(folder)
    if update not in there:
        raise RunError(f"{folder.parent} has no checkpoint {update}; there are {', '.join(map(str, there)) or 'none'}")
    path = _path(folder, update)
    others = [each for each in there if each != update]
    with _reading(path, others):
        metadata = _handler().metadata(path)
    counters = metadata.custom_metadata or {}
    if not {"format", *_COUNTERS} <= set(counters):
        raise RunError(f"{path} was not written by polax")
    if counters["format"] != FORMAT:
        raise RunError(
            f"{path} has format {counters['format']}, this polax reads {FORMAT}; use the polax that wrote it"
        )
    target = jax.tree.map(_saved_shape, template)
    _check_leaves(metadata.tree["state"], target, f"checkpoint {update} of {folder.parent}")
    plain = jax.tree.map(lambda leaf: ocp.RestoreArgs(restore_type=np.ndarray), target)
    with _reading(path, others), ocp.Checkpointer(_handler()) as checkpointer:
        wanted = ocp.args.PyTreeRestore({"state": target}, restore_args={"state": plain})
        arrays = iter(jax.tree.leaves(checkpointer.restore(path, args=wanted)))
    state = jax.tree.map(lambda leaf: _restored(arrays, leaf), template)
    found = Checkpoint(state=state, **{name: counters[name] for name in _COUNTERS})
    return found._replace(ended=np.asarray(found.ended, np.int64))


def keep_only(folder: Path, updates: set[int]) -> None:
    """Remove the checkpoints of all other updates; each loses its name before its content."""
    for update in set(saved_updates(folder)) - updates:
        doomed = _path(folder, update)
        shutil.rmtree(doomed.rename(doomed.with_name(f"{doomed.name}.removed")), ignore_errors=True)


def clean(folder: Path) -> None:
    """Remove what killed processes left: unfinished and half-removed checkpoints."""
    for path in folder.glob("*"):
        if path.is_dir() and not path.name.isdigit():
            shutil.rmtree(path, ignore_errors=True)


def _path(folder: Path, update: int) -> Path:
    return (folder / f"{update:08d}").absolute()


class _OneByOne(type_handlers.NumpyHandler):
    """Reads and writes each array by itself.

    Orbax closes its event loop at the first array that fails. Arrays still under way would report to a closed loop, and
    Python would print a second, meaningless error.
    """

    async def serialize(self, values: Sequence[Any], infos: Sequence[Any], args: Any = None) -> Any:
        written = [await super(_OneByOne, self).serialize(*each) for each in _single(values, infos, args)]
        return [future for futures in written for future in futures]

    async def deserialize(self, infos: Sequence[Any], args: Any = None) -> Any:
        return [(await super(_OneByOne, self).deserialize(*each))[0] for each in _single(infos, args)]

    async def metadata(self, infos: Sequence[Any]) -> Any:
        return [(await super(_OneByOne, self).metadata([info]))[0] for info in infos]


def _single(*lists: Any) -> Iterator[tuple[Any, ...]]:
    """Return the arguments of one array after the other, each a list of one entry, or None where nothing is given."""
    for index in range(len(lists[0])):
        yield tuple(None if each is None else [each[index]] for each in lists)


def _handler() -> ocp.PyTreeCheckpointHandler:
    registry = type_handlers.create_type_handler_registry((np.ndarray, _OneByOne()))
    return ocp.PyTreeCheckpointHandler(type_handler_registry=registry)


@contextmanager
def _reading(path: Path, others: Sequence[int]) -> Iterator[None]:
    """Turn any error of reading into one line that names the other checkpoints."""
    try:
        yield
    except Exception as cause:  # a damaged file may raise anything
        hint = f"; there are also {', '.join(map(str, others))}" if others else ""
        reason = describe_error(cause)
        raise RunError(f"{path} cannot be read, it is damaged or not a checkpoint: {reason}{hint}") from cause


def _check_leaves(saved: Any, target: Any, what: str) -> None:
    """Raise `RunError` unless a checkpoint has the leaves of a learner's state; name the first that differs."""
    foreign = "it belongs to another learner, or to one with other options"
    given, wanted = _leaves(saved), _leaves(target)
    for name in given:
        if name not in wanted:
            raise RunError(f"{what} has {name!r}, which this learner does not have: {foreign}")
    for name, needed in wanted.items():
        if name not in given:
            raise RunError(f"{what} has no {name!r}: {foreign}")
        if given[name] != needed:
            raise RunError(f"{what} has {name!r} as {given[name]}, this learner needs {needed}: {foreign}")


def _leaves(tree: Any) -> dict[str, str]:
    """Return type and shape of every leaf by its path, such as ``float32[2, 3]``."""
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return {_name(path): f"{np.dtype(leaf.dtype)}{list(leaf.shape)}" for path, leaf in paths}


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/") or "value"


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct) and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _saved(path: Any, leaf: Any) -> np.ndarray | None:
    """Return a leaf as it is saved: random keys as numbers; None for an empty array, which orbax does not accept.

    Raises:
        TypeError: the leaf is not an array.
    """
    array = np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
    if array.dtype == object:
        raise TypeError(f"{_name(path)} of the learner's state is not an array but {array!r}")
    return array if array.size else None


def _saved_shape(leaf: Any) -> jax.ShapeDtypeStruct | None:
    """Return the shape in which a leaf like this one is saved; None for an empty array."""
    data = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
    array = data if hasattr(data, "shape") and hasattr(data, "dtype") else np.asarray(data)
    return jax.ShapeDtypeStruct(array.shape, array.dtype) if 0 not in array.shape else None


def _restored(arrays: Iterator[Any], like: Any) -> Any:
    """Return the next saved array as a leaf like ``like``; an empty one was not saved."""
    shape = _saved_shape(like)
    if shape is None:
        return np.zeros(like.shape, like.dtype)
    array = next(arrays)
    if not _is_key(like):
        return array
    impl: list[Any] = []
    jax.eval_shape(lambda keys: impl.append(jax.random.key_impl(keys)), like)  # ``like`` may be only a shape
    return jax.random.wrap_key_data(jax.numpy.asarray(array), impl=impl[0])
