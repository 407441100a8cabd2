"""Checks of single options: each raises one line that names the option, what is allowed and what was given."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_choice(option: str, given: Any, allowed: tuple[Any, ...]) -> None:
    """Raise ValueError unless ``given`` is one of ``allowed``, of the same type."""
    if not any(type(given) is type(choice) and given == choice for choice in allowed):
        raise ValueError(f"{option} must be one of {', '.join(map(str, allowed))}; got {given!r}")


def check_whole_number(option: str, given: Any, *, at_least: int) -> None:
    """Raise ValueError unless ``given`` is an integer (no bool) of at least ``at_least``."""
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < at_least:
        raise ValueError(f"{option} must be a whole number of at least {at_least}; got {given!r}")


def check_number(
    option: str,
    given: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    hint: str = "",
) -> None:
    """Raise ValueError unless ``given`` is a finite number within the bounds; ``hint`` says what to do."""
    bounds = {"above": above, "at least": at_least, "below": below, "at most": at_most}
    wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
    number = isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool)
    if (
        not number
        or not np.isfinite(given)
        or (above is not None and given <= above)
        or (at_least is not None and given < at_least)
        or (below is not None and given >= below)
        or (at_most is not None and given > at_most)
    ):
        raise ValueError(f"{option} must be a finite number{' ' if wanted else ''}{wanted}{hint}; got {given!r}")
