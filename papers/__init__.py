"""Published results, one folder a paper: its numbers, its settings and the programs that reproduce it.

May import the whole library, the runner included; only ``polax reproduce`` imports it. A paper is a folder here whose
``__init__.py`` holds ``TITLE``, a line, and ``TARGETS``, a tuple of `Target`: nothing else needs to know about it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Paper", "Target", "find_papers", "find_targets"]


class Target(NamedTuple):
    """A figure or table that can be reproduced."""

    name: str
    """As it is asked for; no other paper has a target of this name."""

    module: str
    """Full name of the module whose function reproduces it: ``name`` with underscores in place of hyphens."""

    summary: str
    runs: int
    """Independent runs by default."""

    scales: tuple[str, ...] = ()
    """Settings that it can be trained at; the first is the default. Empty: nothing is trained."""

    env: str = ""
    """The game by default, where another can be asked for; empty: it is about certain games."""

    algorithms: tuple[str, ...] = ()
    """The algorithms by default, where others can be asked for; empty: it is about certain ones."""

    def load(self) -> Callable[..., Any]:
        """Import and return the function that reproduces it."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), self.name.replace("-", "_"))
        return function


class Paper(NamedTuple):
    """A paper, and what of it can be reproduced."""

    title: str
    targets: tuple[Target, ...]


def find_papers() -> list[Paper]:
    """Return the papers in the order of their folders' names; loads no program."""
    names = sorted(each.name for each in pkgutil.iter_modules(__path__) if each.ispkg)
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return [Paper(module.TITLE, module.TARGETS) for module in modules]


def find_targets() -> dict[str, Target]:
    """Return everything that can be reproduced, by name, paper after paper; loads no program."""
    return {target.name: target for paper in find_papers() for target in paper.targets}
