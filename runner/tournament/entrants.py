"""Who plays: strategies, players of runs, players of other libraries, all in one game."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax

from ... import registry
from ...envs.base import Game, Policy, as_tuples
from ...envs.policies.play import is_compiled
from ...opponents import AXELROD, make_opponent
from ...options import OptionError
from ..runs import checkpoint as checkpoints
from ..runs.folder import RunError, RunFolder
from ..runs.load import LoadedRun, load_run
from ..runs.spec import RunSpec

LAYOUT = "observation_layout"
"""The option in which players may differ: each sees the game in the layout it learned."""


class Entrant(NamedTuple):
    """One player of a tournament."""

    name: str
    kind: str
    """``strategy``, ``run`` or ``axelrod``."""
    policies: tuple[Policy, ...]
    """One for each seat."""
    view: Game[Any, Any]
    """The game in the form in which this player sees it."""
    compiled: bool
    """Whether its policies go through ``jax.jit``; else it plays in ordinary Python."""
    path: str | None = None
    seed: int | None = None
    update: int | None = None
    spec: RunSpec | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what identifies the player, JSON-ready."""
        return {
            "name": self.name,
            "kind": self.kind,
            "path": self.path,
            "seed": self.seed,
            "algorithm": None if self.spec is None else self.spec.algorithm,
            "update": self.update,
            "config": None if self.spec is None else self.spec.to_json(),
        }


class Request(NamedTuple):
    """Who is to play what, as asked for on the command line."""

    words: Sequence[str]
    """Names of strategies, folders of runs, ``RUN:SEED``, and what else `polax.opponents.make_opponent` knows."""
    env: str | None = None
    """None: the game that the runs learned."""
    env_options: Mapping[str, Any] = {}
    all_seeds: bool = False
    checkpoint: str | None = None
    """An update's number, ``best`` or ``last``; None: the last one, of runs that have finished."""


class Field(NamedTuple):
    """The game and everybody who plays it."""

    env: str
    env_options: dict[str, Any]
    game: Game[Any, Any]
    params: Any
    entrants: list[Entrant]


class _Word(NamedTuple):
    text: str
    folder: RunFolder | None = None
    seed: int | None = None


def gather(request: Request) -> Field:
    """Make the game, and load or make every player.

    Raises:
        PolaxError: nobody is named, somebody twice or of another game, a run that has not finished, cannot be read or
            whose learner is gone.
    """
    if not request.words:
        raise OptionError(
            "tournament: say who plays, such as: polax tournament tit-for-tat always-defect runs/mine --env IPD-v0"
        )
    words = [_read_word(text) for text in request.words]
    specs = {str(word.folder.path): word.folder.spec() for word in words if word.folder is not None}
    env = _common_env(request.env, specs)
    options = _common_options(env, request.env_options, specs)
    game, params = registry.make_env(env, **options)
    if game.num_players != 2:
        raise OptionError(f"a tournament is between two players; {env} has {game.num_players}")
    loaded = {path: _load(RunFolder(Path(path)), spec, request.checkpoint) for path, spec in specs.items()}
    entrants: list[Entrant] = []
    for word in words:
        if word.folder is None:
            entrants.append(_make(word.text, game, params))
        else:
            run = loaded[str(word.folder.path)]
            entrants += _of_run(word, word.folder.path, run, _view(game, run, word.text), all_seeds=request.all_seeds)
    return Field(env, options, game, params, _with_own_names(entrants))


def _read_word(text: str) -> _Word:
    """Tell the folder of a run, with or without a seed, from other names."""
    if Path(text).is_dir() and (Path(text) / "config.json").exists():
        return _Word(text, RunFolder.open(Path(text)))
    found = re.fullmatch(r"(.+)[:#](\d+)", text)
    if found and Path(found[1]).is_dir():
        return _Word(text, RunFolder.open(Path(found[1])), int(found[2]))
    return _Word(text)


def _common_env(asked: str | None, specs: Mapping[str, RunSpec]) -> str:
    """Return the game that is asked for, or that all runs learned."""
    env = asked or next((spec.env for spec in specs.values()), None)
    if env is None:
        raise OptionError("tournament: say which game is played: --env ENV (see polax list)")
    for path, spec in specs.items():
        if spec.env != env:
            other = "" if asked else f", {next(iter(specs))} learned {env}"
            raise OptionError(f"{path} learned {spec.env}{other}; it cannot play {env}")
    return env


