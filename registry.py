"""Names of environments, algorithms, policies, loggers and executors, and the plug-ins behind them.

Plug-ins are found through the entry-point groups ``polax.envs``, ``polax.algorithms``, ``polax.policies``,
``polax.loggers`` and ``polax.executors``; the built-in ones are declared in the same way. Listing reads names only, a
plug-in is imported when its name is first asked for, and a broken one does not affect the others. This module needs the
standard library only, so that ``import polax`` stays quick.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .options import (
    MissingExtraError,
    OptionError,
    PolaxError,
    describe,
    describe_error,
    make_config,
    one_line,
    option_types,
    player_index,
    shown,
    suggest,
)

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

    from .algorithms.base import Algorithm, AlgorithmPlugin
    from .envs.base import EnvironmentPlugin, Game, Policy, PolicyResolver
    from .runner.executors.base import ExecutorPlugin
    from .runner.training.callbacks import Logger

BESIDE = "+"
"""Between the names of different learners, one for each player: ``lola-dice+naive``."""

RUN_PREFIX = "run"
"""The prefix that the path of a run need not be given."""


class UnknownNameError(PolaxError, ValueError):
    """No environment, algorithm, policy, logger or executor has this name."""


class PluginError(PolaxError, RuntimeError):
    """The plug-in behind a name cannot be used: it does not load, is not one, or two distributions claim its name."""


class PluginCodeError(PluginError):
    """The code of a plug-in raised an error, in one of the functions of its contract."""

    exit_status = 1


@contextmanager
def plugin_code(what: str, function: str) -> Iterator[None]:
    """Turn whatever the code of a plug-in raises, an exit included, into one `PluginCodeError`.

    Args:
        what: the plug-in, such as `algorithm_origin` of a name.
        function: which function of the contract, and when.
    """
    try:
        yield
    except (PolaxError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as cause:  # ``sys.exit(0)`` in an update must not end training with status 0
        raise PluginCodeError(f"{what}: {function} failed: {describe_error(cause)}") from cause


class Listing(NamedTuple):
    """One name in a listing, with where it comes from."""

    name: str
    distribution: str
    """The distribution that declares it; ``(registered)`` for what a function such as `register_algorithm` added."""

    version: str
    target: str
    """``package.module:ATTRIBUTE``; empty for registered objects."""

    error: str | None
    """Why it cannot be used, as far as is known without loading it."""


class _Claim(NamedTuple):
    """One distribution's claim to a name."""

    distribution: str
    version: str
    entry_point: EntryPoint


