"""Parsing for every command: its own options, and those of the plug-ins that its arguments name."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import logging
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ... import registry
from ...options import (
    LARGEST_COUNT,
    OptionError,
    describe,
    describe_options,
    option_types,
    read_word,
    shown,
    suggest,
    unknown_option,
)
from .. import completion
from ..cli import COMMANDS, UsageError
from ..compare import Interrupted
from ..executors.base import LOCAL
from ..process import cpu_cores, leave_accelerators, set_up

Owners = dict[str, tuple[str | None, Callable[[str], Any]]]
"""By prefix (``env`` of ``--env.size``; ``ray-`` of ``--ray-address``; empty for ``--size``): a plug-in's name, and how
its plug-in is found."""


class CommandParser(argparse.ArgumentParser):
    """The arguments of one command. Errors are one line; options are not abbreviated.

    Args:
        command: the command's name, of `COMMANDS`.
        epilog: what else the help says.
        plugin_options: how options of plug-ins are given, for the message about an unknown option.
    """

    def __init__(self, command: str, *, epilog: str | None = None, plugin_options: str = "") -> None:
        summary = COMMANDS[command]
        super().__init__(
            prog=f"polax {command}",
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._command = command
        self._hint = plugin_options
        self._negative_number_matcher = re.compile(r"-\.?\d")  # argparse's own takes -1e-3 for an option
        self.set_defaults(plugin_options={})

    def parse(self, words: Sequence[str], *, plugins: bool = False) -> argparse.Namespace:
        """Parse a command line, whose arguments may come in any order.

        Args:
            words: what follows the command.
            plugins: whether options of plug-ins may be among them, to be read with `read`.

        Returns:
            The command's own options, and ``plugin_options``: every other one by name.

        Raises:
            PolaxError: a wrong argument, or an option given twice.
        """
        if completion.ASKED in os.environ:
            completion.complete(self)
        self._own = sorted(self._option_string_actions)
        for name in dict.fromkeys(word.partition("=")[0] for word in words):
            if name.startswith("--") and name not in {"--", *self._own}:
                self.add_argument(
                    name, action=_PluginOption, nargs="?", const=True, dest="plugin_options", help=argparse.SUPPRESS
                )
        options = self.parse_intermixed_args(words)
        if getattr(options, "allow_import", False):
            registry.allow_import(registry.ANY_TARGET)
            sys.path.append(str(Path.cwd()))
        if not plugins:
            self.read(options, {})
        return options

    def read(self, options: argparse.Namespace, owners: Owners) -> dict[str, dict[str, Any]]:
        """Turn the options of plug-ins into values of the types that their configurations want.

        Args:
            options: from `parse`.
            owners: whose options there may be; a plug-in is loaded only where it is given one.

        Returns:
            Values by option, for each prefix of ``owners``.

        Raises:
            PolaxError: an unknown option, a word that is not a value of its type, or a broken plug-in.
        """
        sorted_words: dict[str, dict[str, str | bool]] = {prefix: {} for prefix in owners}
        for name, word in options.plugin_options.items():
            owner = _owner_of(name, owners)
            if owner is None:
                near = _other_owner(name, owners) or suggest(f"--{name}", self._own, otherwise="its own are")
                raise UsageError(f"{self._command} has no option --{name}; {near} (see {self.prog} --help){self._hint}")
            option = name.removeprefix(_written(owner))
            plugin, find = owners[owner]
            if plugin and not _is_option(option, find(plugin).config) and (other := _other_owner(option, owners)):
                raise UsageError(f"{plugin} has no option --{option}; {other}")
            sorted_words[owner][option.replace("-", "_")] = word
        values = {}
        for prefix, words in sorted_words.items():
            plugin, find = owners[prefix]
            if words and plugin is None:
                option = prefix.replace("_", "-")
                raise UsageError(f"{self._command}: --{option}.{next(iter(words))} needs --{option}")
            values[prefix] = parse_options(find(plugin).config, words, what=plugin) if words and plugin else {}
        return values

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        short = message if len(message) < 300 else f"{message[:280]}…"
        raise UsageError(f"{self._command}: {short} (see {self.prog} --help)")


def _written(prefix: str) -> str:
    """Return how the options of a prefix begin: ``env.``; where it ends with a hyphen, so do they: ``ray-``."""
    written = prefix.replace("_", "-")
    return written if not written or written.endswith("-") else f"{written}."


def _is_option(word: str, config: type[Any]) -> bool:
    types = option_types(config)
    name = word.replace("-", "_").partition(".")[0]
    return name in types or name.removeprefix("no_") in types


def _other_owner(word: str, owners: Owners) -> str:
    """Name the plug-in that has such an option, and say how to write it; empty where none has."""
    for prefix, (plugin, find) in owners.items():
        if plugin is not None and _is_option(word, find(plugin).config):
            return f"{plugin} has it: --{_written(prefix)}{word}"
    return ""


def _owner_of(name: str, owners: Owners) -> str | None:
    """Return the prefix of whose plug-in ``name`` is an option, or None."""
    prefixes = [each for each in owners if each and name.startswith(_written(each))]
    if prefixes:
        return max(prefixes, key=len)
    head, dot, _ = name.partition(".")
    plugin, find = owners.get("", (None, None))
    if not dot:
        return "" if "" in owners else None
    nested = plugin is not None and head.replace("-", "_") in option_types(find(plugin).config)  # type: ignore[misc]
    return "" if nested else None


class _PluginOption(argparse.Action):
    """Keeps ``--name value``, or True for ``--name``, until its plug-in is known."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        del parser
        name = option_string.removeprefix("--").replace("_", "-")
        if name in namespace.plugin_options:
            raise OptionError(f"{option_string} is given twice")
        namespace.plugin_options = {**namespace.plugin_options, name: values}