def _common_options(env: str, asked: Mapping[str, Any], specs: Mapping[str, RunSpec]) -> dict[str, Any]:
    """Return the game's options: those asked for, else those that all runs learned with.

    Raises:
        OptionError: the runs differ in one that was not asked for.
    """
    options = dict(asked)
    layouts = {spec.env_options[LAYOUT] for spec in specs.values() if LAYOUT in spec.env_options}
    if LAYOUT not in asked and len(layouts) == 1:
        options[LAYOUT] = layouts.pop()
    for path, spec in specs.items():
        for name, given in spec.env_options.items():
            value = as_tuples(given)
            if name not in options and name != LAYOUT:
                options[name] = value
            elif name not in asked and name != LAYOUT and options[name] != value:
                first = next(iter(specs))
                raise OptionError(
                    f"{path} learned {env} with {name} {value}, {first} with {options[name]}; "
                    f"say which to play: --env.{name.replace('_', '-')} VALUE"
                )
    return options


def _load(folder: RunFolder, spec: RunSpec, checkpoint: str | None) -> LoadedRun:
    """Load a run that has finished, or any where a checkpoint was chosen."""
    saved = checkpoints.saved_updates(folder.checkpoints)
    if checkpoint is None and saved and saved[-1] < spec.updates:
        raise RunError(
            f"{folder.path} has done {saved[-1]} of its {spec.updates} updates; finish it with "
            f"polax train --resume {folder.path}, or say --checkpoint last to take it as it is"
        )
    try:
        run = load_run(folder, checkpoint=checkpoint or "last")
    except (registry.UnknownNameError, registry.PluginError) as cause:
        origin = folder.manifest().get("algorithm", {})
        source = f" of {origin['distribution']} {origin['version']}" if "distribution" in origin else ""
        raise RunError(f"{folder.path} needs {spec.algorithm}{source}, as when it was trained: {cause}") from cause
    if run.pure:  # away from the devices they were computed on, so that they can go to any
        run = run._replace(policies=jax.device_get(run.policies))
    return run


def _view(game: Game[Any, Any], run: LoadedRun, word: str) -> Game[Any, Any]:
    """Return the game as a run's players see it.

    Raises:
        OptionError: they learned another form of the game.
    """
    if run.env == game:
        return game
    if run.pure and game.in_layout(run.env.observation_layout) == run.env:
        return run.env
    raise OptionError(f"{word} learned another form of {game.name}: {run.env!r}, not {game!r}; use its options")


def _of_run(word: _Word, path: Path, run: LoadedRun, view: Game[Any, Any], *, all_seeds: bool) -> list[Entrant]:
    """Return the chosen seed of a run, all of them, or the first."""
    seeds = run.spec.seeds
    if word.seed is not None and word.seed not in seeds:
        raise OptionError(f"{path} has no seed {word.seed}; there are {', '.join(map(str, seeds))}")
    chosen = [word.seed] if word.seed is not None else list(seeds) if all_seeds else [seeds[0]]
    base = path.resolve().name
    return [
        Entrant(
            name=base if len(seeds) == 1 else f"{base}:{seed}",
            kind="run",
            policies=run.players(seeds.index(seed)),
            view=view,
            compiled=run.pure,
            path=str(path),
            seed=seed,
            # A seed that stopped being finite keeps what it was before that.
            update=int(run.ended[seeds.index(seed)] - 1) if run.ended[seeds.index(seed)] else run.update,
            spec=run.spec,
        )
        for seed in chosen
    ]


def _make(name: str, game: Game[Any, Any], params: Any) -> Entrant:
    """Return a player that has no run: a strategy, or whatever else `make_opponent` knows."""
    policies = tuple(make_opponent(name, game, seat, params=params) for seat in range(game.num_players))
    return Entrant(
        name=name,
        kind="axelrod" if name.startswith(AXELROD) else "strategy",
        policies=policies,
        view=game,
        compiled=all(is_compiled(policy) for policy in policies),
    )


def add_strategy(field: Field, name: str) -> Entrant | None:
    """Return the strategy of that name of a game, or None where the game has none."""
    return _make(name, field.game, field.params) if name in field.game.strategies else None


def _with_own_names(entrants: list[Entrant]) -> list[Entrant]:
    """Give every player a name of its own; players of one name and different folders go by their folders.

    Raises:
        OptionError: one player is there twice.
    """
    seen: set[Any] = set()
    for each in entrants:
        who = (each.name if each.path is None else Path(each.path).resolve(), each.seed)
        if who in seen:
            raise OptionError(f"{each.name} is named twice; name each player once")
        seen.add(who)
    count = Counter(each.name for each in entrants)
    return [
        each._replace(name=each.path + (f":{each.seed}" if ":" in each.name else ""))
        if count[each.name] > 1 and each.path is not None
        else each
        for each in entrants
    ]
