"""What determines the result of a run, made from defaults, a preset and the command line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ... import registry
from ...options import OptionError, check_whole_number, make_config, shown, suggest

if TYPE_CHECKING:  # the contracts load jax and gymnax, which plotting, for example, does not need
    from ...algorithms.base import Algorithm, AlgorithmPlugin, Preset
    from ...envs.base import Game

MAX_SEED = 2**32 - 1

MAX_SEEDS = 10**6
"""Seeds of a run, at most."""

MAX_SIZE = 10**9
"""Of the numbers of updates and episodes; the number of an update is folded into random keys, as 32 bits."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything that determines the result of a run; what ``config.json`` holds.

    Attributes:
        algorithm: name of the algorithm.
        env: name of the environment.
        options: every option of the algorithm.
        env_options: every option of the environment.
        seeds: the seeds that train together.
        updates: updates of each seed.
        preset: the preset the options started from, or None.
        eval_every: number of updates between evaluations.
        eval_envs: episodes of each match-up in an evaluation.
        checkpoint_every: number of updates between checkpoints.
        keep_checkpoints: how many of the last checkpoints stay beside the best one.
    """

    algorithm: str
    env: str
    options: Mapping[str, Any]
    env_options: Mapping[str, Any]
    seeds: tuple[int, ...] = (0,)
    updates: int
    preset: str | None = None
    eval_every: int = 1
    eval_envs: int = 256
    checkpoint_every: int = 10
    keep_checkpoints: int = 2

    def __post_init__(self) -> None:
        for name in ("updates", "eval_every", "eval_envs", "checkpoint_every", "keep_checkpoints"):
            try:
                check_whole_number(f"--{name.replace('_', '-')}", getattr(self, name), at_least=1, at_most=MAX_SIZE)
            except ValueError as cause:
                raise OptionError(str(cause)) from cause
        if not self.seeds:
            raise OptionError("at least one seed is needed")
        for seed in self.seeds:
            if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MAX_SEED:
                raise OptionError(f"a seed must be a whole number from 0 to {MAX_SEED}, not {shown(seed)}")
        if len(set(self.seeds)) < len(self.seeds):
            raise OptionError(f"the seeds {shown(self.seeds)} are not all different")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return dataclasses.asdict(self)

    def identity(self) -> dict[str, Any]:
        """Return what must not change between a checkpoint and its continuation, as ``config.json`` gives it back."""
        names = ("algorithm", "env", "options", "env_options", "seeds")
        content: dict[str, Any] = json.loads(json.dumps({name: self.to_json()[name] for name in names}))
        return content


def first_seeds(number: int) -> tuple[int, ...]:
    """Return the seeds 0 to ``number - 1``.

    Raises:
        OptionError: more than a run can have.
    """
    if number > MAX_SEEDS:
        raise OptionError(f"a run has at most {MAX_SEEDS} seeds, not {shown(number)}")
    return tuple(range(number))


class Setup(NamedTuple):
    """The objects of a run."""

    env: Game[Any, Any]
    params: Any
    algorithm: Algorithm
    steps_per_update: Mapping[str, int]
    """Steps of some kind that one update takes, by kind."""


def resolve(
    algorithm: str,
    env: str,
    *,
    preset: str | None = None,
    options: Mapping[str, Any] | None = None,
    env_options: Mapping[str, Any] | None = None,
    updates: int | None = None,
    checkpoint_every: int | None = None,
    **settings: Any,
) -> RunSpec:
    """Specify a run: what is given here overrides the preset, which overrides the plug-ins' defaults.

    Args:
        algorithm: name of the algorithm.
        env: name of the environment.
        preset: named settings of the algorithm for this environment.
        options: options of the algorithm.
        env_options: options of the environment.
        updates: None: the preset's.
        checkpoint_every: None: a twentieth of all updates.
        **settings: other fields of `RunSpec`.

    Raises:
        PolaxError: unknown names or options, values out of range, or no number of updates.
    """
    plugin, env_plugin = registry.algorithm_plugin(algorithm), registry.environment_plugin(env)
    presets = presets_for(plugin, env)
    if preset is not None:
        base = find_preset(plugin, preset, env)
        if base is None:
            raise OptionError(f"{algorithm} has no preset {preset!r} for {env}; {suggest(preset, presets)}")
        updates = base.updates if updates is None else updates
        options, env_options = over(base.options, options or {}), over(base.env_options, env_options or {})
    if updates is None:
        names = [name for name, found in presets.items() if not found.command]
        offer = f" or --preset {' or '.join(names)}" if names else ""
        raise OptionError(f"missing training length: pass --updates N{offer}")
    config: Any = make_config(plugin.config, options or {}, what=algorithm)
    env_config: Any = make_config(env_plugin.config, env_options or {}, what=env)
    return RunSpec(
        algorithm=algorithm,
        env=env,
        preset=preset,
        options=_plain(config, algorithm),
        env_options=_plain(env_config, env),
        updates=updates,
        checkpoint_every=max(1, updates // 20) if checkpoint_every is None else checkpoint_every,
        **settings,
    )


def build(spec: RunSpec) -> Setup:
    """Make the environment and the algorithm of a run.

    Raises:
        PolaxError: a plug-in is missing or refuses its options.
    """
    env, params = registry.make_env(spec.env, **spec.env_options)
    algorithm = registry.make_algorithm(spec.algorithm, env, params, **spec.options)
    plugin = registry.algorithm_plugin(spec.algorithm)
    config: Any = make_config(plugin.config, spec.options, what=spec.algorithm)
    with registry.plugin_code(registry.algorithm_origin(spec.algorithm), "steps_per_update"):
        return Setup(env, params, algorithm, plugin.steps_per_update(config))


def train_command(spec: RunSpec) -> list[str]:
    """Return the words of a command that trains the seeds of a run again, wherever it was started from and however.

    Options are given where they differ from the preset's, or from the defaults.
    """
    words = ["polax", "train", spec.algorithm, spec.env]
    words += [] if spec.preset is None else ["--preset", spec.preset]
    words += ["--seeds", *map(str, spec.seeds)]
    usual = resolve(spec.algorithm, spec.env, preset=spec.preset, updates=None if spec.preset else spec.updates)
    if spec.preset is None or spec.updates != usual.updates:
        words += ["--updates", str(spec.updates)]
    known = flat({**usual.options, "env": usual.env_options})
    for name, value in flat({**spec.options, "env": spec.env_options}).items():
        asked = option_words(name, value)
        if name not in known or option_words(name, known[name]) != asked:
            words += asked
    return words


def option_words(name: str, value: Any) -> list[str]:
    """Return an option and its value as words of a command line."""
    return [f"--{name.replace('_', '-')}", value if isinstance(value, str) else json.dumps(value)]


def flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return options by their names on the command line, where an option of an option is ``outer.inner``."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        inner = flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
        found |= inner
    return found


def presets_for(plugin: AlgorithmPlugin, env: str) -> dict[str, Preset]:
    """Return the presets that an algorithm has for one environment, by name."""
    return {name: preset for (name, env_id), preset in plugin.presets.items() if env_id == env}


def find_preset(plugin: AlgorithmPlugin, name: str, env: str) -> Preset | None:
    """Return an algorithm's preset for one environment, else its preset of that name for any, else None."""
    from ...algorithms.base import ANY_ENV

    return plugin.presets.get((name, env), plugin.presets.get((name, ANY_ENV)))


def over(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with others put over them; where an option has options of its own, these are merged too."""
    merged = dict(before)
    for name, value in after.items():
        nested = isinstance(value, Mapping) and isinstance(before.get(name), Mapping)
        merged[name] = over(before[name], value) if nested else value
    return merged


def _plain(config: Any, what: str) -> dict[str, Any]:
    """Return a configuration's options as values JSON can hold."""
    options = {field.name: getattr(config, field.name) for field in dataclasses.fields(config) if field.init}
    for name, value in options.items():
        if dataclasses.is_dataclass(value):
            options[name] = _plain(value, f"{what}: {name}")
        elif not _is_plain(value):
            raise OptionError(f"{what}: {name} is {value!r}, which config.json cannot hold; use numbers, words, lists")
    return options


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(each) for each in value)
    return value is None or isinstance(value, bool | int | float | str)
