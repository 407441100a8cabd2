"""Errors, and options: making a configuration from given values, and checks of single values.

Every error is one line that names the option, what is allowed and what was given. Standard library only.
"""

from __future__ import annotations

import ast
import collections.abc
import dataclasses
import json
import math
import operator
import os
import reprlib
import types
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, partial
from numbers import Integral, Real
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Config = TypeVar("Config")


LARGEST_COUNT = 2**31 - 1
"""The largest number of anything: sizes and steps are counted in int32."""

LARGEST_NUMBER = 1e30
"""The largest size of a number: sums and products of such numbers still fit single precision, or end their seed."""


class PolaxError(Exception):
    """The user's request cannot be met; the message is one line that says what to do."""

    exit_status = 2
    """Of a command that ends with it."""


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
    try:
        return " ".join(str(error).split())
    except Exception:  # an error of a plug-in whose own __str__ is broken
        return "its message cannot be shown"


def shown(value: Any) -> str:
    """Return a value for a message, shortened if it is long or deep."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxother, short.maxlong = 3, 60, 60, 40
    try:
        return short.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number with thousands of digits"


def digits(text: str) -> int | None:
    """Return the number that some of the digits 0 to 9 stand for; None for any other text, or a larger number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(2**63)) else None


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error, of Python, numpy or jax, says that memory was not to be had."""
    return isinstance(error, MemoryError) or "out of memory" in one_line(error).lower()


def describe_error(error: BaseException, *, longest: int = 400) -> str:
    """Return an error with its type on one line, shortened if long; polax's own errors need no type."""
    text = one_line(error)
    if isinstance(error, PolaxError):
        return text
    hint = "; choose smaller numbers, such as fewer episodes or steps" if lacks_memory(error) else ""
    return f"{type(error).__name__}: {text[:longest]}{'…' if len(text) > longest else ''}{hint}"


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
        problem = misfit(value, fields[name], name)
        if problem is not None:
            raise OptionError(f"{what}: {problem}")
        values[name] = _frozen(value)
    try:
        return config(**values)
    except (TypeError, ValueError, ArithmeticError) as cause:
        raise OptionError(f"{what}: {one_line(cause)}") from cause


def option_types(config: type[Any]) -> dict[str, Any]:
    """Return the type of each option of a configuration class, by name, in order."""
    hints = get_type_hints(config)
    return {field.name: hints[field.name] for field in dataclasses.fields(config) if field.init}


def read_word(word: str, kind: Any) -> Any:
    """Read a word as the Python or JSON value that it is; as itself where a type is a word, or nothing else fits.

    Args:
        word: of a command line.
        kind: the type of the option that it is for; whether the value fits it is not checked.
    """
    if kind is str or (get_origin(kind) is Literal and word in get_args(kind)):
        return word
    if word.lower() in ("true", "false", "none", "null"):
        return {"true": True, "false": False}.get(word.lower())
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(word)
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # the last two: brackets, thousands deep
            continue
        whole = isinstance(value, float) and kind is int and value.is_integer()
        return int(value) if whole else value
    return word


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


def describe_options(config: type[Any]) -> dict[str, str]:
    """Say in words which values each option of a configuration class allows, by name, in order."""
    hints = get_type_hints(config, include_extras=True)
    return {name: describe(hints[name]) for name in option_types(config)}


def describe(kind: Any) -> str:
    """Say in words what values a type allows, by the check that it carries if that is one of this module."""
    if get_origin(kind) is Annotated:
        words = (_words(check) for check in kind.__metadata__)
        return next((each for each in words if each), "") or describe(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(repr(each) for each in get_args(kind))
    if _is_union(kind):
        return " or ".join(describe(each) for each in get_args(kind))
    names = {int: "a whole number", float: "a number", bool: "True or False", str: "a string", type(None): "None"}
    names |= dict.fromkeys(_LISTS, "a list") | dict.fromkeys(_OBJECTS, "an object")
    usual = "an object" if is_typeddict(kind) else str(kind).replace("typing.", "")
    usual = "a mapping of options" if dataclasses.is_dataclass(kind) else usual
    return names.get(get_origin(kind) or kind, usual)


_PLAIN = (bool, int, float, str, list, tuple, dict, type(None))
_LISTS = (tuple, list, collections.abc.Sequence)
_OBJECTS = (dict, collections.abc.Mapping)


def misfit(value: Any, kind: Any, where: str) -> str | None:
    """Say in what a plain value, as JSON gives it, differs from a type; None where it fits.

    Args:
        value: what was given. Whoever takes it checks a value that is not plain, such as an array.
        kind: a plain type, ``Any``, a ``Literal``, a union, a list, tuple or mapping of these, a ``TypedDict``, or one
            of them ``Annotated`` with a check, as for `check_options`.
        where: what the value is, for the message.
    """
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return misfit(value, inside[0], where) or _failed_check(value, inside[1:], where)
    if kind is Any or not (isinstance(value, _PLAIN) or dataclasses.is_dataclass(kind)):
        return None
    if _is_union(kind):
        return _misfit_of_union(value, kind, where)
    if origin in _LISTS and isinstance(value, list | tuple):
        return _misfit_of_list(value, inside, where)
    if (origin in _OBJECTS or is_typeddict(kind)) and isinstance(value, dict):
        return _misfit_of_object(value, kind, where)
    return None if _is_one(value, kind) else _must_be(value, kind, where)


def _must_be(value: Any, kind: Any, where: str) -> str:
    lonely = isinstance(value, str) and get_origin(kind) in _LISTS and misfit([value], kind, where) is None
    example = f", such as [{value!r}]" if lonely else ""
    return f"{where} must be {describe(kind)}{example}, not {shown(value)}"


def _is_one(value: Any, kind: Any) -> bool:
    """Tell whether a value fits a plain type; True for a kind that only the configuration itself can check."""
    if dataclasses.is_dataclass(kind):
        return isinstance(value, kind)  # type: ignore[arg-type]
    if get_origin(kind) is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(kind))
    if kind in (bool, int, float, str, type(None)):
        return isinstance(value, int | float if kind is float else kind) and (kind is bool) == isinstance(value, bool)
    return get_origin(kind) not in (*_LISTS, *_OBJECTS) and not is_typeddict(kind)


