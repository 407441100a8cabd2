"""The command line's own part of parsing: ``--option value`` of a plug-in, whose options are known only when it is."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import textwrap
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args, get_origin

from ...options import OptionError, describe, option_types, unknown_option

ENV_PREFIX = "env."


class Split(NamedTuple):
    """Arguments by whom they are for."""

    fixed: list[str]
    """Positional arguments and the command's own options, in order."""

    plugin: dict[str, str | bool]
    """``--name value``, ``--name`` (True) and ``--no-name`` (False) of everything else."""


def split_arguments(
    arguments: Sequence[str], *, valued: Collection[str], flags: Collection[str], lists: Collection[str] = ("--seeds",)
) -> Split:
    """Separate a command's own arguments from the options of plug-ins.

    Args:
        arguments: what follows the command.
        valued: the command's own options that take a value.
        flags: the command's own options that take none.
        lists: those of ``valued`` that take several words.

    Returns:
        Both parts; an option of a plug-in may stand anywhere.

    Raises:
        OptionError: an option given twice.
    """
    fixed: list[str] = []
    plugin: dict[str, str | bool] = {}
    queue = list(arguments)
    while queue:
        word = queue.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("--") or name in flags or (name in valued and equals):
            fixed.append(word)
        elif name in valued:
            fixed.append(word)
            while queue and not queue[0].startswith("-"):
                fixed.append(queue.pop(0))
                if name not in lists:
                    break
        else:
            option = name[2:].replace("-", "_")
            if option in plugin:
                raise OptionError(f"{name} is given twice")
            takes = not equals and queue and not queue[0].startswith("--")
            plugin[option] = value if equals else queue.pop(0) if takes else True
    return Split(fixed, plugin)


def split_env_options(options: Mapping[str, str | bool]) -> tuple[dict[str, str | bool], dict[str, str | bool]]:
    """Return the algorithm's options and those given as ``--env.name``."""
    env = {name.removeprefix(ENV_PREFIX): value for name, value in options.items() if name.startswith(ENV_PREFIX)}
    return {name: value for name, value in options.items() if not name.startswith(ENV_PREFIX)}, env


def parse_options(config: type[Any], options: Mapping[str, str | bool], *, what: str) -> dict[str, Any]:
    """Turn words of the command line into values of the types that a configuration wants.

    Args:
        config: the configuration's class.
        options: words by name; True for an option without a value.
        what: whose options these are, for messages.

    Returns:
        Values by name; whether they are in range is the configuration's business.

    Raises:
        OptionError: an unknown option, or a word that is no value of its type.
    """
    types = option_types(config)
    values: dict[str, Any] = {}
    for name, word in options.items():
        negated = name.removeprefix("no_")
        if name not in types and word is True and types.get(negated) is bool:
            values[negated] = False
        elif name not in types:
            raise OptionError(f"{what} {unknown_option(name, types)}")
        elif word is True and types[name] is not bool:
            raise OptionError(f"{what}: --{name.replace('_', '-')} needs a value: {describe(types[name])}")
        else:
            values[name] = word if word is True else _parse(str(word), types[name])
    return values


def _parse(word: str, kind: Any) -> Any:
    """Read a word as a Python or JSON value; as itself where the type is a word or nothing else fits."""
    if kind is str or (get_origin(kind) is Literal and word in get_args(kind)):
        return word
    if word.lower() in ("true", "false", "none", "null"):
        return {"true": True, "false": False}.get(word.lower())
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(word)
        except (ValueError, SyntaxError):
            continue
        whole = isinstance(value, float) and kind is int and value.is_integer()
        return int(value) if whole else value
    return word


def describe_options(config: type[Any], *, prefix: str = "") -> str:
    """Return the help text of a configuration: each option with its default and its documentation."""
    documentation = field_documentation(config)
    lines = []
    for field in dataclasses.fields(config):
        if field.init:
            lines.append(f"  --{prefix}{field.name.replace('_', '-')} ({default_of(field)})")
            lines += textwrap.wrap(
                documentation.get(field.name, ""), 110, initial_indent=" " * 6, subsequent_indent=" " * 6
            )
    return "\n".join(lines)


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Return a field's default, also where a factory makes it; ``required`` where there is none."""
    if field.default is not dataclasses.MISSING:
        return field.default
    return "required" if field.default_factory is dataclasses.MISSING else field.default_factory()


def field_documentation(config: type[Any]) -> dict[str, str]:
    """Return what the strings after a dataclass's fields, or its Attributes section, say about each field."""
    found: dict[str, str] = {}
    for owner in reversed(config.__mro__[:-1]):
        found |= _attributes_section(inspect.getdoc(owner) or "")
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        except (OSError, TypeError, SyntaxError):  # defined where no source is kept: an interactive session
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_string(text):
                found[field.target.id] = " ".join(ast.literal_eval(text.value).split())  # type: ignore[attr-defined]
    return found


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _attributes_section(text: str) -> dict[str, str]:
    _, _, section = text.partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if not line.startswith("    "):
            break
        head, colon, rest = line.strip().partition(": ")
        if line[4:5] != " " and colon:
            name, found[head] = head, rest
        elif name:
            found[name] += " " + line.strip()
    return found