class _Kind:
    """The plug-ins of one entry-point group."""

    def __init__(self, group: str, word: str, check: Callable[[Any, str], None]) -> None:
        """Remember the group, the word for messages, and what raises `PluginError` for what is not a plug-in."""
        self.group = group
        self.word = word
        self.check = check
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
        """Return the plug-in of that name, imported if necessary."""
        if not isinstance(name, str):
            raise UnknownNameError(f"{self.word} names are strings, not {name!r}")
        if name in self.registered:
            return self.registered[name]
        if ":" in name:
            _allowed.add(name)
            return self._load(name, f"{self.word} {name!r}")
        claims = self.claims().get(name) or self.claims(fresh=True).get(name)
        if not claims:
            raise UnknownNameError(f"unknown {self.word} {name!r}; {suggest(name, self.names())}")
        if len(claims) > 1:
            raise PluginError(f"{self.word} {name!r}: {_clash(claims)}")
        return self._load(claims[0].entry_point.value, self.origin(name))

    def origin(self, name: str) -> str:
        """Return a name in words, with the distribution and the version that it comes from."""
        claims = () if name in self.registered else self.claims().get(name, ())
        return f"{self.word} {name!r}" + (f" of {claims[0].distribution} {claims[0].version}" if claims else "")

    def register(self, name: str, plugin: Any, *, replace: bool) -> None:
        """Add a plug-in object under ``name`` for this process."""
        if not isinstance(name, str) or not name or {":", BESIDE} & set(name) or name != name.strip():
            raise PluginError(f"{self.word} names must be a word without ':' and {BESIDE!r}, not {name!r}")
        self.check(plugin, f"{self.word} {name!r}")
        owners = self.claims().get(name)
        if owners and not replace:
            raise PluginError(
                f"{self.word} {name!r} belongs to {owners[0].distribution}; choose another name or pass replace=True"
            )
        self.registered[name] = plugin

    def names(self) -> list[str]:
        """Return every name, sorted."""
        return sorted({*self.registered, *self.claims()})

    def listing(self) -> tuple[Listing, ...]:
        """Return every name with its origin; loads nothing."""
        rows = [Listing(name, "(registered)", "", "", None) for name in self.registered]
        for name, claims in self.claims(fresh=True).items():
            error = _clash(claims) if len(claims) > 1 else None
            rows += [Listing(name, each.distribution, each.version, each.entry_point.value, error) for each in claims]
        return tuple(sorted(rows, key=lambda row: row[:4]))

    def _load(self, target: str, what: str) -> Any:
        module_name, _, attribute = target.partition(":")
        try:
            found: Any = importlib.import_module(module_name.strip())
            for part in attribute.split("[")[0].strip().split("."):
                found = getattr(found, part)
        except (MissingExtraError, KeyboardInterrupt):
            raise
        except BaseException as cause:  # whatever the code of a plug-in raises becomes this one error
            missing = isinstance(cause, ModuleNotFoundError) and cause.name == module_name.split(".")[0]
            hint = "; for a module in the current folder set PYTHONPATH=." if missing else ""
            raise PluginError(f"{what} cannot be loaded: {type(cause).__name__}: {one_line(cause)}{hint}") from cause
        try:
            self.check(found, what)
        except (PluginError, KeyboardInterrupt):
            raise
        except BaseException as cause:  # attributes may be computed, and raise too
            raise PluginError(f"{what} cannot be used: {describe_error(cause)}") from cause
        return found


def _check_plugin(plugin: Any, what: str, *, word: str, contract: str) -> None:
    """Check an environment's or algorithm's plug-in by the module ``contract``, which is loaded only when needed."""
    missing = [field for field in ("config", "build", "summary", "api_version") if not hasattr(plugin, field)]
    if missing:
        raise PluginError(f"{what} is not a plug-in: {type(plugin).__name__} has no {', '.join(missing)}")
    if not isinstance(plugin.config, type) or not hasattr(plugin.config, "__dataclass_fields__"):
        raise PluginError(f"{what}: its config must be a dataclass, not {plugin.config!r}")
    if not callable(plugin.build):
        raise PluginError(f"{what}: its build must be callable, not {plugin.build!r}")
    if not isinstance(plugin.summary, str):
        raise PluginError(f"{what}: its summary must be a line of text, not {shown(plugin.summary)}")
    try:
        option_types(plugin.config)
    except Exception as cause:  # an annotation may be any text
        raise PluginError(f"{what}: the types of its options cannot be resolved: {describe_error(cause)}") from cause
    _check_presets(getattr(plugin, "presets", {}), what)
    ours = importlib.import_module(contract, __package__).API_VERSION
    if plugin.api_version != ours:
        raise PluginError(
            f"{what} is written for version {plugin.api_version!r} of the {word} contract, "
            f"this polax has version {ours}; install compatible versions"
        )


def _check_presets(presets: Any, what: str) -> None:
    if not isinstance(presets, Mapping):
        raise PluginError(f"{what}: its presets must be a mapping, not {shown(presets)}")
    for key, preset in presets.items():
        if not (isinstance(key, tuple) and len(key) == 2 and all(isinstance(word, str) for word in key)):
            raise PluginError(f"{what}: a preset has the name (preset, environment id), not {shown(key)}")
        for field, kind in (("updates", int), ("options", Mapping), ("env_options", Mapping)):
            if not isinstance(getattr(preset, field, None), kind):
                raise PluginError(f"{what}: the {field} of preset {key[0]} must be {describe(kind)}, see Preset")


