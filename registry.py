"""Names of environments and algorithms, and the plug-ins behind them.

Plug-ins are found through the entry-point groups ``polax.envs`` and ``polax.algorithms``; the built-in ones are
declared in the same way. Listing reads names only, a plug-in is imported when its name is first asked for, and a broken
one harms nothing else. This module needs the standard library only, so that ``import polax`` stays quick.

Example:
    >>> import polax
    >>> env, params = polax.make_env("IPD-v0", contribution_factor=1.5)  # doctest: +SKIP
    >>> algorithm = polax.make_algorithm("pola-dice", env, params, inner_steps=4)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from .options import OptionError, PolaxError, make_config, one_line, suggest

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

    from .algorithms.base import Algorithm, AlgorithmPlugin
    from .envs.base import EnvironmentPlugin, Game

__all__ = [
    "Listing",
    "OptionError",
    "PluginError",
    "PolaxError",
    "UnknownNameError",
    "algorithm_plugin",
    "environment_plugin",
    "list_algorithms",
    "list_environments",
    "make_algorithm",
    "make_env",
    "register_algorithm",
    "register_environment",
]


class UnknownNameError(PolaxError, ValueError):
    """No environment or algorithm has this name."""


class PluginError(PolaxError, RuntimeError):
    """The plug-in behind a name cannot be used: it does not load, is not one, or two distributions claim its name."""


class Listing(NamedTuple):
    """One name in a listing, with where it comes from."""

    name: str
    distribution: str
    """The distribution that declares it, or ``(registered)`` for what `register_algorithm` and its like added."""

    version: str
    target: str
    """``package.module:ATTRIBUTE``; empty for registered objects."""

    error: str | None
    """Why it cannot be used, as far as is known without loading it (or after `load_listing`)."""


class _Claim(NamedTuple):
    """One distribution's claim to a name."""

    distribution: str
    version: str
    entry_point: EntryPoint


class _Kind:
    """The plug-ins of one entry-point group."""

    def __init__(self, group: str, word: str, contract: str) -> None:
        """Remember the group, the word for messages, and the module of the contract (loaded when a plug-in is)."""
        self.group = group
        self.word = word
        self.contract = contract
        self.registered: dict[str, Any] = {}
        self._claims: dict[str, tuple[_Claim, ...]] = {}
        self._claims_path: tuple[str, ...] | None = None

    def claims(self, *, fresh: bool = False) -> dict[str, tuple[_Claim, ...]]:
        """Return who claims which name; read again when the import path changed or ``fresh`` is asked for."""
        path = tuple(sys.path)
        if fresh or self._claims_path != path:
            self._claims = _read_claims(self.group)
            self._claims_path = path
        return self._claims

    def find(self, name: str) -> Any:
        """Return the plug-in of that name, importing it if need be."""
        if not isinstance(name, str):
            raise UnknownNameError(f"the name of {_article(self.word)} is a string, not {name!r}")
        if name in self.registered:
            return self.registered[name]
        if ":" in name:
            return self._load_target(name)
        claims = self.claims().get(name) or self.claims(fresh=True).get(name)
        if not claims:
            raise UnknownNameError(self._unknown(name))
        if len(claims) > 1:
            raise PluginError(f"{self.word} {name!r}: {_clash(claims)}")
        return self._load_claim(claims[0])

    def register(self, name: str, plugin: Any, *, replace: bool) -> None:
        """Add a plug-in object under ``name`` for this process."""
        if not isinstance(name, str) or not name or ":" in name or name != name.strip():
            raise PluginError(f"the name of {_article(self.word)} is a word without ':', not {name!r}")
        self.check(plugin, f"{self.word} {name!r}")
        owners = self.claims().get(name)
        if owners and not replace:
            raise PluginError(
                f"{self.word} {name!r} belongs to {owners[0].distribution}; choose another name or pass replace=True"
            )
        self.registered[name] = plugin

    def check(self, plugin: Any, what: str) -> Any:
        """Return ``plugin`` if it has the fields and the version of the contract, else raise `PluginError`."""
        missing = [field for field in ("config", "build", "summary", "api_version") if not hasattr(plugin, field)]
        if missing:
            raise PluginError(f"{what} is no {self.word} plug-in: {type(plugin).__name__} has no {', '.join(missing)}")
        if not isinstance(plugin.config, type) or not hasattr(plugin.config, "__dataclass_fields__"):
            raise PluginError(f"{what}: its config must be a dataclass, not {plugin.config!r}")
        if not callable(plugin.build):
            raise PluginError(f"{what}: its build must be callable, not {plugin.build!r}")
        ours = importlib.import_module(self.contract, __package__).API_VERSION
        if plugin.api_version != ours:
            raise PluginError(
                f"{what} is written for version {plugin.api_version!r} of the {self.word} contract, "
                f"this polax has version {ours}; install versions that fit each other"
            )
        return plugin

    def listing(self) -> tuple[Listing, ...]:
        """Return every name with its origin; loads nothing."""
        rows = [Listing(name, "(registered)", "", "", None) for name in self.registered]
        for name, claims in self.claims(fresh=True).items():
            error = _clash(claims) if len(claims) > 1 else None
            rows += [Listing(name, each.distribution, each.version, each.entry_point.value, error) for each in claims]
        return tuple(sorted(rows, key=lambda row: row[:4]))

    def _load_claim(self, claim: _Claim) -> Any:
        what = f"{self.word} {claim.entry_point.name!r} of {claim.distribution} {claim.version}"
        return self._load(claim.entry_point.value, what)

    def _load_target(self, target: str) -> Any:
        return self._load(target, f"{self.word} {target!r}")

    def _load(self, target: str, what: str) -> Any:
        module_name, _, attribute = target.partition(":")
        try:
            found: Any = importlib.import_module(module_name.strip())
            for part in attribute.split("[")[0].strip().split("."):
                found = getattr(found, part)
        except (Exception, SystemExit) as cause:  # a plug-in is anybody's code: what it raises becomes this one error
            missing = isinstance(cause, ModuleNotFoundError) and cause.name == module_name.split(".")[0]
            hint = "; for a module in the current folder set PYTHONPATH=." if missing else ""
            raise PluginError(f"{what} cannot be loaded: {type(cause).__name__}: {one_line(cause)}{hint}") from cause
        return self.check(found, what)

    def _unknown(self, name: str) -> str:
        known = sorted({*self.registered, *self.claims()})
        return f"unknown {self.word} {name!r}; {suggest(name, known)}"


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _clash(claims: Iterable[_Claim]) -> str:
    owners = " and ".join(sorted(f"{each.distribution} {each.version}" for each in claims))
    return f"claimed by {owners}; uninstall one of them, or name the one you mean as package.module:ATTRIBUTE"


