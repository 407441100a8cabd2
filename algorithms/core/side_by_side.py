"""A learner for each player: several plug-ins, or plug-ins and policies that do not learn, as one `Algorithm`.

The players learn at once, each from what the others showed before the update. `AlgorithmPlugin.build_player` makes the
learner of one player; here they are put together, the options, presets and metrics of each under its player's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from functools import partial
from typing import Any

import jax

from ... import registry
from ...envs.base import Game
from ...envs.policies.play import is_compiled
from ...options import OptionError, one_line
from ..base import ANY_ENV, ENVS_AXIS, Algorithm, AlgorithmPlugin, Metrics, PlayerLearner, Preset, Shown

__all__ = ["combine", "side_by_side"]

Plugins = Mapping[int, AlgorithmPlugin]
"""The learners by player; the players that are not there do not learn."""


def side_by_side(names: Sequence[str]) -> AlgorithmPlugin:
    """Return the plug-in that trains a learner for each player.

    Its options are ``player_0``, ``player_1`` and so on: those of that player's learner. A preset of it is one that all
    learners have for a game of so many players. It takes the steps of an update from the learner that takes the fewest,
    so that all of them learn equally often, and as many updates as the one that learns longest needs then.

    Args:
        names: for each player, the name of a learner, or a reference to a policy that does not learn.

    Raises:
        UnknownNameError: none of the names is a learner's.
        PluginError: a learner cannot be loaded, or trains all players itself.
    """
    found = {player: _plugin_of(name) for player, name in enumerate(names)}
    plugins = {player: plugin for player, plugin in found.items() if plugin is not None}
    if not plugins:
        registry.algorithm_plugin(names[0])  # which says what it is near to
    return combine(names, plugins)


def combine(names: Sequence[str], plugins: Plugins) -> AlgorithmPlugin:
    """Return the plug-in of learners that are at hand; otherwise like `side_by_side`.

    Args:
        names: for each player, what its learner is called, or a reference to a policy that does not learn.
        plugins: the learners; each has `AlgorithmPlugin.build_player`.
    """
    title = " beside ".join(names)
    options = [
        (
            option_of(player),
            plugin.config,
            field(default_factory=plugin.config, metadata={"help": f"Options of {names[player]}."}),
        )
        for player, plugin in plugins.items()
    ]
    return AlgorithmPlugin(
        config=make_dataclass("SideBySideConfig", options, frozen=True, kw_only=True),
        build=partial(_build, tuple(names), plugins),
        summary=f"{title}: a learner for each player.",
        presets=_presets(plugins, len(names)),
        steps_per_update=partial(_steps_per_update, plugins),
    )


def option_of(player: int) -> str:
    """Return the name of the option that holds the options of a player's learner."""
    return f"player_{player}"


def _plugin_of(name: str) -> AlgorithmPlugin | None:
    """Return the learner of that name, or None where it names a policy."""
    if registry.split_reference(name)[0] in registry.policy_prefixes():
        return None
    try:
        plugin = registry.algorithm_plugin(name)
    except registry.UnknownNameError:
        return None
    if plugin.build_player is None:
        raise registry.PluginError(
            f"{name} trains all players of a game and cannot learn beside another learner; train it alone and let the "
            "other one play against the run: run:FOLDER in its place"
        )
    return plugin


def _presets(plugins: Plugins, players: int) -> dict[tuple[str, str], Preset]:
    """Return the presets that all learners have, for games of so many players."""
    first, *others = plugins.values()
    shared = [key for key in first.presets if all(key in each.presets for each in others)]
    found = {key: preset for key in shared if (preset := _preset(plugins, key)) is not None}
    return {key: preset for key, preset in found.items() if _has_players(key[1], preset, players)}


def _has_players(env: str, preset: Preset, players: int) -> bool:
    """Return whether a preset's game is installed and has so many players."""
    try:
        return env == ANY_ENV or registry.make_env(env, **preset.env_options)[0].num_players == players
    except registry.UnknownNameError:
        return False


