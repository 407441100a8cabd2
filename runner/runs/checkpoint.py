"""Checkpoints: the state of a run at one update, written whole or not at all.

Orbax writes the tree of arrays, with the counters in its metadata, so reading a checkpoint from someone else runs no
code. It writes under a temporary name and renames at the end, so a killed process leaves no partial checkpoint. The
metadata hold the SHA-256 of every array, and one of themselves: what a disk or a network has changed is not loaded.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import type_handlers

from ...options import describe_error, digits, misfit
from .arrays import form, leaves_by_path, path_name, seal, sha256
from .files import RunError, set_aside

FORMAT = 2
"""Version of the layout; another one is refused."""

_COUNTERS = ("update", "seconds", "env_steps", "ended", "fingerprint")

_LEFT = re.compile(r"[0-9]{8,}(\.orbax-checkpoint-tmp(-[0-9]+)?|\.removed)")
"""Names of what a killed process leaves: an unfinished checkpoint, or one that was being removed."""


class DamagedError(RunError):
    """A checkpoint is not what was saved."""


class _Metadata(TypedDict):
    """What is saved beside the arrays."""

    format: int
    update: int
    seconds: float
    env_steps: float
    ended: list[int]
    fingerprint: str
    x64: bool
    leaves: dict[str, list[str]]
    """By path, type and shape, and the SHA-256 of each array."""
    seal: str
    """The SHA-256 of all the rest."""


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
    numbers = ((digits(path.name), path) for path in folder.glob("*"))
    return sorted(
        number for number, path in numbers if number is not None and path.name == _name(number) and path.is_dir()
    )


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write one checkpoint.

    Raises:
        RunError: it cannot be written, for example on a full disk; the earlier ones stay whole.
    """
    target = path_of(folder, checkpoint.update)
    if target.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tree = {"state": jax.tree_util.tree_map_with_path(_saved, checkpoint.state)}
        metadata = _metadata(checkpoint, tree["state"])
        with _checkpointer() as checkpointer:
            checkpointer.save(target, args=ocp.args.PyTreeSave(tree, custom_metadata=metadata))
    except Exception as cause:  # orbax, tensorstore and the file system each raise their own error
        clean(folder)
        last = saved_updates(folder)
        kept = f"the last good checkpoint is update {last[-1]}" if last else "there is no earlier checkpoint"
        reason = describe_error(cause)
        raise RunError(f"checkpoint {checkpoint.update} cannot be written to {folder}: {reason}; {kept}") from cause


def _metadata(checkpoint: Checkpoint, arrays: Any) -> dict[str, Any]:
    """Return the metadata of a checkpoint with these arrays."""
    found = {name: getattr(checkpoint, name) for name in _COUNTERS}
    found |= {"format": FORMAT, "ended": np.asarray(checkpoint.ended, np.int64).tolist()}
    found |= {"x64": uses_64_bits()}
    found["leaves"] = {name: [form(leaf), sha256(leaf)] for name, leaf in leaves_by_path(arrays).items()}
    return {**found, "seal": seal(found)}


def uses_64_bits() -> bool:
    """Tell whether jax computes with 64-bit numbers (``JAX_ENABLE_X64``)."""
    return bool(jax.dtypes.canonicalize_dtype(np.float64) == np.float64)


def load(folder: Path, update: int, template: Any) -> Checkpoint:
    """Read one checkpoint.

    Args:
        folder: the folder of the run's checkpoints.
        update: which one.
        template: a state of the same learner (arrays or their shapes), which the saved one must match.

    Raises:
        DamagedError: it cannot be read, or is not what was saved.
        RunError: no such checkpoint, or one of another learner (the leaf that differs is named).
    """
    there = saved_updates(folder)
    if update not in there:
        raise RunError(f"{folder.parent} has no checkpoint {update}; there are {', '.join(map(str, there)) or 'none'}")
    others = [each for each in there if each != update]
    hint = f"; there are also {', '.join(map(str, others))}" if others else ""
    counters, _ = _read_metadata(folder, update, hint)
    target = jax.tree.map(_saved_shape, template)
    _check_leaves(counters, target, f"checkpoint {update} of {folder.parent}")
    arrays = iter(_read_arrays(path_of(folder, update), counters, target, hint))
    state = jax.tree.map(lambda leaf: _restored(arrays, leaf), template)
    return Checkpoint(
        state, update, counters["seconds"], counters["env_steps"], np.asarray(counters["ended"], np.int64),
        counters["fingerprint"],
    )  # fmt: skip