def _check_function(found: Any, what: str, *, form: str) -> None:
    if not callable(found):
        raise PluginError(f"{what} must be a function {form}, not {found!r}")


def _clash(claims: Iterable[_Claim]) -> str:
    owners = " and ".join(sorted(f"{each.distribution} {each.version}" for each in claims))
    return f"claimed by {owners}; uninstall one of them, or name the one you mean as package.module:ATTRIBUTE"


def _read_claims(group: str) -> dict[str, tuple[_Claim, ...]]:
    """Return the claims of every installed distribution."""
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
    """Return the distributions that mention ``group`` by name, one record of each.

    A checkout may hold a stale ``.egg-info`` beside the installer's ``.dist-info`` on the import path. The installer's
    record, which has METADATA, wins, then the first on the path.
    """
    from importlib.metadata import distributions

    chosen: dict[str, Distribution] = {}
    for distribution in distributions():
        if group in (distribution.read_text("entry_points.txt") or ""):
            name = _metadata(distribution, "Name").lower().replace("_", "-").replace(".", "-")
            if name not in chosen or (distribution.read_text("METADATA") and not chosen[name].read_text("METADATA")):
                chosen[name] = distribution
    return chosen


def _metadata(distribution: Distribution, field: str) -> str:
    """Return one line of a distribution's metadata, ``unknown`` where it is missing."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for key, _, value in lines if key == field), "unknown")


_ENVIRONMENTS = _Kind("polax.envs", "environment", partial(_check_plugin, word="environment", contract=".envs.base"))
_ALGORITHMS = _Kind(
    "polax.algorithms", "algorithm", partial(_check_plugin, word="algorithm", contract=".algorithms.base")
)
_POLICIES = _Kind(
    "polax.policies", "policy prefix", partial(_check_function, form="(reference, game, params, player) -> policy")
)
_LOGGERS = _Kind("polax.loggers", "logger", partial(_check_function, form="(launch) -> callback"))
_EXECUTORS = _Kind(
    "polax.executors", "executor", partial(_check_plugin, word="executor", contract=".runner.executors.base")
)
_listeners: list[Callable[[str], None]] = []

ANY_TARGET = "*"
"""For `allow_import`: whatever a file names."""

_allowed: set[str] = set()
"""The ``package.module:ATTRIBUTE`` that the user of this process has asked for; a file may name these too."""


def allow_import(*targets: str) -> None:
    """Let files, such as a run's config.json, name code that is imported.

    Args:
        *targets: ``package.module:ATTRIBUTE``, or `ANY_TARGET`.
    """
    _allowed.update(part for target in targets for part in names_by_player(target))


def names_by_player(name: str) -> tuple[str, ...]:
    """Return what learns, or plays, as each player; a single name where one learner trains them all."""
    return tuple(each.strip() for each in name.split(BESIDE))


def check_import(*names: str, source: str) -> None:
    """Raise `PluginError` if a name that comes from a file means code that the user has not asked for.

    Args:
        *names: of plug-ins; those of installed ones are always allowed.
        source: the file, for the message.
    """
    for name in (part for given in names for part in names_by_player(given)):
        is_policy = split_reference(name)[0] in _POLICIES.names()  # such as run:FOLDER, whose own file is asked in turn
        if ":" in name and not is_policy and not _allowed & {name, ANY_TARGET}:
            raise PluginError(
                f"{source} names code to import, {shown(name)}; if you trust it, pass --allow-import (in Python: "
                "polax.load(PATH, allow_import=True))"
            )


def environment_plugin(name: str) -> EnvironmentPlugin:
    """Return the environment plug-in of that name (or at ``package.module:ATTRIBUTE``), imported if necessary.

    Raises:
        UnknownNameError: the name is unknown; the nearest match is in the message.
        PluginError: the plug-in cannot be used; the cause is chained.
        MissingExtraError: it needs a library that one of polax's extras installs.

    Example:
        >>> polax.environment_plugin("IPD-v0").config().contribution_factor
        1.33
    """
    plugin: EnvironmentPlugin = _ENVIRONMENTS.find(name)
    return plugin


def algorithm_plugin(name: str) -> AlgorithmPlugin:
    """Return the algorithm plug-in of that name; otherwise like `environment_plugin`.

    Names with a ``+`` between them make a plug-in that trains a learner for each player; one of them may be a reference
    to a policy that does not learn: ``lola-dice+naive``, ``pola-om+tit-for-tat``.

    Example:
        >>> polax.algorithm_plugin("naive").config().discount
        0.96
    """
    plugin: AlgorithmPlugin
    if isinstance(name, str) and BESIDE in name:
        together = importlib.import_module(".algorithms.core.side_by_side", __package__)
        plugin = together.side_by_side(names_by_player(name))
    else:
        plugin = _ALGORITHMS.find(name)
    return plugin


def algorithm_name(algorithm: str | Sequence[str]) -> str:
    """Return the name of a learner, or of several learners, one for each player, that were given one by one."""
    return algorithm if isinstance(algorithm, str) else BESIDE.join(algorithm)


def policy_prefixes() -> list[str]:
    """Return the prefixes of references to policies, sorted."""
    return _POLICIES.names()


def policy_resolver(prefix: str) -> PolicyResolver:
    """Return what makes policies from references ``prefix:rest``; otherwise like `environment_plugin`.

    Example:
        >>> env, params = polax.make_env("IPD-v0")
        >>> policy = polax.policy_resolver("run")("runs/mine", env, params, 0)
    """
    resolver: PolicyResolver = _POLICIES.find(prefix)
    return resolver


def logger(name: str) -> Logger:
    """Return what makes the callback of a logger for each run; otherwise like `environment_plugin`."""
    make: Logger = _LOGGERS.find(name)
    return make


def executor_plugin(name: str) -> ExecutorPlugin:
    """Return the plug-in that runs the tasks of benchmarks and sweeps; otherwise like `environment_plugin`."""
    plugin: ExecutorPlugin = _EXECUTORS.find(name)
    return plugin


def check_found_elsewhere(algorithm: str, env: str) -> None:
    """Raise `PluginError` if other processes would not find a learner, or a game, by its name."""
    for kind, name in [*((_ALGORITHMS, each) for each in names_by_player(algorithm)), (_ENVIRONMENTS, env)]:
        if name in kind.registered:
            raise PluginError(
                f"{kind.word} {name!r} is registered in this process alone, and other processes do not find it; "
                "declare it as an entry point, or name it as package.module:ATTRIBUTE"
            )


def make_env(name: str, /, **options: Any) -> tuple[Game[Any, Any], Any]:
    """Make an environment.

    Args:
        name: an id such as ``"IPD-v0"``, or ``"package.module:ATTRIBUTE"``.
        **options: fields of the environment's configuration. Numbers may be scalars of numpy or jax. Inside
            ``jax.vmap`` they may be traced, so that one call makes the params of many games; their bounds are not
            checked then.

    Returns:
        The game (a gymnax environment) and its params.

    Raises:
        UnknownNameError: the name is unknown.
        PluginError: the plug-in cannot be used.
        OptionError: an unknown option, or a value out of range.

    Example:
        >>> env, params = polax.make_env("IPD-v0", contribution_factor=1.5)
        >>> params.payoffs[0].tolist()  # of player 0, by its action and the other player's
        [[0.0, 0.75], [-0.25, 0.5]]
    """
    plugin = environment_plugin(name)
    config: Any = make_config(plugin.config, options, what=name)
    built = _built(name, plugin.build, config, plugin=_ENVIRONMENTS.origin(name))
    if not (isinstance(built, tuple) and len(built) == 2 and hasattr(built[0], "num_players")):
        raise PluginError(
            f"{_ENVIRONMENTS.origin(name)}: its build must return a game and its params, not {shown(built)}"
        )
    game: tuple[Game[Any, Any], Any] = built
    return game


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
        UnknownNameError: the name is unknown.
        PluginError: the plug-in cannot be used.
        OptionError: an unknown option, a value out of range, or an environment that does not suit the algorithm.

    Example:
        >>> import jax
        >>> env, params = polax.make_env("IPD-v0")
        >>> algorithm = polax.make_algorithm("naive-exact", env, params, outer_lr=1.0)
        >>> state, metrics = algorithm.update(jax.random.key(1), algorithm.init(jax.random.key(0)))
        >>> len(algorithm.policies(state))
        2
    """
    plugin = algorithm_plugin(name)
    config: Any = make_config(plugin.config, options, what=name)
    built = _built(name, plugin.build, env, params, config, plugin=_ALGORITHMS.origin(name))
    if not all(callable(getattr(built, function, None)) for function in ("init", "update", "policies")):
        raise PluginError(f"{_ALGORITHMS.origin(name)}: its build must return an Algorithm, not {shown(built)}")
    algorithm: Algorithm = built
    return algorithm


