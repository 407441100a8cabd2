"""What a benchmark does: every learner in every game, under one protocol."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ... import registry
from ...algorithms.core.side_by_side import option_of
from ...options import OptionError, suggest
from ..runs import asked
from ..runs.files import folder_name
from ..runs.spec import RunSpec, first_seeds, presets_for, resolve
from .budget import Budget, Done

FORMAT = 1
FILE = "benchmark.json"
"""The file that says what was asked for."""

CURVE_POINTS = 50
"""Evaluations during training, for the learning curves."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """What was asked for; the same for every combination.

    Attributes:
        algorithms: names of learners.
        envs: ids of games.
        num_seeds: seeds 0 to N-1 of each combination.
        preset: whose options and number of updates, or None.
        budget: how long to train, over the preset's number of updates, or None.
        evaluation_episodes: of each match-up in the final evaluation.
        options: options of learners and games by name, over preset and defaults.
    """

    algorithms: tuple[str, ...]
    envs: tuple[str, ...]
    num_seeds: int
    preset: str | None = None
    budget: Budget | None = None
    evaluation_episodes: int = 1000
    options: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for word, names in (("--algorithms", self.algorithms), ("--envs", self.envs)):
            for name in names:
                if names.count(name) > 1:
                    raise OptionError(f"{word} names {name} twice")
        known = (*self.algorithms, *self.envs)
        for owner in self.options:
            if owner not in known:
                raise OptionError(f"{owner!r} has options, but takes no part; {suggest(owner, known)}")
        if self.preset is None and self.budget is None:
            raise OptionError("missing training length: pass --preset laptop, or --budget 100 updates")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {**dataclasses.asdict(self), "budget": self.budget and str(self.budget)}


class Combination(NamedTuple):
    """One learner in one game."""

    algorithm: str
    env: str
    folder: str
    """Its run, relative to the benchmark's folder."""
    spec: RunSpec | None = None
    budget: Budget | None = None
    error: str | None = None
    """Why it cannot begin; then there is neither spec nor budget."""

    @property
    def name(self) -> str:
        """The name of the run's folder, which no other combination has."""
        return Path(self.folder).name


def combinations(protocol: Protocol) -> list[Combination]:
    """Return every combination with the run it takes, game by game.

    Raises:
        PolaxError: an unknown name, an option that is not allowed, or a missing preset without a budget in its place. A
            learner that cannot be loaded, or does not fit a game, is an error of its combinations alone.
    """
    planned, missing = [], []
    for env, algorithm in itertools.product(protocol.envs, protocol.algorithms):
        folder = f"runs/{folder_name(algorithm, env)}"
        try:
            registry.environment_plugin(env)
            presets = presets_for(registry.algorithm_plugin(algorithm), env)
        except registry.PluginError as error:
            planned.append(Combination(algorithm, env, folder, error=str(error)))
            continue
        preset = protocol.preset if protocol.preset in presets else None
        if protocol.budget is None and preset is None:
            missing.append(f"{algorithm} in {env} (it has {', '.join(presets) or 'none'})")
            continue
        spec = resolve(
            algorithm,
            env,
            preset=preset,
            options=protocol.options.get(algorithm),
            env_options=protocol.options.get(env),
            seeds=first_seeds(protocol.num_seeds),
            updates=protocol.budget and protocol.budget.next_target(Done(0, 0.0, 0.0)),
        )
        budget = protocol.budget or Budget(spec.updates, "updates")
        planned.append(Combination(algorithm, env, folder, until(spec, spec.updates), budget))
    if missing:
        raise OptionError(
            f"there is no preset {protocol.preset!r} for {'; '.join(missing)}. With --budget N UNIT too, these train "
            "with their default options and those given as --ALGORITHM.OPTION VALUE"
        )
    return planned


def with_pairs(
    algorithms: Sequence[str], options: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], dict[str, Mapping[str, Any]]]:
    """Return learners and, after them, each one beside each other one; and the options of all of them.

    In a pair, a learner has the options that it has alone. Options of the pair itself override them. A learner that
    trains all players is in no pair, and nor is what names a learner for each player already.

    Args:
        algorithms: names of learners.
        options: by name; those of games stay as they are.
    """
    able = [name for name in algorithms if registry.BESIDE not in name and _learns_beside_others(name)]
    pairs = {registry.algorithm_name(pair): pair for pair in itertools.combinations(able, 2)}
    found = dict(options)
    for name, pair in pairs.items():
        of_pair = options.get(name, {})
        of_players = {option_of(player): options.get(each, {}) for player, each in enumerate(pair)}
        found[name] = {player: {**given, **of_pair.get(player, {})} for player, given in of_players.items()}
    return list(dict.fromkeys([*algorithms, *pairs])), found


def _learns_beside_others(name: str) -> bool:
    try:
        return registry.algorithm_plugin(name).build_player is not None
    except registry.PluginError:
        return False  # it fails alone, and is reported


def until(spec: RunSpec, updates: int) -> RunSpec:
    """Return a run's spec with another number of updates, and evaluations and checkpoints to suit."""
    return dataclasses.replace(
        spec,
        updates=updates,
        eval_every=max(1, updates // CURVE_POINTS),
        checkpoint_every=max(1, updates // 20),
    )


def open_folder(folder: Path, protocol: Protocol) -> bool:
    """Make a benchmark's folder, or take one that holds the same benchmark; return whether it was there before.

    Raises:
        RunError: the folder holds something else, or a benchmark with other arguments.
    """
    return asked.open_folder(folder, FILE, protocol.to_json(), what="benchmark", version=FORMAT)
