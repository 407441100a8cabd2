"""What a sweep does: its trials, each of which is a training run with values of its own for the varied options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from ... import registry
from ...options import OptionError, PolaxError, make_config, suggest
from ..evaluation.scores import pairing
from ..runs import asked
from ..runs.files import read_json
from ..runs.spec import RunSpec, Setup, build, find_preset, first_seeds, over, resolve
from .space import ENV, Space, combinations, corners, nested, ranges, read_space

FORMAT = 1
FILE = "sweep.json"
"""The file that says what was asked for."""

GRID, RANDOM, OPTUNA = "grid", "random", "optuna"
SEARCHES = (GRID, RANDOM, OPTUNA)

AT_ONCE = 8
"""Trials that Optuna chooses together, which train together too, unless something else is asked for. More of them share
a program; fewer know more of the others when they are chosen."""

MOST = 100_000
"""Trials of a sweep, at most: each is a row of its tables."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """What was asked for.

    Attributes:
        algorithm: name of the learner.
        env: id of the game.
        vary: what `read_space` reads.
        search: one of `SEARCHES`.
        trials: how many.
        search_seed: of what the search draws.
        num_seeds: seeds 0 to N-1 of each trial.
        at_once: trials in one program at most, and trials that Optuna chooses together; None: all, or `AT_ONCE`.
        objective: ``""`` for the score of the learner's own players together, or the name of a strategy.
        preset: settings that all trials share, or None.
        updates: of each trial; None: the preset's.
        eval_envs: episodes of each match-up.
        options: of the learner, over the preset's.
        env_options: of the game, over the preset's.
    """

    algorithm: str
    env: str
    vary: Mapping[str, Any]
    search: str
    trials: int
    search_seed: int = 0
    num_seeds: int = 1
    at_once: int | None = None
    objective: str = ""
    preset: str | None = None
    updates: int | None = None
    eval_envs: int = 256
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    env_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return dataclasses.asdict(self)

    def base(self) -> dict[str, Any]:
        """Return the settings that all trials share, without what is left at its default."""
        preset = self.preset and find_preset(registry.algorithm_plugin(self.algorithm), self.preset, self.env)
        shared = (preset.updates, preset.options, preset.env_options) if preset else (None, {}, {})
        return {
            "updates": shared[0] if self.updates is None else self.updates,
            "options": over(shared[1], self.options),
            "env_options": over(shared[2], self.env_options),
        }

    def spec(self, values: Mapping[str, Any]) -> RunSpec:
        """Return the run that a trial is.

        Args:
            values: of the varied options.

        Raises:
            OptionError: they are not allowed.
        """
        own = over({"": self.options, ENV: self.env_options}, nested(values))
        return resolve(
            self.algorithm,
            self.env,
            preset=self.preset,
            updates=self.updates,
            options=own[""],
            env_options=own[ENV],
            seeds=first_seeds(self.num_seeds),
            eval_envs=self.eval_envs,
        )


class Trial(NamedTuple):
    """One setting."""

    number: int
    values: Mapping[str, Any]
    """Of the varied options, by name."""


class Program(NamedTuple):
    """Trials that train side by side: their learners are one function of different numbers."""

    trials: tuple[Trial, ...]
    specs: tuple[RunSpec, ...]
    setups: tuple[Setup, ...]


def plan_sweep(  # what a sweep is asked for
    algorithm: str,
    env: str,
    *,
    vary: Mapping[str, Any],
    search: str | None,
    trials: int | None,
    objective: str | None,
    options: Mapping[str, Any],
    env_options: Mapping[str, Any],
    **settings: Any,
) -> tuple[Protocol, Space]:
    """Return what is asked for, with what was left open decided, and what is varied.

    Args:
        algorithm: name of the learner.
        env: id of the game.
        vary: what `read_space` reads.
        search: one of `SEARCHES`, or None.
        trials: how many, or None.
        objective: ``self-play``, ``co-play``, the name of a strategy, or None.
        options: of the learner.
        env_options: of the game.
        **settings: other fields of `Protocol`.

    Raises:
        PolaxError: a name is unknown, or a value is not allowed.
    """
    space = _space(algorithm, env, vary)
    for name in space:
        given, path = (env_options, name.removeprefix(ENV)) if name.startswith(ENV) else (options, name)
        if _holds(given, path.split(".")):
            raise OptionError(f"{name} is varied, so it cannot have a single value too; leave out one of the two")
    search, trials = _how_many(space, search, trials)
    protocol = Protocol(
        algorithm=algorithm,
        env=env,
        vary={name: axis.words() for name, axis in space.items()},
        search=search,
        trials=trials,
        options=dict(options),
        env_options=dict(env_options),
        **settings,
    )
    for values in corners(space):
        protocol.spec(values)  # refuses a value, or an end of a range, that its option does not allow
    return dataclasses.replace(
        protocol, objective=_read_objective(objective, protocol.spec(next(corners(space))))
    ), space


def _space(algorithm: str, env: str, vary: Mapping[str, Any]) -> Space:
    configs = {"": registry.algorithm_plugin(algorithm).config, ENV: registry.environment_plugin(env).config}
    return read_space(vary, configs, {"": algorithm, ENV: env})


def _how_many(space: Space, search: str | None, trials: int | None) -> tuple[str, int]:
    """Return the search and the number of trials, where they are not given.

    Without either, lists are a grid; a range needs a number of trials.
    """
    whole = len(combinations(space))
    continuous = list(ranges(space))
    if search not in (None, *SEARCHES):
        raise OptionError(f"there is no search {search!r}; {suggest(str(search), SEARCHES)}")
    search = search or (GRID if trials is None and not continuous else RANDOM)
    if search == GRID:
        if continuous:
            raise OptionError(
                f"a grid needs lists, but {continuous[0]} is a range; list its values, or choose --search random"
            )
        if trials not in (None, whole):
            raise OptionError(f"this grid has {whole} trials, not {trials}; leave out --trials, or --search grid")
        trials = whole
    if trials is None:
        raise OptionError("missing number of trials: pass --trials N")
    if trials > MOST:
        raise OptionError(f"a sweep has at most {MOST:,} trials, not {trials:,}")
    if search == RANDOM and not continuous and trials > whole:
        raise OptionError(f"the lists have only {whole} combinations; pass --trials {whole}, or fewer")
    return search, trials


def _read_objective(word: str | None, spec: RunSpec) -> str:
    """Return the strategy that an objective means; empty for the score of the learner's own players."""
    own = [pairing(self_play=each) for each in (True, False)]
    if word is None or word in own:
        return ""
    env, _ = registry.make_env(spec.env, **spec.env_options)
    if word not in env.strategies:
        raise OptionError(f"there is no objective {word!r}; {suggest(word, [*own, *env.strategies])}")
    return word