def make_policy(reference: Any, env: Game[Any, Any], params: Any, *, player: int = 0) -> Policy:
    """Make the policy of one player of a game.

    Args:
        reference: one of

            - the name of one of the game's strategies: ``"tit-for-tat"``;
            - a `Policy`, which is returned as it is;
            - the path of a training run or of an agent's file, with a seed if it is not the first: ``"runs/mine#3"``;
              it gives the last checkpoint of the player with the same index, or of another one: ``"runs/mine#3@1"``;
            - ``"prefix:rest"``, such as ``"axelrod:Tit For Tat"`` (``polax list`` shows the prefixes);
            - an object of a library whose name is a prefix, such as ``axelrod.Grudger()``.
        env: the game, from `make_env`.
        params: its params, from `make_env`.
        player: the index of the player.

    Returns:
        The policy: a pytree, unless it comes from another library or from a learner in ordinary Python.

    Raises:
        UnknownNameError: no strategy, run or prefix has this name; the nearest match is in the message.
        PluginError: the plug-in behind the prefix cannot be used, or does not return a policy.
        OptionError: another kind of object, a player that the game does not have, or a reference that does not fit the
            game, such as a run in another one.
        PolaxError: a run cannot be read, or a library is not installed.

    Example:
        >>> env, params = polax.make_env("IPD-v0")
        >>> opponent = polax.make_policy("tit-for-tat", env, params, player=1)
        >>> trained = polax.make_policy("runs/mine#1", env, params)
    """
    player = player_index(player, env.num_players)
    if _is_policy(reference):
        policy: Policy = reference
        return policy
    if isinstance(reference, str) and reference in env.strategies:
        return env.strategies[reference](env, player)
    prefix, rest = split_reference(reference)
    if not prefix and isinstance(reference, str):
        hint = suggest(reference, env.strategies)
        raise UnknownNameError(f"{env.name} has no strategy {reference!r}, and no folder has that name; {hint}")
    if not prefix:
        raise OptionError(
            f"a player is the name of a strategy, a Policy, the path of a run, or PREFIX:NAME with one of the prefixes "
            f"{', '.join(_POLICIES.names())}; got {reference!r}"
        )
    resolver = policy_resolver(prefix)
    policy = _built(f"{prefix}:{rest}", resolver, rest, env, params, player, plugin=_POLICIES.origin(prefix))
    if not _is_policy(policy):
        raise PluginError(
            f"policy prefix {prefix!r} returned {policy!r} for {rest!r}, which is not a policy: "
            "it needs the methods initial_memory and act"
        )
    return policy


