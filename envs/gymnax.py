"""gymnax's environments and spaces, imported without seaborn, which takes longer to load than jax or gymnax itself.

A game of gymnax's own, pong, imports it to choose colours when it is drawn; it is loaded then.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_COLOURS = "seaborn"


class _Later(ModuleType):
    """A library that is loaded when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


_is_first = not {"gymnax", _COLOURS} & set(sys.modules)
if _is_first:
    sys.modules[_COLOURS] = _Later(_COLOURS)
try:
    from gymnax.environments import environment, spaces
finally:
    if _is_first:
        del sys.modules[_COLOURS]

__all__ = ["environment", "spaces"]