def verify(folder: Path, update: int) -> None:
    """Read one checkpoint, whatever learner it is of, and raise `RunError` unless it is what was saved."""
    counters, tree = _read_metadata(folder, update, "")
    target = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)
    if {name: form(leaf) for name, leaf in leaves_by_path(target).items()} != {
        name: shape for name, (shape, _) in counters["leaves"].items()
    }:
        raise DamagedError(f"{path_of(folder, update)} is damaged: it does not have the arrays that were saved")
    _read_arrays(path_of(folder, update), counters, target, "")


def _read_metadata(folder: Path, update: int, hint: str) -> tuple[_Metadata, Any]:
    """Return what a checkpoint holds beside its arrays, and the tree of what is known of each array."""
    path = path_of(folder, update)
    with _reading(path, hint):
        metadata = _handler().metadata(path)
    counters = _checked(metadata.custom_metadata or {}, path, hint)
    if counters["update"] != update:
        raise DamagedError(f"{path} holds checkpoint {counters['update']}, which is not what its name says{hint}")
    return counters, metadata.tree["state"]


def _read_arrays(path: Path, counters: _Metadata, target: Any, hint: str) -> list[np.ndarray]:
    """Return the arrays of a checkpoint, each as it was saved."""
    plain = jax.tree.map(lambda leaf: ocp.RestoreArgs(restore_type=np.ndarray), target)
    with _reading(path, hint), _checkpointer() as checkpointer:
        wanted = ocp.args.PyTreeRestore({"state": target}, restore_args={"state": plain})
        saved = checkpointer.restore(path, args=wanted)["state"]
    for name, leaf in leaves_by_path(saved).items():
        if [form(leaf), sha256(leaf)] != counters["leaves"][name]:
            raise DamagedError(f"{path} is damaged: {name} is not what was saved (its SHA-256 differs){hint}")
    return jax.tree.leaves(saved)


def load_first(folder: Path, updates: Sequence[int], template: Any) -> tuple[Checkpoint, list[DamagedError]]:
    """Read the first of several checkpoints that is not damaged.

    Returns:
        The checkpoint, and what is wrong with those before it in ``updates``.

    Raises:
        RunError: all are damaged, or as `load`.
    """
    damaged: list[DamagedError] = []
    for update in updates:
        try:
            return load(folder, update, template), damaged
        except DamagedError as error:
            damaged.append(error)
    if len(damaged) == 1:
        raise damaged[0]
    raise RunError(f"every checkpoint of {folder.parent} is damaged; the last one: {damaged[0]}") from damaged[0]


def _checked(metadata: Mapping[str, Any], path: Path, hint: str) -> _Metadata:
    """Return the metadata of a checkpoint, if they are what was saved."""
    if not {"format", *_COUNTERS} <= set(metadata):
        raise RunError(f"{path} was not written by polax")
    if metadata["format"] != FORMAT:
        raise RunError(
            f"{path} has format {metadata['format']!r}, this polax reads {FORMAT}; use the polax that wrote it"
        )
    problem = misfit(dict(metadata), _Metadata, "it")
    if problem is None and seal(metadata) != metadata["seal"]:
        problem = "its metadata are not what was saved (their SHA-256 differs)"
    if problem is not None:
        raise DamagedError(f"{path} is damaged: {problem}{hint}")
    return metadata  # type: ignore[return-value]  # it has just been checked


