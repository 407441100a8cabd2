"""Compare pytrees leaf by leaf and say where they differ."""

from __future__ import annotations

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def leaves_by_path(tree: Any) -> dict[str, Any]:
    """Return the leaves of a pytree by their path; a single leaf is called ``value``."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/") or "value": leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def foreign_leaf(tree: Any) -> str:
    """Name the first leaf that is not an array, or return an empty text."""
    for path, leaf in leaves_by_path(tree).items():
        if not isinstance(leaf, jax.Array | np.ndarray | np.generic) or leaf.dtype == object:
            return f"{path} is {_brief(leaf)} of type {type(leaf).__module__}.{type(leaf).__qualname__}"
    return ""


def different_form(before: Any, after: Any) -> str:
    """Say where two trees of arrays (or of their shapes) differ in structure, shape or dtype; empty where nowhere."""
    old, new = leaves_by_path(before), leaves_by_path(after)
    for path in [*old, *(path for path in new if path not in old)]:
        if path not in new:
            return f"{path} is gone"
        if path not in old:
            return f"{path} is new"
        forms = [f"{_dtype(each[path])}{list(shape(each[path]))}" for each in (old, new)]
        if forms[0] != forms[1]:
            return f"{path} was {forms[0]} and became {forms[1]}"
    structures: list[Any] = [jax.tree.structure(tree) for tree in (before, after)]
    return "" if structures[0] == structures[1] else f"the structure was {structures[0]} and became {structures[1]}"


def different_value(one: Any, other: Any) -> str:
    """Name the first leaf in which two trees of equal form differ by a bit (NaN equals NaN); empty where none."""
    others = leaves_by_path(other)
    for path, leaf in leaves_by_path(one).items():
        if not np.array_equal(numbers(leaf), numbers(others[path]), equal_nan=_inexact(leaf)):
            return f"{path} differs"
    return ""


def numbers(leaf: Any) -> np.ndarray:
    """Return an array's content for numpy, a key's as its data."""
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def shape(leaf: Any) -> tuple[int, ...]:
    """Return the shape of an array of any library, or of a number."""
    return tuple(leaf.shape) if hasattr(leaf, "shape") else np.shape(leaf)


def duplicate(tree: Any) -> Any:
    """Return an independent copy, keys included."""
    return jax.tree.map(lambda leaf: leaf if isinstance(leaf, jax.Array) else copy.deepcopy(leaf), tree)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _inexact(leaf: Any) -> bool:
    return bool(jnp.issubdtype(_dtype(leaf), np.inexact))


def _dtype(leaf: Any) -> Any:
    return leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype


def _brief(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}…"