def allow_local_modules(names: Iterable[str | None]) -> None:
    """Let ``module:ATTRIBUTE`` name a module in the current folder, as with ``python -m``.

    Only the command line may do so: a run's config.json, which others may have written, decides what is imported only
    with ``--allow-import``.
    """
    if any(":" in name for name in names if name):
        sys.path.append(str(Path.cwd()))


def add_allow_import(parser: CommandParser) -> None:
    """Add the option that lets the files of runs name code to import."""
    parser.add_argument(
        "--allow-import", action="store_true", help="import the module:ATTRIBUTE that a run's config.json names"
    )


def add_run(parser: CommandParser, *, several: bool = False) -> None:
    """Add the arguments of a command about one run, or ``several``: the run and its checkpoint."""
    nargs = "+" if several else None
    parser.add_argument(
        "run", nargs=nargs, metavar="RUN", help="a training run or agent: FOLDER, FILE.npz, zoo:NAME; RUN#SEED"
    )
    help_text = "an update, best or last (default: last)"
    parser.add_argument("--checkpoint", default="last", metavar="UPDATE", help=help_text)
    add_allow_import(parser)


def add_mesh(parser: CommandParser) -> None:
    """Add the argument of a command that trains about the devices it trains on."""
    parser.add_argument(
        "--mesh",
        type=mesh_sizes,
        metavar="AXIS=N,...",
        help="how many devices share the seeds, the episodes of a batch and the players, such as seeds=2,envs=4 "
        "(default: as many as there are)",
    )


def add_distributed(parser: CommandParser) -> None:
    """Add the arguments of a command that trains on the devices of several processes."""
    parser.add_argument(
        "--distributed",
        action="store_true",
        help="train on the devices of all processes that this command is started in, as Slurm, Open MPI or Kubernetes "
        "does; elsewhere with the three options below",
    )
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="where process 0 is, for the others")
    parser.add_argument("--num-processes", type=at_least(2), metavar="N", help="how many processes there are")
    parser.add_argument("--process-id", type=at_least(0), metavar="I", help="which one this is, from 0 to N-1")


def together(options: argparse.Namespace, lead: Callable[[], int]) -> int:
    """Run a command in the first of its processes; in the others, take part in what it trains.

    Args:
        options: with those of `add_distributed`.
        lead: the command.

    Returns:
        The exit status.
    """
    place = {name: getattr(options, name) for name in ("coordinator", "num_processes", "process_id")}
    if not options.distributed:
        for name in (name for name, given in place.items() if given is not None):
            raise UsageError(f"--{name.replace('_', '-')} needs --distributed")
        return lead()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # jax's runtime warns of a setting of ours
    set_up(devices=cpu_cores())
    from ..training.hosts import Follower, Place, joined

    with joined(Place(**place)) as others:
        if not isinstance(others, Follower):
            return lead()
        from ..training.loop import follow

        return follow(others)