def _misfit_of_union(value: Any, kind: Any, where: str) -> str | None:
    kinds = [each for each in get_args(kind) if value is None or each is not type(None)]
    found = [misfit(value, each, where) for each in kinds]
    if None in found:
        return None
    return found[0] if len(found) == 1 and isinstance(value, list | tuple | dict) else _must_be(value, kind, where)


def _misfit_of_list(values: Sequence[Any], inside: tuple[Any, ...], where: str) -> str | None:
    kinds = [inside[0]] * len(values) if len(inside) == 1 or inside[1:] == (...,) else list(inside)
    if len(kinds) != len(values):
        return f"{where} must have {len(kinds)} entries, not {len(values)}"
    found = (misfit(each, kind, f"{where}[{i}]") for i, (each, kind) in enumerate(zip(values, kinds, strict=True)))
    return next((problem for problem in found if problem is not None), None)


def _misfit_of_object(values: Mapping[str, Any], kind: Any, where: str) -> str | None:
    if not is_typeddict(kind):
        each = get_args(kind)[1]
        found = (misfit(value, each, f"{where}.{name}") for name, value in values.items())
        return next((problem for problem in found if problem is not None), None)
    kinds, required = _entries(kind)
    missing = sorted(required - set(values))
    if missing:
        return f"{where} has no {missing[0]}"
    found = (misfit(values[name], each, f"{where}.{name}") for name, each in kinds.items() if name in values)
    return next((problem for problem in found if problem is not None), None)


@cache
def _entries(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the types of the entries of a `TypedDict` by name, and the names of those that must be there.

    ``__required_keys__`` does not know which are, where annotations are strings.
    """
    hints = get_type_hints(kind, include_extras=True)
    marks = {name: get_origin(hint) for name, hint in hints.items()}
    kinds = {name: get_args(hint)[0] if marks[name] is NotRequired else hint for name, hint in hints.items()}
    return kinds, frozenset(name for name, mark in marks.items() if kind.__total__ and mark is not NotRequired)


def _failed_check(value: Any, checks: Iterable[Any], where: str) -> str | None:
    try:
        for check in checks:
            check(where, value)
    except ValueError as error:
        return one_line(error)
    return None


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
        raise ValueError(f"{option} must be one of {', '.join(map(str, allowed))}; got {shown(given)}")
    return given


def check_whole_number(option: str, given: Any, *, at_least: int, at_most: int = LARGEST_COUNT) -> Any:
    """Return ``given``; ValueError unless it is an integer (not a bool) within the bounds."""
    if isinstance(given, bool) or not isinstance(given, Integral) or int(given) < at_least:
        raise ValueError(f"{option} must be a whole number of at least {at_least}; got {shown(given)}")
    if int(given) > at_most:
        raise ValueError(f"{option} must be a whole number of at most {at_most}; got {shown(given)}")
    return given


def count_option(*, at_least: int = 1, at_most: int = LARGEST_COUNT, **named: Any) -> int:
    """Return the whole number that a function was given under a name, as an int: ``count_option(episodes=episodes)``.

    Raises:
        OptionError: it is something else, too small or too large.
    """
    ((option, given),) = named.items()
    try:
        return int(check_whole_number(option, given, at_least=at_least, at_most=at_most))
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
    if number and math.inf > abs(given) > LARGEST_NUMBER:
        raise ValueError(f"{option} must be a number of a size of at most {LARGEST_NUMBER:g}{hint}; got {shown(given)}")
    if not number or not (-math.inf < given < math.inf and above < given < below and at_least <= given <= at_most):
        wanted = _bounds(above=above, at_least=at_least, below=below, at_most=at_most)
        raise ValueError(f"{option} must be a finite number{wanted}{hint}; got {shown(given)}")
    return given


def _bounds(**bounds: float) -> str:
    """Return the finite bounds of a number in words, each after a space."""
    wanted = (f" {name.replace('_', ' ')} {bound:g}" for name, bound in bounds.items() if math.isfinite(bound))
    return " and".join(wanted)


def _words(check: Any) -> str:
    """Say what one of the checks above allows; empty for other checks."""
    if not isinstance(check, partial):
        return ""
    if check.args:  # a check around another one
        return _words(check.args[0])
    limits = {name: bound for name, bound in check.keywords.items() if isinstance(bound, int | float)}
    if check.func is check_choice:
        return f"one of {', '.join(map(str, check.keywords['allowed']))}"
    kind = {check_whole_number: "a whole number", check_number: "a number"}.get(check.func)
    return f"{kind}{_bounds(**limits)}".replace("number at", "number of at") if kind else ""


Count = Annotated[int, partial(check_whole_number, at_least=1)]
"""A whole number from 1 to `LARGEST_COUNT`. Like the types below, it carries its check for `check_options`."""

Positive = Annotated[float, partial(check_number, above=0)]
"""A number above 0."""

NotNegative = Annotated[float, partial(check_number, at_least=0)]
"""A number of at least 0."""

Share = Annotated[float, partial(check_number, at_least=0, at_most=1)]
"""A number from 0 to 1."""

Percent = Annotated[int, partial(check_whole_number, at_least=0, at_most=100)]
"""A whole number from 0 to 100."""

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
