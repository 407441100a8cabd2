"""Trees of arrays by the paths of their leaves, and the SHA-256 by which a change of a file is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def leaves_by_path(tree: Any) -> dict[str, Any]:
    """Return every leaf by its path."""
    return {path_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def path_name(path: Any) -> str:
    """Return the path of a leaf as a text, its parts separated by slashes."""
    return jax.tree_util.keystr(path, simple=True, separator="/") or "value"


def form(leaf: Any) -> str:
    """Return type and shape, such as ``float32[2, 3]``."""
    return f"{np.dtype(leaf.dtype)}{list(leaf.shape)}"


def sha256(array: np.ndarray) -> str:
    """Return the SHA-256 of an array's numbers."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def seal(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what JSON can hold, but for its own entry ``seal``."""
    rest = {name: value for name, value in content.items() if name != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