def _read_claims(group: str) -> dict[str, tuple[_Claim, ...]]:
    """Return the claims of every installed distribution, one record of a distribution counted once."""
    claims: dict[str, tuple[_Claim, ...]] = {}
    for name, distribution in _installed_once(group).items():
        try:
            entry_points = distribution.entry_points.select(group=group)
        except Exception as error:  # an unreadable table of one distribution must not hide the others
            warnings.warn(
                f"polax ignores the plug-ins of {name}, its entry_points.txt is broken: {one_line(error)}",
                stacklevel=2,
            )
            continue
        for entry_point in entry_points:
            claim = _Claim(name, _metadata(distribution, "Version"), entry_point)
            claims[entry_point.name] = (*claims.get(entry_point.name, ()), claim)
    return claims


def _installed_once(group: str) -> dict[str, Distribution]:
    """Return the distributions that mention ``group`` by name, each by its most trustworthy record.

    One distribution may be recorded twice on the import path: a checkout holds a ``.egg-info`` beside the installer's
    ``.dist-info``, and it may be stale. The installer's record wins, then the first on the path.
    """
    from importlib.metadata import distributions

    chosen: dict[str, Distribution] = {}
    for distribution in distributions():
        if group in (distribution.read_text("entry_points.txt") or ""):
            name = _metadata(distribution, "Name").lower().replace("_", "-").replace(".", "-")
            if name not in chosen or (_by_installer(distribution) and not _by_installer(chosen[name])):
                chosen[name] = distribution
    return chosen