def opponents_of(opponent: Any, env: Game[Any, Any], *, player: int) -> dict[int, Any]:
    """Return a reference to the policy of each other player, by player.

    Args:
        opponent: what `make_policy` takes, for all of them; or a list with one for each, in the players' order.
        env: the game.
        player: the one who has these opponents.

    Raises:
        OptionError: a list of another length.
    """
    others = [each for each in range(env.num_players) if each != player]
    given = opponent if isinstance(opponent, list) else [opponent] * len(others)
    if len(given) != len(others):
        them = ", ".join(f"player {each}" for each in others)
        raise OptionError(
            f"{env.name} of {env.num_players} players needs one opponent for all or a list of {len(others)} ({them}); "
            f"got a list of {len(given)}"
        )
    return dict(zip(others, given, strict=True))


def own_game(reference: Any) -> Game[Any, Any] | None:
    """Return the game that a reference to a policy brings with it, such as the one that a run has learned, or None.

    A resolver offers it as a function ``own_game(rest)``, an attribute of its own.
    """
    prefix, rest = split_reference(reference)
    find = getattr(policy_resolver(prefix), "own_game", None) if prefix else None
    game: Game[Any, Any] | None = None if find is None else find(rest)
    return game


def run_behind(reference: Any, env: str | None = None) -> str | None:
    """Return the reference to a run, or to the file of an agent, that a reference to a policy means, or None.

    A resolver offers it as a function ``run_behind(rest, env)``, an attribute of its own.

    Args:
        reference: to a policy.
        env: id of the game that is to be played, where it is known.
    """
    prefix, rest = split_reference(reference)
    if prefix == RUN_PREFIX:
        return str(rest)
    find = getattr(policy_resolver(prefix), "run_behind", None) if prefix else None
    found: str | None = None if find is None else find(rest, env)
    return found


