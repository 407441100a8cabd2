"""Errors, and options: making a configuration from given values, and checks of single values.

Every error is one line that names the option, what is allowed and what was given. Standard library only.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import os
import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from numbers import Integral, Real
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Config = TypeVar("Config")


class PolaxError(Exception):
    """The user's request cannot be met; the message is one line that says what to do."""


class OptionError(PolaxError, ValueError):
    """An option that does not exist, or a value that is not allowed."""


class MissingExtraError(PolaxError, ImportError):
    """Something needs a library that is installed with one of polax's extras."""

    def __init__(self, what: str, extra: str) -> None:
        """Say what needs it and how it is installed."""
        super().__init__(f"{what} is not installed here: pip install 'polax[{extra}]'")


def suggest(word: str, known: Iterable[str], *, otherwise: str = "there are") -> str:
    """Return the end of an error about an unknown word: the nearest known word, or all of them.

    Args:
        word: what was given.
        known: what is allowed.
        otherwise: what introduces the list of all, if none is near.
    """
    names = {name.lower(): name for name in known}
    near = get_close_matches(str(word).lower(), names, n=1, cutoff=0.5)
    return f"did you mean {names[near[0]]!r}?" if near else f"{otherwise} {', '.join(names.values()) or 'none'}"


def one_line(error: BaseException) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())


def describe_error(error: BaseException, *, longest: int = 400) -> str:
    """Return an error with its type on one line, shortened if long; polax's own errors need no type."""
    text = one_line(error)
    if isinstance(error, PolaxError):
        return text
    return f"{type(error).__name__}: {text[:longest]}{'…' if len(text) > longest else ''}"


def make_config(config: type[Config], options: Mapping[str, Any], *, what: str) -> Config:
    """Build ``config(**options)`` after checking names and plain types.

    Lists become tuples, so that a configuration read from JSON equals, and hashes like, the one that was written, and
    scalars of numpy and jax become numbers. An option that is itself a configuration is made from a mapping of its own
    options.

    Args:
        config: a dataclass whose fields are the options.
        options: values by name; the others keep their defaults.
        what: whose options these are, for messages.

    Raises:
        OptionError: an unknown name (the nearest one is in the message), a value of the wrong type or out of range.
    """
    fields, values = option_types(config), {}
    for name, given in options.items():
        if name not in fields:
            raise OptionError(f"{what} {unknown_option(name, fields)}")
        value = _number(given)
        if dataclasses.is_dataclass(fields[name]) and isinstance(value, Mapping):
            values[name] = make_config(fields[name], value, what=f"{what}: {name}")
            continue
        if not _fits(value, fields[name]):
            raise OptionError(f"{what}: {name} must be {describe(fields[name])}, not {value!r}")
        values[name] = _frozen(value)
    try:
        return config(**values)
    except (TypeError, ValueError) as cause:
        raise OptionError(f"{what}: {one_line(cause)}") from cause


def option_types(config: type[Any]) -> dict[str, Any]:
    """Return the type of each option of a configuration class, by name, in order."""
    hints = get_type_hints(config)
    return {field.name: hints[field.name] for field in dataclasses.fields(config) if field.init}


def unknown_option(name: str, known: Mapping[str, Any]) -> str:
    """Say that an option does not exist, with the nearest one."""
    return f"has no option {name!r}; {suggest(name, known, otherwise='its options are')}"


def player_index(player: Any, num_players: int, *, of: str = "") -> int:
    """Return a player's index as an int; ``of`` says in the message whose player it is.

    Raises:
        OptionError: it is not a whole number from 0 to ``num_players - 1``.
    """
    try:
        index = operator.index(player)
    except TypeError:
        index = -1
    if index not in range(num_players):
        whose = f"player of {of}" if of else "player"
        raise OptionError(f"{whose} must be a whole number from 0 to {num_players - 1}, not {player!r}")
    return index


def describe(kind: Any) -> str:
    """Say in words what values a type allows."""
    if dataclasses.is_dataclass(kind):
        return "a mapping of options"
    names = {int: "a whole number", float: "a number", bool: "True or False", str: "a string", type(None): "None"}
    if kind in names:
        return names[kind]
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(repr(each) for each in get_args(kind))
    if _is_union(kind):
        return " or ".join(describe(each) for each in get_args(kind))
    return str(kind).replace("typing.", "")


