"""Published results, one folder a paper: its numbers, its settings and the programs that reproduce it.

May import the whole library, the runner included; only ``polax reproduce`` imports it. A paper is a folder here whose
``__init__.py`` holds ``TARGETS``, a tuple of `Target`: nothing else needs to know about it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Target", "find_targets"]


class Target(NamedTuple):
    """A figure or table that can be reproduced."""

    name: str
    """As it is asked for; no other paper has a target of this name."""

    module: str
    """Full name of the module whose function ``name`` reproduces it."""

    summary: str
    runs: int
    """Independent runs by default."""

    scales: tuple[str, ...] = ()
    """Settings that it can be trained at; the first is the default. Empty: nothing is trained."""

    def load(self) -> Callable[..., Any]:
        """Import and return the function that reproduces it."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), self.name)
        return function


def find_targets() -> dict[str, Target]:
    """Return everything that can be reproduced, by name, paper after paper; loads no program."""
    papers = sorted(each.name for each in pkgutil.iter_modules(__path__) if each.ispkg)
    found = (target for paper in papers for target in importlib.import_module(f"{__name__}.{paper}").TARGETS)
    return {target.name: target for target in found}