def keep_only(folder: Path, updates: set[int]) -> None:
    """Remove the checkpoints of all other updates; each loses its name before its content."""
    for update in set(saved_updates(folder)) - updates:
        doomed = path_of(folder, update)
        shutil.rmtree(doomed.rename(doomed.with_name(f"{doomed.name}.removed")), ignore_errors=True)


def clean(folder: Path) -> None:
    """Remove what killed processes left: unfinished and half-removed checkpoints; nothing else is touched."""
    for path in leftovers(folder):
        shutil.rmtree(path, ignore_errors=True)


def leftovers(folder: Path) -> list[Path]:
    """Return what `clean` removes."""
    return [path for path in folder.glob("*") if path.is_dir() and not path.is_symlink() and _LEFT.fullmatch(path.name)]


def set_aside_damaged(folder: Path) -> list[str]:
    """Give the last checkpoints another name, as far as they are damaged, and say so of each in a sentence."""
    told = []
    for update in saved_updates(folder)[::-1]:
        try:
            verify(folder, update)
            break
        except DamagedError as error:
            told.append(f"{error}; it is {set_aside(path_of(folder, update)).name} now")
    return told


def set_aside_after(folder: Path, update: int) -> list[Path]:
    """Give all later checkpoints another name, so that they are kept but not read, and return their new paths."""
    return [set_aside(path_of(folder, each)) for each in saved_updates(folder) if each > update]


def _name(update: int) -> str:
    return f"{update:08d}"


def path_of(folder: Path, update: int) -> Path:
    """Return the folder of the checkpoint of an update."""
    return (folder / _name(update)).absolute()


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
    return ocp.PyTreeCheckpointHandler(type_handler_registry=registry, multiprocessing_options=_alone())


def _checkpointer() -> ocp.Checkpointer:
    return ocp.Checkpointer(_handler(), multiprocessing_options=_alone())


def _alone() -> ocp.options.MultiprocessingOptions:
    """Let orbax wait for no other process of the run: only one of them reads and writes, and all arrays are there."""
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    here = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=here, active_processes={here}, barrier_sync_key_prefix=f"process-{here}"
    )


@contextmanager
def _reading(path: Path, hint: str) -> Iterator[None]:
    """Turn any error of reading into one line that ends with ``hint``."""
    try:
        yield
    except Exception as cause:  # a damaged file may raise anything
        reason = describe_error(cause)
        raise DamagedError(f"{path} cannot be read, it is damaged or not a checkpoint: {reason}{hint}") from cause


def _check_leaves(saved: _Metadata, target: Any, what: str) -> None:
    """Raise `RunError` unless a checkpoint has the leaves of a learner's state; name the first that differs."""
    foreign = "it belongs to another learner, or to one with other options"
    if saved["x64"] != uses_64_bits():
        foreign = f"it was saved with jax's 64-bit numbers {_on(saved['x64'])}, here they are {_on(not saved['x64'])}"
        foreign += f"; set JAX_ENABLE_X64={int(saved['x64'])}"
    given = {name: shape for name, (shape, _) in saved["leaves"].items()}
    wanted = {name: form(leaf) for name, leaf in leaves_by_path(target).items()}
    for name in given:
        if name not in wanted:
            raise RunError(f"{what} has {name!r}, which this learner does not have: {foreign}")
    for name, needed in wanted.items():
        if name not in given:
            raise RunError(f"{what} has no {name!r}: {foreign}")
        if given[name] != needed:
            raise RunError(f"{what} has {name!r} as {given[name]}, this learner needs {needed}: {foreign}")


def _on(setting: bool) -> str:  # noqa: FBT001
    return "on" if setting else "off"


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct) and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _saved(path: Any, leaf: Any) -> np.ndarray | None:
    """Return a leaf as it is saved: random keys as numbers; None for an empty array, which orbax does not accept.

    Raises:
        TypeError: the leaf is not an array.
    """
    array = np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)
    if array.dtype == object:
        raise TypeError(f"{path_name(path)} of the learner's state is not an array but {array!r}")
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