def mesh_sizes(word: str) -> dict[str, int]:
    """Read the sizes of a mesh by axis, such as ``seeds=2,envs=4``; for `argparse`."""
    sizes: dict[str, int] = {}
    for part in word.split(","):
        found = re.fullmatch(r"(\w+)=([0-9]{1,9})", part)
        if found is None or found[1] in sizes:
            raise argparse.ArgumentTypeError(
                f"must be sizes of different axes such as seeds=2,envs=4, not {shown(word)}"
            )
        sizes[found[1]] = int(found[2])
    return sizes


def add_output(parser: CommandParser) -> None:
    """Add the arguments of a command that trains about what it prints."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--quiet", action="store_true", help="print warnings and errors only")
    choice.add_argument("--verbose", action="store_true", help="also say what is saved, and when")


def add_executor(parser: CommandParser) -> None:
    """Add the arguments of a command whose tasks an executor can run."""
    completion.with_names(
        parser.add_argument(
            "--on",
            metavar="EXECUTOR",
            default=LOCAL,
            help="where to train: local, ray or slurm (polax list NAME shows its options, --NAME-OPTION VALUE), or an "
            "address such as ray://HOST:PORT (default: local)",
        ),
        registry.list_executors,
    )
    parser.add_argument("--cpus-per-task", type=at_least(1), metavar="N", help="CPUs of a task of an executor")
    parser.add_argument("--gpus-per-task", type=_gpus, metavar="N", help="GPUs of a task of an executor")


def _gpus(word: str) -> float:
    try:
        return int(word)
    except ValueError:
        with suppress(ValueError):
            return float(word)
    raise argparse.ArgumentTypeError(f"must be a number, not {word!r}")


def is_elsewhere(options: argparse.Namespace) -> bool:
    """Return whether other processes train."""
    return bool(options.on != LOCAL)


def with_tasks(options: argparse.Namespace, names: Iterable[str], run: Callable[[], int]) -> int:
    """Run a command whose tasks an executor can run.

    Args:
        options: with those of `add_executor`, `add_output` and, where the command has them, `add_distributed`.
        names: the plug-ins that the command line names.
        run: the command.

    Returns:
        The exit status: that of ``run``, or where a signal interrupted it, what a shell expects after that signal.
    """

    def lead() -> int:
        set_up(devices=cpu_cores())
        if is_elsewhere(options):
            leave_accelerators()
        return run()

    allow_local_modules(names)
    try:
        with set_output(options):
            return together(options, lead) if "distributed" in options else lead()
    except Interrupted as stop:
        print(f"polax: {stop}", file=sys.stderr)
        return stop.exit_status


def executor_owners() -> Owners:
    """Return whose options ``--ray-address`` and others like it are."""
    return {f"{row.name}-": (row.name, registry.executor_plugin) for row in registry.list_executors()}


def executor_options(options: argparse.Namespace, words: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``on`` and ``on_options`` of a function from the arguments of `add_executor`.

    Args:
        options: from `CommandParser.parse`.
        words: from `CommandParser.read`, given the `executor_owners` too.

    Raises:
        UsageError: an option of another executor.
    """
    chosen = options.on.partition("://")[0]
    found: dict[str, Any] = {}
    for prefix in executor_owners():
        given = words[prefix]
        if given and prefix != f"{chosen}-":
            option = next(iter(given)).replace("_", "-")
            raise UsageError(f"--{prefix}{option} is for --on {prefix[:-1]}, not for --on {options.on}; leave it out")
        found |= given
    for name in ("cpus_per_task", "gpus_per_task"):
        given = getattr(options, name)
        if given is not None:
            if chosen == LOCAL:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} is for an executor such as --on ray; a task of --on local has everything")
            found[name] = given
    return {"on": options.on, "on_options": found}


