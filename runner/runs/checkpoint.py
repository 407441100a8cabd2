"""Checkpoints: the arrays of a run at one update, written whole or not at all.

A checkpoint is a flat table of arrays in orbax's format, nothing else: reading one from a stranger runs no code. It is
written under a temporary name and renamed when complete, so a process killed at any moment leaves no half checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from .folder import RunError

FORMAT = 1
"""Version of the table's layout; a newer one is refused."""

STRAGGLERS = 0.3
"""Seconds that are waited, after a failure, for the other arrays to fail too."""

_STATE = "state/"


class Checkpoint(NamedTuple):
    """What is saved."""

    state: Any
    """The learner's state, every leaf an array; of several seeds together."""

    update: int
    seconds: float
    """Training time so far."""

    env_steps: float
    """Environment steps of one seed so far; NaN where the algorithm does not report them."""

    ended: np.ndarray  # [S] int64: the update at which a seed stopped being finite, 0 while it goes on
    fingerprint: np.ndarray  # [32] uint8: see `fingerprint`


def fingerprint(identity: Mapping[str, Any]) -> np.ndarray:
    """Return the SHA-256 of the options that must not change between a checkpoint and its continuation."""
    text = json.dumps(identity, sort_keys=True)
    return np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8)


def saved_updates(folder: Path) -> list[int]:
    """Return the updates of which there is a complete checkpoint, in order."""
    return sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit() and path.is_dir())


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write one checkpoint.

    Raises:
        RunError: it cannot be written (a full disk, say); those before it stay whole.
    """
    target = _path(folder, checkpoint.update).absolute()
    if target.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _quietly(), ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as checkpointer:
            checkpointer.save(target, _to_table(checkpoint))
    except Exception as cause:  # orbax, tensorstore and the file system each raise their own for a full disk
        clean(folder)
        last = saved_updates(folder)
        kept = f"the last good checkpoint is update {last[-1]}" if last else "there is no earlier checkpoint"
        raise RunError(
            f"checkpoint {checkpoint.update} cannot be written to {folder}: {_brief(cause)}; {kept}"
        ) from cause


def load(folder: Path, update: int, template: Any) -> Checkpoint:
    """Read one checkpoint.

    Args:
        folder: the folder of the run's checkpoints.
        update: which one.
        template: a state of the same learner (arrays or their shapes), to which the saved one must fit.

    Raises:
        RunError: no such checkpoint, an unreadable or foreign one, or one of another learner (the leaf that differs is
            named).
    """
    there = saved_updates(folder)
    if update not in there:
        raise RunError(f"{folder.parent} has no checkpoint {update}; there are {', '.join(map(str, there)) or 'none'}")
    table = _read(_path(folder, update), others=[each for each in there if each != update])
    return Checkpoint(
        state=_fill(template, table, f"checkpoint {update} of {folder.parent}"),
        update=int(table["update"]),
        seconds=float(table["seconds"]),
        env_steps=float(table["env_steps"]),
        ended=np.asarray(table["ended"]),
        fingerprint=np.asarray(table["fingerprint"]),
    )


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


def to_arrays(state: Any) -> dict[str, np.ndarray]:
    """Return the leaves of a state by their path, random keys as numbers.

    Raises:
        TypeError: a leaf is no array.
    """
    table = {name: _to_array(leaf) for name, leaf in _named_leaves(state)}
    for name, array in table.items():
        if array.dtype == object:
            raise TypeError(f"{name} of the learner's state is not an array but {array!r}")
    return table


def _path(folder: Path, update: int) -> Path:
    return folder / f"{update:08d}"


def _to_table(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    table = {
        "format": np.int64(FORMAT),
        "update": np.int64(checkpoint.update),
        "seconds": np.float64(checkpoint.seconds),
        "env_steps": np.float64(checkpoint.env_steps),
        "ended": np.asarray(checkpoint.ended, np.int64),
        "fingerprint": checkpoint.fingerprint,
    }
    for name, array in to_arrays(checkpoint.state).items():
        if array.size:  # orbax refuses empty arrays; they are restored from the template
            table[_STATE + name] = array
    return {name: np.asarray(value) for name, value in table.items()}


def _read(path: Path, *, others: list[int]) -> dict[str, Any]:
    try:
        with _quietly(), ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as checkpointer:
            table = checkpointer.restore(path.absolute())
    except Exception as cause:  # a damaged file may raise anything
        hint = f"; there are also {', '.join(map(str, others))}" if others else ""
        raise RunError(f"{path} cannot be read, it is damaged or no checkpoint: {_brief(cause)}{hint}") from cause
    if not isinstance(table, dict) or not {"format", "update", "ended", "fingerprint"} <= set(table):
        raise RunError(f"{path} was not written by polax")
    if int(table["format"]) != FORMAT:
        raise RunError(
            f"{path} has format {int(table['format'])}, this polax reads {FORMAT}; use the polax that wrote it"
        )
    return table


def _fill(template: Any, table: Mapping[str, Any], what: str) -> Any:
    """Return the template's tree with the leaves of the table."""
    saved = {name.removeprefix(_STATE): value for name, value in table.items() if name.startswith(_STATE)}
    wanted = dict(_named_leaves(template))
    foreign = "it is of another learner, or of one with other options"
    for name in saved:
        if name not in wanted:
            raise RunError(f"{what} has {name!r}, which this learner does not have: {foreign}")
    leaves = []
    for name, leaf in wanted.items():
        shape, dtype = _data_shape(leaf)
        array = saved.get(name, np.zeros(shape, dtype) if 0 in shape else None)
        if array is None:
            raise RunError(f"{what} has no {name!r}: {foreign}")
        if array.shape != shape or array.dtype != dtype:
            given, needed = f"{array.dtype}{list(array.shape)}", f"{dtype}{list(shape)}"
            raise RunError(f"{what} has {name!r} as {given}, this learner needs {needed}: {foreign}")
        leaves.append(_from_array(array, leaf))
    return jax.tree.unflatten(jax.tree.structure(template), leaves)


def _named_leaves(tree: Any) -> list[tuple[str, Any]]:
    return [
        (jax.tree_util.keystr(path, simple=True, separator="/") or "value", leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    ]


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct) and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_array(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _from_array(array: np.ndarray, like: Any) -> Any:
    if _is_key(like):
        impl: list[Any] = []
        jax.eval_shape(lambda keys: impl.append(jax.random.key_impl(keys)), like)  # ``like`` may be a mere shape
        return jax.random.wrap_key_data(jax.numpy.asarray(array), impl=impl[0])
    return array


def _data_shape(leaf: Any) -> tuple[tuple[int, ...], Any]:
    data = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
    array = data if hasattr(data, "shape") and hasattr(data, "dtype") else np.asarray(data)
    return tuple(array.shape), np.dtype(array.dtype)


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence orbax, which logs tracebacks of what is raised anyway and warns of shardings that arrays do not have.

    When one array of several cannot be read or written, orbax closes its event loop while the others still report to
    it: Python then prints an error that nobody can act on.
    """
    logger = logging.getLogger("absl")
    level, hook = logger.level, sys.unraisablehook

    def ignore_closed_loop(unraisable: sys.UnraisableHookArgs) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            hook(unraisable)

    logger.setLevel(logging.CRITICAL + 1)
    sys.unraisablehook = ignore_closed_loop
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception:
        time.sleep(STRAGGLERS)
        raise
    finally:
        sys.unraisablehook = hook
        logger.setLevel(level)


def _brief(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}{'…' if len(text) > 200 else ''}"