def _metadata(distribution: Distribution, field: str) -> str:
    """Return one line of a distribution's metadata, ``unknown`` where it is missing."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for key, _, value in lines if key == field), "unknown")


def _by_installer(distribution: Distribution) -> bool:
    """Tell whether an installer wrote this record (a ``.dist-info`` folder has METADATA, an ``.egg-info`` PKG-INFO)."""
    return distribution.read_text("METADATA") is not None


_ENVIRONMENTS = _Kind("polax.envs", "environment", ".envs.base")
_ALGORITHMS = _Kind("polax.algorithms", "algorithm", ".algorithms.base")
_listeners: list[Callable[[str], None]] = []


def environment_plugin(name: str) -> EnvironmentPlugin:
    """Return the environment plug-in of that name (or at ``package.module:ATTRIBUTE``), importing it if need be.

    Raises:
        UnknownNameError: nothing has this name; the nearest match is in the message.
        PluginError: the plug-in cannot be used; the cause is chained.
    """
    plugin: EnvironmentPlugin = _ENVIRONMENTS.find(name)
    return plugin


def algorithm_plugin(name: str) -> AlgorithmPlugin:
    """Return the algorithm plug-in of that name (or at ``package.module:ATTRIBUTE``), importing it if need be.

    Raises:
        UnknownNameError: nothing has this name; the nearest match is in the message.
        PluginError: the plug-in cannot be used; the cause is chained.
    """
    plugin: AlgorithmPlugin = _ALGORITHMS.find(name)
    return plugin


def make_env(name: str, /, **options: Any) -> tuple[Game[Any, Any], Any]:
    """Make an environment.

    Args:
        name: an id such as ``"IPD-v0"``, or ``"package.module:ATTRIBUTE"``.
        **options: fields of the environment's configuration.

    Returns:
        The game (a gymnax environment) and its params.

    Raises:
        UnknownNameError: nothing has this name.
        PluginError: the plug-in cannot be used.
        OptionError: an option that the environment does not have, or a value out of range.
    """
    plugin = environment_plugin(name)
    config: Any = make_config(plugin.config, options, what=name)
    try:
        return plugin.build(config)
    except ValueError as cause:
        raise OptionError(f"{name}: {one_line(cause)}") from cause


def make_algorithm(name: str, env: Game[Any, Any], params: Any, /, **options: Any) -> Algorithm:
    """Make an algorithm that trains every player of a game.

    Args:
        name: a name such as ``"pola-dice"``, or ``"package.module:ATTRIBUTE"``.
        env: the game, from `make_env`.
        params: its params, from `make_env`.
        **options: fields of the algorithm's configuration.

    Returns:
        The algorithm: ``init``, ``update`` and ``policies``.

    Raises:
        UnknownNameError: nothing has this name.
        PluginError: the plug-in cannot be used.
        OptionError: an option that the algorithm does not have, a value out of range, or a demand that the
            environment cannot meet.
    """
    plugin = algorithm_plugin(name)
    config: Any = make_config(plugin.config, options, what=name)
    try:
        return plugin.build(env, params, config)
    except ValueError as cause:
        raise OptionError(f"{name}: {one_line(cause)}") from cause


def list_environments() -> tuple[Listing, ...]:
    """Return the names of all environments with their origin, sorted; loads none of them."""
    return _ENVIRONMENTS.listing()


def list_algorithms() -> tuple[Listing, ...]:
    """Return the names of all algorithms with their origin, sorted; loads none of them."""
    return _ALGORITHMS.listing()


def register_environment(name: str, plugin: EnvironmentPlugin, *, replace: bool = False) -> None:
    """Make an environment known by name in this process, for a notebook or a test.

    Registering a name again replaces what was registered before. The id also works in ``gymnax.make`` and
    ``gymnasium.make``.

    Args:
        name: the id, such as ``"MyGame-v0"``.
        plugin: what an entry point would provide.
        replace: take the name even if an installed distribution has it.

    Raises:
        PluginError: ``plugin`` does not fit the contract, or the name belongs to a distribution.
    """
    _ENVIRONMENTS.register(name, plugin, replace=replace)
    for listener in _listeners:
        listener(name)


def register_algorithm(name: str, plugin: AlgorithmPlugin, *, replace: bool = False) -> None:
    """Make an algorithm known by name in this process, for a notebook or a test.

    Registering a name again replaces what was registered before.

    Args:
        name: the name, such as ``"my-learner"``.
        plugin: what an entry point would provide.
        replace: take the name even if an installed distribution has it.

    Raises:
        PluginError: ``plugin`` does not fit the contract, or the name belongs to a distribution.
    """
    _ALGORITHMS.register(name, plugin, replace=replace)


def on_environment_registered(listener: Callable[[str], None]) -> None:
    """Call ``listener(name)`` after every `register_environment` (used by the views of other libraries)."""
    _listeners.append(listener)
