"""What plug-ins of both kinds must be: fields, version, and a configuration that survives being written down."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..envs.base import Game, with_numbers
from ..options import OptionError, PolaxError, describe_error, make_config, option_types
from ..registry import PluginError, make_env
from .clauses import Subject

HORIZON = 3
"""Steps of the episodes that the checks play."""

Env = str | Game[Any, Any] | tuple[Game[Any, Any], Any]
"""An environment's id, a game (with its default params), or a game with params."""


def find_plugin(subject: Subject, plugin: Any, find: Callable[[str], Any]) -> Any:
    """Return the plug-in of a name, or the object itself."""
    if not isinstance(plugin, str):
        return plugin
    try:
        return find(plugin)
    except PluginError as cause:
        raise subject.breach("loads", str(cause)) from cause


def check_plugin(subject: Subject, plugin: Any, *, api_version: int) -> None:
    """Check what environments and algorithms have in common as plug-ins."""
    missing = [field for field in ("config", "build", "summary", "api_version") if not hasattr(plugin, field)]
    subject.demand("plugin", not missing, f"{type(plugin).__name__} has no {', '.join(missing)}")
    config, summary, version = plugin.config, plugin.summary, plugin.api_version
    subject.demand(
        "plugin",
        isinstance(config, type) and dataclasses.is_dataclass(config),
        f"config is {config!r}, not a dataclass",
    )
    subject.demand("plugin", callable(plugin.build), f"build is {plugin.build!r}, which cannot be called")
    one_line = isinstance(summary, str) and summary.strip() and "\n" not in summary
    subject.demand("plugin", one_line, f"summary is {summary!r}, not one line")
    subject.demand("api-version", version == api_version, f"it says {version!r}; this polax has {api_version!r}")
    _check_config(subject, config)


def _check_config(subject: Subject, config: type) -> None:
    name = config.__name__
    subject.demand("config-frozen", config.__dataclass_params__.frozen, f"{name} is not frozen")  # type: ignore[attr-defined]
    with subject.running("config-defaults"):
        usual: Any = config()
    try:
        hash(usual)
    except TypeError as cause:
        raise subject.breach("config-frozen", f"{name}() has no hash: {describe_error(cause)}") from cause
    options = {option: value for option, value in dataclasses.asdict(usual).items() if option in option_types(config)}
    with subject.running("config-json"):
        text = json.dumps(options, allow_nan=False)
        again: Any = make_config(config, json.loads(text), what=name)
    subject.demand("config-json", again == usual, f"{usual!r} came back as {again!r}")


def check_options(subject: Subject, config: type, options: Mapping[str, Any], clause: str) -> Any:
    """Return the configuration with ``options``, which must be allowed."""
    try:
        return make_config(config, options, what=config.__name__)
    except OptionError as cause:
        raise subject.breach(clause, str(cause)) from cause


def other_numbers(config: Any) -> dict[str, Any]:
    """Return, for every floating-point option, another value that is allowed; one that has none is left out.

    An option that has options of its own is given with all of them changed.
    """
    changes: dict[str, Any] = {}
    for name, kind in option_types(type(config)).items():
        if dataclasses.is_dataclass(kind):
            inner = getattr(config, name)
            changes[name] = dataclasses.replace(inner, **other_numbers(inner))
        for value in _near(getattr(config, name)) if kind is float else ():
            try:
                dataclasses.replace(config, **{name: value})
            except ValueError:
                continue
            changes[name] = value
            break
    return changes


def _near(value: float) -> Iterator[float]:
    yield value * 1.01 if value else 0.01
    yield value * 0.99 if value else -0.01


def as_game(env: Env) -> tuple[Game[Any, Any], Any]:
    """Return a game and its params, with a short horizon.

    Raises:
        PolaxError: an id that is not known, or something that is not an environment.
    """
    if isinstance(env, str):
        game, params = make_env(env)
    elif isinstance(env, Game):
        game, params = env, env.default_params
    elif isinstance(env, tuple) and len(env) == 2 and isinstance(env[0], Game):
        game, params = env
    else:
        raise PolaxError(f"an environment is an id, a Game or (game, params), not {env!r}")
    return game, shortened(params)


def shortened(params: Any) -> Any:
    """Return params with a short horizon."""
    return with_numbers(params, {"max_steps_in_episode": HORIZON})
