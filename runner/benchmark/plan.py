"""What a benchmark is to do: every learner in every game, under one protocol."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ... import registry
from ...options import OptionError
from ..runs.folder import RunError, folder_name, make_folder, read_json, write_text
from ..runs.spec import RunSpec, presets_for, resolve
from .budget import Budget, Done

FORMAT = 1
REQUEST = "benchmark.json"
"""The file that says what a folder's benchmark is to do."""

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
            if not names:
                raise OptionError(f"benchmark: pass {word} with at least one name (polax list shows them)")
            twice = [name for index, name in enumerate(names) if name in names[:index]]
            if twice:
                raise OptionError(f"{word} names {twice[0]} twice")
        for name in ("num_seeds", "evaluation_episodes"):
            if getattr(self, name) < 1:
                raise OptionError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")
        if self.preset is None and self.budget is None:
            raise OptionError("benchmark: say for how long to train: --preset laptop, or --budget 100 updates")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        fields = dataclasses.asdict(self)
        return {**fields, "budget": None if self.budget is None else str(self.budget)}


class Combination(NamedTuple):
    """One learner in one game."""

    algorithm: str
    env: str
    folder: str
    """Its run, relative to the benchmark's folder."""
    spec: RunSpec | None = None
    budget: Budget | None = None
    error: str | None = None
    """Why it cannot even begin; then there is neither spec nor budget."""


def combinations(protocol: Protocol) -> list[Combination]:
    """Return every combination with the run it takes, game by game.

    Raises:
        PolaxError: a name that nobody has, an option that cannot be, or a preset that is missing with nothing to put in
            its place. A learner that cannot be loaded, or does not fit a game, is an error of its combinations alone.
    """
    planned, missing = [], []
    for env in protocol.envs:
        for algorithm in protocol.algorithms:
            try:
                registry.environment_plugin(env)
                plugin = registry.algorithm_plugin(algorithm)
            except registry.PluginError as error:
                planned.append(Combination(algorithm, env, _folder(algorithm, env), error=str(error)))
                continue
            preset = protocol.preset if protocol.preset in presets_for(plugin, env) else None
            if protocol.preset is not None and preset is None and protocol.budget is None:
                missing.append(f"{algorithm} in {env} (it has {', '.join(presets_for(plugin, env)) or 'none'})")
                continue
            planned.append(_plan(protocol, algorithm, env, preset))
    if missing:
        raise OptionError(
            f"there is no preset {protocol.preset!r} for {'; '.join(missing)}. With --budget N UNIT too, these train "
            "with their default options and those given as --ALGORITHM.OPTION VALUE"
        )
    return planned


def _plan(protocol: Protocol, algorithm: str, env: str, preset: str | None) -> Combination:
    begin = None if protocol.budget is None else protocol.budget.next_target(Done(0, 0.0, 0.0))
    spec = resolve(
        algorithm,
        env,
        preset=preset,
        options=protocol.options.get(algorithm),
        env_options=protocol.options.get(env),
        seeds=tuple(range(protocol.num_seeds)),
        updates=begin,
    )
    budget = protocol.budget or Budget(spec.updates, "updates")
    return Combination(algorithm, env, _folder(algorithm, env), until(spec, spec.updates), budget)


def until(spec: RunSpec, updates: int) -> RunSpec:
    """Return a run's spec with another number of updates, and evaluations and checkpoints to suit."""
    return dataclasses.replace(
        spec,
        updates=updates,
        eval_every=max(1, updates // CURVE_POINTS),
        checkpoint_every=max(1, updates // 20),
    )


def _folder(algorithm: str, env: str) -> str:
    return f"runs/{folder_name(algorithm, env)}"


def open_folder(folder: Path, protocol: Protocol) -> bool:
    """Make a benchmark's folder, or go on in one that holds the same benchmark.

    Returns:
        Whether it was there before.

    Raises:
        RunError: the folder holds something else, or a benchmark with other arguments.
    """
    # A process that was killed while it wrote the request leaves a part of it.
    other = [path for path in make_folder(folder) if path.name != f".{REQUEST}.part"]
    path = folder / REQUEST
    if not path.exists():
        if other:
            raise RunError(f"{folder} is not empty and holds no benchmark; choose another --out")
        write_text(path, json.dumps({"format": FORMAT, **protocol.to_json()}, indent=2) + "\n")
        return False
    _compare(folder, read_json(path), protocol.to_json())
    return True


def _compare(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise `RunError` unless a folder's benchmark is the one that is asked for."""
    if before.get("format") != FORMAT:
        raise RunError(f"{folder} has benchmark format {before.get('format')!r}, this polax reads {FORMAT}")
    wanted = json.loads(json.dumps(now))
    different = [name for name in wanted if before.get(name) != wanted[name]]
    if different:
        said = "; ".join(
            f"--{name.replace('_', '-')} was {_words(before.get(name))}, now it is {_words(wanted[name])}"
            for name in different
        )
        raise RunError(f"{folder} holds another benchmark: {said}. Give the same arguments again, or another --out")


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "not given" if value in (None, {}) else str(value)