def _preset(plugins: Plugins, key: tuple[str, str]) -> Preset | None:
    """Return the preset of that name and game; None where the learners' presets are for different games."""
    presets = {player: plugin.presets[key] for player, plugin in plugins.items()}
    env_options = [dict(each.env_options) for each in presets.values()]
    if any(each != env_options[0] for each in env_options):
        return None
    steps = {
        player: plugin.steps_per_update(plugin.config(**presets[player].options)) for player, plugin in plugins.items()
    }
    kinds = set.intersection(*(set(each) for each in steps.values()))
    fewest = {kind: min(each[kind] for each in steps.values()) for kind in kinds}
    lengths = [
        presets[player].updates * max((steps[player][kind] // fewest[kind] for kind in kinds), default=1)
        for player in plugins
    ]
    counts = {kind.replace("-", "_"): count for kind, count in fewest.items()}
    options = {option_of(player): {**preset.options, **counts} for player, preset in presets.items()}
    return Preset(max(lengths), options, env_options[0], presets[min(presets)].command)


def _steps_per_update(plugins: Plugins, config: Any) -> dict[str, int]:
    """Return the steps of the kinds of which all learners take equally many."""
    first, *others = (plugin.steps_per_update(getattr(config, option_of(player))) for player, plugin in plugins.items())
    return {kind: count for kind, count in first.items() if all(each.get(kind) == count for each in others)}


def _build(names: tuple[str, ...], plugins: Plugins, env: Game[Any, Any], params: Any, config: Any) -> Algorithm:
    """Make the algorithm.

    Raises:
        ValueError: the game has another number of players, a learner does not suit it, or it needs to see what another
            player does not show.
    """
    if len(names) != env.num_players:
        raise ValueError(f"{env.name} has {env.num_players} players; got {len(names)}: {', '.join(names)}")
    learners = tuple(
        plugins[player].build_player(env, params, getattr(config, option_of(player)), player)  # type: ignore[misc]
        if player in plugins
        else _standing_still(name, env, params, player)
        for player, name in enumerate(names)
    )
    _check_sight(names, learners)
    met = tuple(name for name in names if name in env.strategies)
    batches = [each.num_episodes for each in learners if each.num_episodes is not None]
    return Algorithm(
        init=_Init(tuple(each.init for each in learners)),
        update=_Update(tuple(each.update for each in learners), tuple(each.show for each in learners)),
        policies=_Policies(tuple(each.show for each in learners)),
        trained_against=met,
        pieces={ENVS_AXIS: math.gcd(*batches)} if batches else {},
    )


def _check_sight(names: tuple[str, ...], learners: tuple[PlayerLearner, ...]) -> None:
    """Check that every learner is shown what it needs to see."""
    shown = jax.eval_shape(lambda key: tuple(each.show(each.init(key)) for each in learners), jax.random.key(0))
    for player, learner in enumerate(learners):
        for other, seen in enumerate(shown):
            if other != player and learner.needs and not any(isinstance(each, learner.needs) for each in seen):
                raise ValueError(f"{names[player]} cannot learn beside {names[other]}: {learner.reason}")


def _standing_still(name: str, env: Game[Any, Any], params: Any, player: int) -> PlayerLearner:
    """Return a player that does not learn."""
    try:
        policy = registry.make_policy(name, env, params, player=player)
    except registry.UnknownNameError as cause:
        raise OptionError(f"player {player} is neither a learner nor a policy: {one_line(cause)}") from cause
    if not is_compiled(policy):
        raise ValueError(f"{name} plays in ordinary Python, and learners learn in compiled programs")
    return PlayerLearner(init=lambda key: policy, update=_keep, show=Shown)


def _keep(key: jax.Array, state: Any, shown: tuple[Shown, ...]) -> tuple[Any, Metrics]:
    """Learn nothing."""
    del key, shown
    return state, {}


@dataclass(frozen=True)
class _Init:
    """``init``: every player's state."""

    inits: tuple[Callable[[jax.Array], Any], ...]

    def __call__(self, key: jax.Array) -> tuple[Any, ...]:
        # The keys that the built-in learners of all players draw the players from, for equal numbers beside each other.
        keys = jax.random.split(jax.random.split(key)[0], len(self.inits))
        return tuple(init(key) for init, key in zip(self.inits, keys, strict=True))


@dataclass(frozen=True)
class _Update:
    """``update``: every player learns from what the others showed before it."""

    updates: tuple[Callable[..., Any], ...]
    shows: tuple[Callable[[Any], Shown], ...]

    def __call__(self, key: jax.Array, states: tuple[Any, ...]) -> tuple[tuple[Any, ...], Metrics]:
        shown = tuple(show(state) for show, state in zip(self.shows, states, strict=True))
        keys = jax.random.split(key, len(states))
        results = [update(key, state, shown) for update, key, state in zip(self.updates, keys, states, strict=True)]
        metrics: Metrics = {}
        for player, (_, of_player) in enumerate(results):
            metrics |= {f"{name}/player_{player}": value for name, value in of_player.items() if name != "env_steps"}
        steps = [of_player["env_steps"] for _, of_player in results if "env_steps" in of_player]
        return tuple(state for state, _ in results), metrics | ({"env_steps": sum(steps)} if steps else {})


@dataclass(frozen=True)
class _Policies:
    """``policies``: how every player plays."""

    shows: tuple[Callable[[Any], Shown], ...]

    def __call__(self, states: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(show(state).policy for show, state in zip(self.shows, states, strict=True))