def _holds(options: Mapping[str, Any], path: Sequence[str]) -> bool:
    inner = options.get(path[0])
    return inner is not None and (len(path) == 1 or (isinstance(inner, Mapping) and _holds(inner, path[1:])))


def alike(trials: Sequence[Trial], protocol: Protocol) -> tuple[list[Program], dict[int, PolaxError]]:
    """Make the learners of some trials, and put those that are one program together.

    Returns:
        The programs, and by the number of a trial why its options are refused.
    """
    groups: dict[Any, list[tuple[Trial, RunSpec, Setup]]] = {}
    refused: dict[int, PolaxError] = {}
    for trial in trials:
        try:
            spec = protocol.spec(trial.values)
            setup = build(spec)
        except PolaxError as error:
            refused[trial.number] = error
            continue
        groups.setdefault(_structure(setup), []).append((trial, spec, setup))
    size = protocol.at_once or protocol.trials
    programs = [
        Program(*zip(*members[start : start + size], strict=True))
        for members in groups.values()
        for start in range(0, len(members), size)
    ]
    return programs, refused


def _structure(setup: Setup) -> Any:
    """Return what the learners of one program have in common: everything but numbers in states and params."""
    env, params, algorithm, _ = setup
    state = jax.eval_shape(algorithm.init, jax.random.key(0)) if algorithm.pure else None
    steps = int(params.max_steps_in_episode)
    return env, algorithm.update, algorithm.policies, algorithm.self_play, steps, _form(params), _form(state)


def _form(tree: Any) -> Any:
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((jax.numpy.shape(leaf), jax.numpy.result_type(leaf)) for leaf in leaves)


def asked_of(folder: Path) -> tuple[Protocol, Space]:
    """Return what the sweep in a folder was asked for, and what it varies."""
    content = read_json(folder / FILE)
    content.pop("format", None)
    protocol = make_config(Protocol, content, what=str(folder / FILE))
    return protocol, _space(protocol.algorithm, protocol.env, protocol.vary)


def open_folder(folder: Path, protocol: Protocol) -> bool:
    """Make a sweep's folder, or take one that holds the same sweep; return whether it was there before.

    Raises:
        RunError: the folder holds something else, or a sweep with other arguments.
    """
    return asked.open_folder(folder, FILE, protocol.to_json(), what="sweep", version=FORMAT)