@contextmanager
def set_output(options: argparse.Namespace) -> Iterator[None]:
    """Let the logger ``polax`` say as much as the arguments of `add_output` ask for."""
    logger = logging.getLogger("polax")
    level = logger.level
    if options.verbose:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)


def at_least(minimum: int) -> Callable[[str], int]:
    """Return the type of an option that is a whole number with a minimum, for `argparse`."""

    def whole_number(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a whole number, not {word!r}") from None
        if number < minimum:
            raise argparse.ArgumentTypeError(f"must be at least {minimum}, not {shown(number)}")
        if number > LARGEST_COUNT:
            raise argparse.ArgumentTypeError(f"must be at most {LARGEST_COUNT}, not {shown(number)}")
        return number

    return whole_number


def duration(word: str) -> float:
    """Read a time such as ``90s``, ``45m``, ``2h``, ``1d`` or ``1h30m``, in seconds; for `argparse`."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    parts = re.fullmatch(r"([0-9]{1,9}[smhd])+", word)
    if parts is None:
        raise argparse.ArgumentTypeError(f"must be a time such as 90s, 45m, 2h or 1h30m, not {shown(word)}")
    return float(sum(int(part[:-1]) * units[part[-1]] for part in re.findall(r"[0-9]+[smhd]", word)))


def parse_options(config: type[Any], options: Mapping[str, str | bool], *, what: str) -> dict[str, Any]:
    """Turn words of the command line into values of the types that a configuration wants; it checks their range.

    Args:
        config: the configuration's class.
        options: words by name; True for an option without a value.
        what: whose options these are, for messages.

    Raises:
        OptionError: an unknown option, or a word that is not a value of its type.
    """
    types = option_types(config)
    values: dict[str, Any] = {}
    inner: dict[str, dict[str, str | bool]] = {}
    for name, word in options.items():
        head, dot, rest = name.partition(".")
        if dot and dataclasses.is_dataclass(types.get(head)):
            inner.setdefault(head, {})[rest] = word
            continue
        negated = name.removeprefix("no_")
        if name not in types and word is True and types.get(negated) is bool:
            values[negated] = False
        elif name not in types:
            raise OptionError(f"{what} {unknown_option(name, types)}")
        elif word is True and types[name] is not bool:
            raise OptionError(f"{what}: --{name.replace('_', '-')} needs a value: {describe(types[name])}")
        else:
            values[name] = word if word is True else read_word(str(word), types[name])
    return values | {head: parse_options(types[head], words, what=f"{what}: {head}") for head, words in inner.items()}


class Option(NamedTuple):
    """An option of a plug-in, for help and listings."""

    name: str
    allowed: str
    """Which values, in words."""
    default: Any
    about: str


def options_of(config: type[Any]) -> list[Option]:
    """Return the options of a configuration, with what is known of them; nested ones as ``outer.inner``."""
    about, types, words = _field_documentation(config), option_types(config), describe_options(config)
    defaults = {field.name: _default(field) for field in dataclasses.fields(config)}
    found: list[Option] = []
    for name, kind in types.items():
        if dataclasses.is_dataclass(kind):
            found += [each._replace(name=f"{name}.{each.name}") for each in options_of(kind)]  # type: ignore[arg-type]
        else:
            found.append(Option(name, words[name], defaults[name], about.get(name, "")))
    return found


def options_text(config: type[Any], *, prefix: str = "") -> str:
    """Return the help text of a configuration: each option with its values, its default and its documentation."""
    lines = []
    for option in options_of(config):
        lines.append(f"  --{prefix}{option.name.replace('_', '-')}: {option.allowed} (default: {option.default})")
        lines.append(textwrap.indent(textwrap.fill(option.about, 104), " " * 6))
    return "\n".join(line for line in lines if line)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return "required" if field.default_factory is dataclasses.MISSING else field.default_factory()


def _field_documentation(config: type[Any]) -> dict[str, str]:
    """Return the help of each field: from its metadata, the string after it, or the class's Attributes section."""
    fields = dataclasses.fields(config)
    found: dict[str, str] = {field.name: field.metadata["help"] for field in fields if "help" in field.metadata}
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
    section = re.match(r"( {4}.*\n?)*", text.partition("Attributes:\n")[2])
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {5}.+)*)", section.group() if section else "", re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in entries}
