"""Checks that the options of several games share."""

from __future__ import annotations

from typing import Any

import numpy as np

OBSERVATION_LAYOUTS = ("egocentric", "shared")
"""Own features first, or player 0's view for both."""


def check_choice(option: str, given: Any, allowed: tuple[Any, ...]) -> None:
    """Raise ValueError, naming the option and what is allowed, unless ``given`` is one of ``allowed``."""
    if not any(type(given) is type(choice) and given == choice for choice in allowed):
        raise ValueError(f"{option} must be one of {', '.join(map(str, allowed))}; got {given!r}")


def check_whole_number(option: str, given: Any, *, at_least: int) -> None:
    """Raise ValueError unless ``given`` is an integer (no bool) of at least ``at_least``."""
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < at_least:
        raise ValueError(f"{option} must be a whole number of at least {at_least}; got {given!r}")


def check_number(option: str, given: Any, *, above: float = -np.inf, below: float = np.inf, hint: str = "") -> None:
    """Raise ValueError unless ``given`` is a number strictly between ``above`` and ``below``; ``hint`` says what to do."""
    number = isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool)
    if not number or not above < given < below:
        allowed = "a finite number" if np.isinf([above, below]).all() else f"a number between {above:g} and {below:g}"
        raise ValueError(f"{option} must be {allowed}{hint}; got {given!r}")


def as_matrices(option: str, given: Any) -> Any:
    """Return one 2x2 matrix, or one for each player, as nested tuples.

    Raises:
        ValueError: another shape, or entries that are not finite numbers.
    """
    try:
        array = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape not in ((2, 2), (2, 2, 2)) or not np.isfinite(array).all():
        raise ValueError(
            f"{option} must be one 2x2 matrix of finite numbers (rows: own action, columns: the other's), "
            f"or one for each player; got {given!r}"
        )
    matrices = tuple(tuple(row) if array.ndim == 2 else tuple(map(tuple, row)) for row in array.tolist())
    return matrices
