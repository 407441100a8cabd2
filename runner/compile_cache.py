"""Jax's folder of compiled programs, kept usable.

Jax writes an entry in place. A process killed in the middle, or a full disk, leaves half an entry: every later process
would warn about it, compile again, and never replace it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

_TROUBLE = re.compile(r"Error (reading|writing) persistent compilation cache entry for '([^']*)'")


def mend_when_damaged(folder: Path) -> None:
    """Remove an entry that jax finds unreadable, so that it is written anew, instead of warning about it."""
    warnings.showwarning = _Mender(folder, warnings.showwarning)


class _Mender:
    """Stands in for ``warnings.showwarning``; what is not about the cache goes to the one before."""

    def __init__(self, folder: Path, otherwise: Callable[..., Any]) -> None:
        self._folder = folder
        self._otherwise = otherwise

    def __call__(self, message: Warning | str, *args: Any, **options: Any) -> None:
        found = _TROUBLE.match(str(message))
        if found is None:
            self._otherwise(message, *args, **options)
            return
        for path in self._folder.glob(f"{found[2]}-*"):  # which of the program's variants it is, jax does not say
            path.unlink(missing_ok=True)
