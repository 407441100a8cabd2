"""What a sweep varies: options, each with a list of values or a range of numbers."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np

from ...options import OptionError, check_number, option_types, read_word, shown, unknown_option

ENV = "env."
"""Before the name of an option of the game."""

DIGITS = 4
"""Significant digits of a drawn number, so that it can be typed again."""

FORMS = "a list such as 16,32, or one of log:LOW:HIGH, uniform:LOW:HIGH and int:LOW:HIGH"


class Choices(NamedTuple):
    """A list of values."""

    values: tuple[Any, ...]

    def words(self) -> list[Any]:
        """Return the axis as it can be given."""
        return list(self.values)


class Range(NamedTuple):
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float
    log: bool = False
    """Whether the logarithm of a number is drawn uniformly, or the number itself."""
    whole: bool = False

    def words(self) -> str:
        """Return the axis as it can be given."""
        return f"{'log' if self.log else 'int' if self.whole else 'uniform'}:{self.low}:{self.high}"

    @property
    def values(self) -> tuple[float, float]:
        """Both ends, between which everything is allowed if they are."""
        return self.low, self.high

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a number."""
        room = 0.5 if self.whole else 0.0  # so that both ends are as likely as what is between them
        low, high = self.low - room, self.high + room
        return self.rounded(
            math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else rng.uniform(low, high)
        )

    def rounded(self, value: float) -> float:
        """Return the nearest number in the range that is whole, or has `DIGITS` significant digits."""
        return min(max(round(value) if self.whole else float(f"{value:.{DIGITS}g}"), self.low), self.high)


Axis = Choices | Range
Space = Mapping[str, Axis]
"""Axes by the names of options: ``outer_lr``, ``player_0.inner_lr``, and ``env.contribution_factor`` of the game."""


def read_space(vary: Mapping[str, Any], configs: Mapping[str, type], names: Mapping[str, str]) -> dict[str, Axis]:
    """Read what is to be varied.

    Args:
        vary: by option, a word in one of the `FORMS`, or a list of values.
        configs: the configuration of the learner, by the prefix ``""``, and of the game, by ``env.``.
        names: of the learner and the game, by the same prefixes.

    Raises:
        OptionError: nothing to vary, an unknown option, or a word that is none of the forms.
    """
    if not vary:
        raise OptionError("nothing to vary: pass --vary OPTION=VALUES, such as --vary outer_lr=log:0.001:0.1")
    space: dict[str, Axis] = {}
    for given, words in vary.items():
        name = str(given).replace("-", "_")
        prefix = ENV if name.startswith(ENV) else ""
        kind = _kind(configs[prefix], name.removeprefix(prefix), what=f"--vary {given}: {names[prefix]}")
        if name in space:
            raise OptionError(f"--vary names {name} twice")
        space[name] = _axis(words, kind, f"--vary {given}")
    return space


def _kind(config: type, name: str, *, what: str) -> Any:
    """Return the type of an option, which may be one of an option's own: ``player_0.inner_lr``."""
    types = option_types(config)
    head, dot, rest = name.partition(".")
    if head not in types or (dot and not dataclasses.is_dataclass(types[head])):
        raise OptionError(f"{what} {unknown_option(name, types)}")
    if dot:
        return _kind(types[head], rest, what=f"{what}: {head}")
    if dataclasses.is_dataclass(types[head]):
        inner = ", ".join(f"{head}.{each}" for each in option_types(types[head]))
        raise OptionError(f"{what}: {head} has options of its own; vary one of {inner}")
    return types[head]


def _axis(words: Any, kind: Any, what: str) -> Axis:
    if isinstance(words, str):
        form, colon, rest = words.partition(":")
        if colon and form in ("log", "uniform", "int"):
            return _range(form, rest.split(":"), what, whole=form == "int" or _is_whole(kind))
        values = [read_word(word.strip(), kind) for word in words.split(",")] if words.strip() else []
    elif isinstance(words, Sequence | np.ndarray):
        values = [each.item() if hasattr(each, "item") else each for each in words]  # scalars of numpy
    else:
        raise OptionError(f"{what} must be {FORMS}, not {shown(words)}")
    if not values or "" in values:
        raise OptionError(f"{what} has no value; give {FORMS}")
    for value in values:
        if not isinstance(value, bool | int | float | str | None):
            raise OptionError(f"{what} must list numbers or words, not {shown(value)}")
        if values.count(value) > 1:
            raise OptionError(f"{what} lists {value} twice")
    if float in (get_args(kind) or (kind,)):  # so that 1 and 0.5 are of one type, and of one program
        values = [float(value) if type(value) is int else value for value in values]
    return Choices(tuple(values))


def _is_whole(kind: Any) -> bool:
    """Tell whether an option takes whole numbers, and no others."""
    kinds = get_args(kind) or (kind,)
    return int in kinds and float not in kinds


def _range(form: str, words: Sequence[str], what: str, *, whole: bool) -> Range:
    try:
        low, high = (int(word) if whole else float(word) for word in words)
        for end in (low, high):
            check_number(what, end)
    except ValueError:
        numbers = "whole numbers" if whole else "numbers"
        raise OptionError(f"{what} must be {form}:LOW:HIGH with two {numbers}, not {form}:{':'.join(words)}") from None
    if low >= high:
        raise OptionError(
            f"{what}: the range {form}:{':'.join(words)} is empty; its first number must be the lower one"
        )
    if form == "log" and low <= 0:
        raise OptionError(
            f"{what}: a logarithmic range must begin above 0, not at {low:g}; choose a small number, or uniform:"
        )
    return Range(low, high, log=form == "log", whole=whole)


def ranges(space: Space) -> dict[str, Range]:
    """Return the axes that are ranges."""
    return {name: axis for name, axis in space.items() if isinstance(axis, Range)}


def combinations(space: Space) -> list[dict[str, Any]]:
    """Return every combination of the listed values; a single empty one without lists."""
    lists = {name: axis.values for name, axis in space.items() if isinstance(axis, Choices)}
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]


def corners(space: Space) -> Iterator[dict[str, Any]]:
    """Yield settings in which each listed value, and each end of a range, occurs beside the first ones of the rest."""
    first = {name: axis.values[0] for name, axis in space.items()}
    yield first
    for name, axis in space.items():
        for value in axis.values[1:]:
            yield {**first, name: value}


def nested(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return values as options of the learner (``""``) and of the game (``env.``), those of a player inside its own."""
    own: dict[str, dict[str, Any]] = {"": {}, ENV: {}}
    for name, value in values.items():
        prefix = ENV if name.startswith(ENV) else ""
        place, path = own[prefix], name.removeprefix(prefix).split(".")
        for head in path[:-1]:
            place = place.setdefault(head, {})
        place[path[-1]] = value
    return own