def reference_names(references: Iterable[Any]) -> list[str]:
    """Return a name for each of some references to policies: the text or path; for an object that of its class.

    Objects of one class are numbered from the second one on.
    """
    names: list[str] = []
    counts: dict[str, int] = {}
    for reference in references:
        if isinstance(reference, str | os.PathLike):
            names.append(os.fspath(reference))
            continue
        kind = type(reference).__name__
        counts[kind] = counts.get(kind, 0) + 1
        names.append(kind if counts[kind] == 1 else f"{kind} {counts[kind]}")
    return names


def split_reference(reference: Any) -> tuple[str, Any]:
    """Return the prefix of a reference to a policy and what follows it.

    The path of a run, or of an agent's file, has the prefix ``run``, and an object of a library whose name is a prefix
    has that prefix. The prefix is empty for anything else, such as the name of a strategy.
    """
    if isinstance(reference, os.PathLike):
        return RUN_PREFIX, os.fspath(reference)
    if not isinstance(reference, str):
        libraries = [kind.__module__.partition(".")[0] for kind in type(reference).__mro__]
        return next((name for name in libraries if name in _POLICIES.names()), ""), reference
    prefix, colon, rest = reference.partition(":")
    if colon and os.sep not in prefix:
        return prefix, rest
    folder = reference.partition("#")[0]
    is_path = os.sep in folder or folder.endswith(".npz") or (folder != "" and Path(folder).is_dir())
    return (RUN_PREFIX if is_path else ""), reference


def _is_policy(given: Any) -> bool:
    methods = (getattr(given, name, None) for name in ("initial_memory", "act"))
    return not isinstance(given, type) and all(map(callable, methods))


def _built(what: str, build: Callable[..., Any], *arguments: Any, plugin: str) -> Any:
    """Return ``build(*arguments)``; a ValueError, with which a plug-in refuses options, becomes an `OptionError`."""
    with plugin_code(plugin, "build"):
        try:
            return build(*arguments)
        except PolaxError:
            raise
        except ValueError as cause:
            raise OptionError(f"{what}: {one_line(cause)}") from cause


def algorithm_origin(name: str) -> str:
    """Return the name of an algorithm in words, with the distribution and the version that it comes from."""
    return _ALGORITHMS.origin(name)


