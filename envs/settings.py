"""Declare a setting of a game once: its default, what is allowed, and one sentence.

A number is declared as a field of the game's params, everything else (what may not change inside a compiled program) as
a field of the game. `polax.envs.base.EnvironmentPlugin.of` makes the options, their checks and their help of both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, get_type_hints

import jax
import jax.numpy as jnp

from ..options import check_choice, check_number, check_whole_number


class Setting(NamedTuple):
    """What is known of a setting."""

    default: Any
    about: str
    """One sentence for help and documentation."""
    read: Callable[[str, Any], Any]
    """``read(name, value)`` returns the value to keep; ValueError: it is not allowed, in a sentence."""
    kind: Any = None
    """The type of the option; None: that of the game's field."""

    def field(self, **changes: Any) -> Any:
        """Return the setting as a field of a dataclass."""
        return dataclasses.field(
            **(changes or {"default": self.default}), metadata={"setting": self, "help": self.about}
        )


def number(default: float, about: str, **bounds: Any) -> Any:
    """Declare a number, as a field of a game's params.

    Args:
        default: float32, or int32 where it is an integer.
        about: one sentence for help and documentation.
        **bounds: ``above``, ``at_least``, ``below``, ``at_most``, ``hint`` of `polax.options.check_number`; whole
            numbers have ``at_least`` only.

    Returns:
        The field; its default is an array.
    """
    kind: type = int if isinstance(default, int) else float
    array = partial(jnp.asarray, default, jnp.int32 if kind is int else jnp.float32)
    return numeric(kind, default, about, **bounds).field(default_factory=array)


def numeric(kind: type, default: float, about: str, **bounds: Any) -> Setting:
    """Return a setting that is a number (``kind``: int or float) within bounds, see `number`.

    A number that is traced by ``jax.vmap`` or ``jax.jit`` is taken as it is: it has no value that could be checked.
    """
    check = partial(check_whole_number if kind is int else check_number, **bounds)
    return Setting(default, about, partial(_unless_traced, check), kind)


def _unless_traced(check: Callable[[str, Any], Any], name: str, value: Any) -> Any:
    if isinstance(value, jax.core.Tracer):
        if value.shape != ():
            raise ValueError(f"{name} must be a single number, not an array of the shape {value.shape}")
        return value
    return check(name, value)


def choice(default: Any, allowed: tuple[Any, ...], about: str) -> Any:
    """Declare a setting with few values, as a field of a game.

    Args:
        default: one of ``allowed``.
        allowed: plain values.
        about: one sentence for help and documentation.
    """
    return Setting(default, about, partial(check_choice, allowed=allowed)).field()


def settings_of(owner: type) -> dict[str, Setting]:
    """Return the settings that a dataclass declares, by name, each with its type."""
    declared = {
        field.name: field.metadata["setting"] for field in dataclasses.fields(owner) if "setting" in field.metadata
    }
    hints = get_type_hints(owner) if any(setting.kind is None for setting in declared.values()) else {}
    return {name: setting._replace(kind=setting.kind or hints[name]) for name, setting in declared.items()}


def read_settings(record: Any) -> None:
    """Check every setting of a frozen dataclass and keep it as it is read.

    Raises:
        ValueError: a value is not allowed.
    """
    for field in dataclasses.fields(record):
        if "setting" in field.metadata:
            value = field.metadata["setting"].read(field.name, getattr(record, field.name))
            object.__setattr__(record, field.name, value)