def _fits(value: Any, kind: Any) -> bool:
    """Tell whether a plain value fits ``kind``; the configuration itself checks values that are not plain."""
    if _is_union(kind):
        return any(_fits(value, each) for each in get_args(kind))
    if dataclasses.is_dataclass(kind):
        return isinstance(value, kind)  # type: ignore[arg-type]
    if get_origin(kind) is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple) or not isinstance(value, bool | int | float | str | None)
    plain = isinstance(value, bool | int | float | str | list | tuple | None)
    if plain and kind in (bool, int, float, str, type(None)):
        return isinstance(value, int | float if kind is float else kind) and (kind is bool) == isinstance(value, bool)
    return True


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _number(value: Any) -> Any:
    """Return a scalar of numpy or jax as a number of Python; a traced one, which has no value yet, as it is."""
    if getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return value
    try:
        return value.item()
    except TypeError:  # jax's ConcretizationTypeError
        return value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value


def check_choice(option: str, given: Any, allowed: tuple[Any, ...]) -> Any:
    """Return ``given``; ValueError unless it is one of ``allowed``, of the same type."""
    if not any(type(given) is type(choice) and given == choice for choice in allowed):
        raise ValueError(f"{option} must be one of {', '.join(map(str, allowed))}; got {given!r}")
    return given


def check_whole_number(option: str, given: Any, *, at_least: int) -> Any:
    """Return ``given``; ValueError unless it is an integer (not a bool) of at least ``at_least``."""
    if isinstance(given, bool) or not isinstance(given, Integral) or int(given) < at_least:
        raise ValueError(f"{option} must be a whole number of at least {at_least}; got {given!r}")
    return given


def count_option(*, at_least: int = 1, **named: Any) -> int:
    """Return the whole number that a function was given under a name, as an int: ``count_option(episodes=episodes)``.

    Raises:
        OptionError: it is something else, or too small.
    """
    ((option, given),) = named.items()
    try:
        return int(check_whole_number(option, given, at_least=at_least))
    except ValueError as cause:
        raise OptionError(str(cause)) from None


def list_option(option: str, given: Any) -> list[Any]:
    """Return the list of names, paths or objects that a function was given.

    Raises:
        OptionError: a single name or path in place of a list, something that is not a list, or an empty list.
    """
    if isinstance(given, str | os.PathLike):
        raise OptionError(f"{option} must be a list, such as [{os.fspath(given)!r}], not {given!r} alone")
    if not isinstance(given, Iterable):
        raise OptionError(f"{option} must be a list, not {given!r}")
    if not (found := list(given)):
        raise OptionError(f"{option} is empty; give at least one")
    return found


def check_number(
    option: str,
    given: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
    hint: str = "",
) -> Any:
    """Return ``given``; ValueError unless it is a finite number within the bounds; ``hint`` says what to do."""
    number = isinstance(given, Real) and not isinstance(given, bool)
    if not number or not (-math.inf < given < math.inf and above < given < below and at_least <= given <= at_most):
        bounds = {"above": above, "at least": at_least, "below": below, "at most": at_most}
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound))
        raise ValueError(f"{option} must be a finite number{' ' if wanted else ''}{wanted}{hint}; got {given!r}")
    return given


Count = Annotated[int, partial(check_whole_number, at_least=1)]
"""A whole number of at least 1. Like the types below, it carries its check for `check_options`."""

Positive = Annotated[float, partial(check_number, above=0)]
"""A number above 0."""

NotNegative = Annotated[float, partial(check_number, at_least=0)]
"""A number of at least 0."""

Share = Annotated[float, partial(check_number, at_least=0, at_most=1)]
"""A number from 0 to 1."""

Discount = Annotated[float, partial(check_number, at_least=0, below=1)]
"""A number from 0 to 1, but not 1 itself."""


def check_options(config: Any) -> None:
    """Check every option of a configuration with the check that its type carries.

    A type carries one as ``Annotated[type, check]``, where ``check(name, value)`` raises; in ``Positive | None`` it is
    applied unless the value is None. Call this in ``__post_init__``.

    Args:
        config: an instance of a dataclass whose fields are the options.

    Raises:
        ValueError: a value is not allowed.
    """
    for name, kind in get_type_hints(type(config), include_extras=True).items():
        value = getattr(config, name)
        kinds = get_args(kind) if _is_union(kind) else (kind,)
        if value is not None or type(None) not in kinds:
            for check in (check for each in kinds for check in getattr(each, "__metadata__", ())):
                check(name, value)


def select(record: type[Config], source: Any, **changes: Any) -> Config:
    """Return a record whose fields have the values of those of the same name in another one.

    Args:
        record: a dataclass.
        source: such as a configuration; fields that it does not have keep their defaults.
        **changes: values that differ from those of ``source``, or that it does not have.
    """
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(record)  # type: ignore[arg-type]
    shared = {field.name: getattr(source, field.name) for field in fields if hasattr(source, field.name)}
    return record(**shared | changes)