def list_environments() -> tuple[Listing, ...]:
    """Return the names of all environments with their origin, sorted, without loading them.

    Example:
        >>> "IPD-v0" in [each.name for each in polax.list_environments()]
        True
    """
    return _ENVIRONMENTS.listing()


def list_algorithms() -> tuple[Listing, ...]:
    """Return the names of all algorithms with their origin, sorted, without loading them.

    Example:
        >>> "pola-dice" in [each.name for each in polax.list_algorithms()]
        True
    """
    return _ALGORITHMS.listing()


def list_policies() -> tuple[Listing, ...]:
    """Return the prefixes of all policies with their origin, sorted, without loading them.

    Example:
        >>> "run" in [each.name for each in polax.list_policies()]
        True
    """
    return _POLICIES.listing()


def list_loggers() -> tuple[Listing, ...]:
    """Return the names of all loggers with their origin, sorted, without loading them.

    Example:
        >>> [row.name for row in polax.list_loggers()]
        ['tensorboard', 'wandb']
    """
    return _LOGGERS.listing()


def list_executors() -> tuple[Listing, ...]:
    """Return the names of all executors with their origin, sorted, without loading them.

    Example:
        >>> [row.name for row in polax.list_executors()]
        ['ray', 'slurm']
    """
    return _EXECUTORS.listing()


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

    Example:
        >>> polax.register_environment("Dilemma-v0", polax.environment_plugin("IPD-v0"))
        >>> env, params = polax.make_env("Dilemma-v0")
    """
    _ENVIRONMENTS.register(name, plugin, replace=replace)
    for listener in _listeners:
        listener(name)


def register_algorithm(name: str, plugin: AlgorithmPlugin, *, replace: bool = False) -> None:
    """Make an algorithm known by name in this process; otherwise like `register_environment`.

    Example:
        >>> plugin = polax.algorithm_plugin("naive")
        >>> polax.register_algorithm("mine", plugin._replace(presets={}))
    """
    _ALGORITHMS.register(name, plugin, replace=replace)


def register_policy(prefix: str, resolver: PolicyResolver, *, replace: bool = False) -> None:
    """Make policies known as ``prefix:rest`` in this process; otherwise like `register_environment`.

    Example:
        >>> def resolve(reference, game, params, player):
        ...     return polax.make_policy(reference.lower(), game, params, player=player)
        >>> polax.register_policy("lower", resolve)
        >>> polax.make_policy("lower:GRIM", *polax.make_env("IPD-v0")) is not None
        True
    """
    _POLICIES.register(prefix, resolver, replace=replace)


def register_logger(name: str, make: Logger, *, replace: bool = False) -> None:
    """Make a logger known by name in this process; otherwise like `register_environment`.

    Example:
        >>> polax.register_logger("silent", lambda launch: polax.Callback())
        >>> "silent" in [row.name for row in polax.list_loggers()]
        True
    """
    _LOGGERS.register(name, make, replace=replace)


@contextmanager
def isolated() -> Iterator[None]:
    """Have registered at the end what was registered before: for tests of plug-ins.

    The code that files may name (`allow_import`) is none at the beginning, and what it was at the end.

    Example:
        >>> with polax.registry.isolated():
        ...     polax.register_algorithm("mine", polax.algorithm_plugin("naive"))
        >>> "mine" in [row.name for row in polax.list_algorithms()]
        False
    """
    kinds = (_ENVIRONMENTS, _ALGORITHMS, _POLICIES, _LOGGERS, _EXECUTORS)
    registered, allowed = [kind.registered for kind in kinds], set(_allowed)
    for kind in kinds:
        kind.registered = dict(kind.registered)
    _allowed.clear()
    try:
        yield
    finally:
        for kind, before in zip(kinds, registered, strict=True):
            kind.registered = before
        _allowed.clear()
        _allowed.update(allowed)


def on_environment_registered(listener: Callable[[str], None]) -> None:
    """Call ``listener(name)`` after every `register_environment` (used by the views of other libraries)."""
    _listeners.append(listener)
