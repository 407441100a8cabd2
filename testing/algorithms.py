"""The conformance check of algorithms."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from ..algorithms.base import ANY_ENV, API_VERSION, Algorithm, AlgorithmPlugin, EpisodeLearner, Preset
from ..algorithms.core.side_by_side import combine
from ..algorithms.core.trees import foreign_leaf
from ..envs.base import Game
from ..options import OptionError, PolaxError, describe_error, one_line
from ..registry import algorithm_plugin, environment_plugin, make_env
from .clauses import ContractError, Subject
from .plugins import Env, as_game, check_options, check_plugin, find_plugin, other_numbers
from .training import Trial, check_episode_learner, check_in_python, check_traced, check_training


def check_algorithm(
    algorithm: str | AlgorithmPlugin, *, env: Env = "IPD-v0", options: Mapping[str, Any] | None = None
) -> None:
    """Check that an algorithm keeps the contract of `polax.algorithms.base`, its policies included.

    One that can train a single player (`AlgorithmPlugin.build_player`) is then checked beside itself as well. It is
    built for a game with a very short horizon and trained for a few updates, two seeds together, by the code that runs
    `polax train`.

    Args:
        algorithm: a name, ``"package.module:ATTRIBUTE"``, or a plug-in that is not installed yet.
        env: the game to train in: an id, a game, or ``(game, params)``.
        options: options other than the defaults. Give small sizes (batch, network, steps) if the defaults are large.

    Raises:
        ContractError: a clause is broken; the message names it and says how to fix it.
        OptionError: the algorithm refuses this game.
        PolaxError: there is no such algorithm or environment.

    Example:
        >>> check_algorithm("naive", options={"num_envs": 4, "hidden_size": 3})
    """
    name = algorithm if isinstance(algorithm, str) else getattr(algorithm, "summary", repr(algorithm))
    subject = Subject(f"the algorithm {name!r}")
    plugin = find_plugin(subject, algorithm, algorithm_plugin)
    game, params = as_game(env)
    _check(subject, plugin, game, params, options or {})
    if plugin.build_player is not None:
        players = range(game.num_players)
        beside = combine([name] * game.num_players, dict.fromkeys(players, plugin))
        of_each = {f"player_{player}": options or {} for player in players}
        _check(Subject(f"the algorithm {name!r} beside itself"), beside, game, params, of_each)


def _check(
    subject: Subject, plugin: AlgorithmPlugin, game: Game[Any, Any], params: Any, options: Mapping[str, Any]
) -> None:
    check_plugin(subject, plugin, api_version=API_VERSION)
    _check_presets(subject, plugin)
    config = check_options(subject, plugin.config, options, "config-json")
    built, again = (_build(subject, plugin, game, params, config) for _ in range(2))
    trial = Trial(subject, game, params, built, again)
    if built.pure:
        _check_functions(trial, partial(_build, subject, plugin, game), config)
        check_traced(trial)
        check_episode_learner(trial)
    else:
        check_in_python(trial)
    check_training(trial)


def _check_presets(subject: Subject, plugin: AlgorithmPlugin) -> None:
    presets: Any = getattr(plugin, "presets", {})
    subject.demand("presets", isinstance(presets, Mapping), f"presets are {presets!r}")
    for key, preset in presets.items():
        words = isinstance(key, tuple) and len(key) == 2 and all(isinstance(word, str) and word for word in key)
        subject.demand("presets", words, f"the key {key!r}")
        subject.demand("presets", isinstance(preset, Preset), f"{key!r} is {preset!r}")
        whole = isinstance(preset.updates, int) and preset.updates >= 1
        subject.demand("presets", whole, f"{key!r} has {preset.updates!r} updates")
        config = check_options(subject, plugin.config, preset.options, "presets")
        if key[1] == ANY_ENV:
            subject.demand("presets", not preset.env_options, f"{key!r} has options of an environment it does not name")
            continue
        try:
            config_of_env = environment_plugin(key[1]).config
            game, params = make_env(key[1], **preset.env_options)
            plugin.build(game, params, config)
        except (PolaxError, ValueError) as cause:
            raise subject.breach("presets", f"{key!r}: {describe_error(cause)}") from cause
        check_options(subject, config_of_env, preset.env_options, "presets")


def _build(subject: Subject, plugin: AlgorithmPlugin, game: Game[Any, Any], params: Any, config: Any) -> Algorithm:
    try:
        with subject.running("build"):
            built: Any = plugin.build(game, params, config)
    except ContractError as breach:
        if isinstance(breach.__cause__, ValueError):
            reason = one_line(breach.__cause__)
            raise OptionError(f"{subject.name} refuses {game.name} with {config!r}: {reason}") from breach.__cause__
        raise
    subject.demand("build", isinstance(built, Algorithm), f"build returned {type(built).__name__}, not an Algorithm")
    missing = [name for name in ("init", "update", "policies") if not callable(getattr(built, name))]
    subject.demand("build", not missing, f"{' and '.join(missing)} cannot be called")
    subject.demand("build", isinstance(built.pure, bool), f"pure is {built.pure!r}")
    subject.demand("build", isinstance(built.self_play, bool), f"self_play is {built.self_play!r}")
    alone: Any = built.episode_learner
    if alone is not None:
        clause = "episode-learner"
        subject.demand(clause, isinstance(alone, EpisodeLearner), f"it is {type(alone).__name__}")
        subject.demand(clause, built.pure, "the algorithm has one, and says pure=False")
        missing = [name for name in ("init", "learn", "policy") if not callable(getattr(alone, name))]
        subject.demand(clause, not missing, f"{' and '.join(missing)} cannot be called")
        whole = isinstance(alone.num_episodes, int) and alone.num_episodes >= 1
        subject.demand(clause, whole, f"num_episodes is {alone.num_episodes!r}")
        foreign = foreign_leaf(alone.numbers)
        subject.demand(clause, not foreign, f"in numbers, {foreign}")
    return built


def _check_functions(trial: Trial, build: Callable[[Any, Any], Algorithm], config: Any) -> None:
    """The functions of a pure algorithm are values: equal when built again, and whatever the numbers are."""
    subject, first = trial.subject, trial.algorithm
    for name, function in _functions(first).items():
        try:
            hash(function)
        except TypeError as cause:
            raise subject.breach("equal-functions", f"{name} has no hash: {cause}") from cause
    changed = _differing(first, trial.again)
    subject.demand("equal-functions", not changed, changed)
    changes = other_numbers(config)
    changed = _differing(first, build(trial.params, dataclasses.replace(config, **changes)))
    if changed:  # name the one that it is
        for name, value in changes.items():
            alone = _differing(first, build(trial.params, dataclasses.replace(config, **{name: value})))
            subject.demand("numbers-in-state", not alone, f"with {name}={value!r}, {alone}")
        raise subject.breach("numbers-in-state", f"with {changes}, {changed}")
    changed = _differing(first, build(jax.tree.map(_other_number, trial.params), config))
    subject.demand("numbers-in-state", not changed, f"with other numbers in the environment's params, {changed}")


def _differing(first: Algorithm, second: Algorithm) -> str:
    """Say which function of two algorithms is not equal; empty where all are. ``init`` may hold the numbers."""
    ours, theirs = _functions(first), _functions(second)
    for name in ours:
        if name == "init":
            continue
        one, other = ours[name], theirs.get(name)
        if one != other or hash(one) != hash(other):
            return f"{name} is {one!r}, then {other!r}"
    return ""


def _functions(algorithm: Algorithm) -> dict[str, Any]:
    """Return the functions of a pure algorithm by name."""
    found = {name: getattr(algorithm, name) for name in ("init", "update", "policies")}
    alone = algorithm.episode_learner
    return found | {
        f"episode_learner.{name}": getattr(alone, name) for name in ("init", "learn", "policy") if alone is not None
    }


def _other_number(leaf: Any) -> jax.Array:
    array = jnp.asarray(leaf)
    return (array * 1.01).astype(array.dtype) if jnp.issubdtype(array.dtype, jnp.inexact) else array
