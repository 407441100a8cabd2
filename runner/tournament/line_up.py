"""The line-up of a tournament: strategies, players of runs and players of other libraries, all in one game."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import jax

from ... import registry
from ...envs.base import Game, Policy, as_tuples
from ...envs.policies.play import is_compiled
from ...options import OptionError
from ..runs import checkpoint as checkpoints
from ..runs.agent import SUFFIX, AgentFile
from ..runs.files import RunError
from ..runs.folder import RunFolder
from ..runs.load import LoadedRun, load_run, open_run, read_reference
from ..runs.spec import RunSpec

LAYOUT = "observation_layout"
"""The option in which players may differ: each sees the game in the layout it learned."""


class Participant(NamedTuple):
    """One player of a tournament."""

    name: str
    kind: str
    """``strategy``, the prefix of its reference, such as ``run`` or ``axelrod``, or ``policy`` for an object."""
    policies: tuple[Policy, ...]
    """One for each player of the game."""
    view: Game[Any, Any]
    """The game in the form in which this participant sees it."""
    compiled: bool
    """Whether its policies go through ``jax.jit``; else it plays in ordinary Python."""
    path: str | None = None
    seed: int | None = None
    player: int | None = None
    """Which player of the run it is, if it is one alone."""
    update: int | None = None
    spec: RunSpec | None = None
    self_play: bool = True
    """Whether it is one policy, whichever player it is; False for the two policies of a run that cannot change
    seats."""

    def to_json(self) -> dict[str, Any]:
        """Return what identifies the participant, JSON-ready."""
        return {
            "name": self.name,
            "kind": self.kind,
            "path": self.path,
            "seed": self.seed,
            "player": self.player,
            "algorithm": None if self.spec is None else self.spec.algorithm,
            "update": self.update,
            "self_play": self.self_play,
            "config": None if self.spec is None else self.spec.to_json(),
        }

    @classmethod
    def of_run(
        cls, run: LoadedRun, view: Game[Any, Any], seed: int, *, player: int | None = None, label: str = ""
    ) -> Participant:
        """Return one seed of a run; with ``player``, that player of it, in either seat.

        Its name begins with the label, or with that of the folder or file.
        """
        index = run.seed_index(seed)
        base = label or run.path.resolve().name
        name = base if len(run.spec.seeds) == 1 and player is None else f"{base}#{seed}"
        return cls(
            name=name if player is None else f"{name}@{player}",
            kind=registry.RUN_PREFIX,
            policies=tuple(run.policy(index, seat=seat, player=player) for seat in range(view.num_players)),
            view=view,
            compiled=run.pure,
            path=str(run.path),
            seed=seed,
            player=player,
            # A seed that stopped being finite keeps what it was before that.
            update=int(run.ended[index] - 1) if run.ended[index] else run.update,
            spec=run.spec,
            self_play=run.self_play or player is not None,
        )


class LineUp(NamedTuple):
    """A game and everything that plays it."""

    env: str
    env_options: dict[str, Any]
    game: Game[Any, Any]
    params: Any
    participants: list[Participant]

    def add(self, reference: Any, name: str | None = None) -> LineUp:
        """Return the line-up with one more participant, which is not of a run; an object needs a name."""
        policies = tuple(
            registry.make_policy(reference, self.game, self.params, player=player)
            for player in range(self.game.num_players)
        )
        compiled = all(is_compiled(policy) for policy in policies)
        scripted = isinstance(reference, str) and reference in self.game.strategies
        kind = "strategy" if scripted else registry.split_reference(reference)[0] or "policy"
        new = Participant(name or reference, kind, policies, self.game, compiled)
        return self._replace(participants=[*self.participants, new])


def make_line_up(
    references: Sequence[Any],
    env: str | None = None,
    env_options: Mapping[str, Any] | None = None,
    *,
    all_seeds: bool = False,
    checkpoint: str | None = None,
    apart: bool = True,
) -> LineUp:
    """Make the game, and load or make every participant; a run is loaded once.

    Args:
        references: what `polax.make_policy` takes.
        env: id of the game; None: the one that the runs learned.
        env_options: its options; those that are left out are those of the runs.
        all_seeds: whether every seed of a run takes part, or the first.
        checkpoint: an update's number, ``best`` or ``last``; None: the last one, of runs that have finished.
        apart: whether players of a run that have learned a policy each are participants of their own.

    Raises:
        PolaxError: a reference that is given twice or does not fit the game, a run that has not finished or
            cannot be read, or whose learner is not installed.
    """
    texts = [os.fspath(each) if isinstance(each, os.PathLike) else each for each in references]
    runs = [_find_run(text, env or _first_game(texts)) for text in texts]
    specs = {str(found[0].path): found[0].trusted_spec() for found in runs if found is not None}
    env = _common_env(env, specs)
    options = _common_options(env, env_options or {}, specs)
    line_up = LineUp(env, options, *registry.make_env(env, **options), [])
    if line_up.game.num_players < 2:
        raise OptionError(f"a tournament needs a game of at least two players; {env} has one")
    sources = {str(found[0].path): found[0] for found in runs if found is not None}
    loaded = {path: _load(source, specs[path], checkpoint) for path, source in sources.items()}
    for text, name, found in zip(texts, registry.reference_names(texts), runs, strict=True):
        if found is None:
            line_up = line_up.add(text, name)
            continue
        folder, seed, player = found
        run = loaded[str(folder.path)]
        seeds = run.spec.seeds if all_seeds and seed is None else [run.spec.seeds[run.seed_index(seed)]]
        view = _view(line_up.game, run, text)
        learned = [player] if player is not None else _learned_by(run) if apart else [None]
        prefix = registry.split_reference(text)[0]
        label = "" if prefix == registry.RUN_PREFIX else name.partition("#")[0]
        line_up.participants.extend(
            Participant.of_run(run, view, each, player=of, label=label) for each in seeds for of in learned
        )
    return line_up._replace(participants=_with_own_names(line_up.participants))


def _learned_by(run: LoadedRun) -> Sequence[int | None]:
    """Return the players of a run that enter apart, or None for its policies as they sit.

    Different policies must not be averaged under one name; those that cannot change seats play as one all the same.
    """
    if run.self_play or run.env.observation_layout == "shared":
        return [None]
    return range(run.env.num_players)


def _find_run(reference: Any, env: str | None) -> tuple[RunFolder | AgentFile, int | None, int | None] | None:
    """Return the run or agent's file, the seed and the player that a reference means; None if it means no run."""
    behind = registry.run_behind(reference, env)
    if behind is None:
        return None
    path, seed, player = read_reference(behind)
    is_run = path.suffix == SUFFIX or (path / "config.json").exists()
    return (open_run(path), seed, player) if is_run else None


def _first_game(references: Sequence[Any]) -> str | None:
    """Return the id of the game that the first run among some references learned; an agent may play several games."""
    for reference in references:
        with suppress(OptionError):  # one that does not say its game, or is wrong, which is told where it is loaded
            found = _find_run(reference, None)
            if found is not None:
                return found[0].trusted_spec().env
    return None


def _common_env(asked: str | None, specs: Mapping[str, RunSpec]) -> str:
    """Return the game that is asked for, or that all runs learned."""
    env = asked or next((spec.env for spec in specs.values()), None)
    if env is None:
        raise OptionError("missing environment: pass --env ENV (see polax list)")
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
                    f"choose one with --env.{name.replace('_', '-')} VALUE"
                )
    return options


def _load(source: RunFolder | AgentFile, spec: RunSpec, checkpoint: str | None) -> LoadedRun:
    """Load a run that has finished, or any where a checkpoint was chosen, or an agent's file."""
    saved = checkpoints.saved_updates(source.checkpoints) if isinstance(source, RunFolder) else []
    if checkpoint is None and saved and saved[-1] < spec.updates:
        raise RunError(
            f"{source.path} has done {saved[-1]} of its {spec.updates} updates; finish it with "
            f"polax train --resume {source.path}, or pass --checkpoint last to take it as it is"
        )
    try:
        run = load_run(source, checkpoint=(checkpoint if isinstance(source, RunFolder) else None) or "last")
    except (registry.UnknownNameError, registry.PluginError) as cause:
        origin = source.manifest().get("algorithm", {}) if isinstance(source, RunFolder) else {}
        owner = f" of {origin['distribution']} {origin.get('version')}" if "distribution" in origin else ""
        raise RunError(f"{source.path} needs {spec.algorithm}{owner}, as when it was trained: {cause}") from cause
    if run.pure:  # away from the devices they were computed on, so that they can go to any
        run = run._replace(policies=jax.device_get(run.policies))
    return run


def _view(game: Game[Any, Any], run: LoadedRun, reference: str) -> Game[Any, Any]:
    """Return the game as a run's players see it.

    Raises:
        OptionError: they learned another form of the game.
    """
    if run.env == game:
        return game
    if run.pure and game.in_layout(run.env.observation_layout) == run.env:
        return run.env
    raise OptionError(f"{reference} learned another form of {game.name}: {run.env!r}, not {game!r}; use its options")


def _with_own_names(participants: list[Participant]) -> list[Participant]:
    """Give every participant a name of its own: its folder, where several have the same name.

    Raises:
        OptionError: a player is there twice.
    """
    seen: set[Any] = set()
    for each in participants:
        who = (each.name if each.path is None else Path(each.path).resolve(), each.seed, each.player)
        if who in seen:
            raise OptionError(f"{each.name} is named twice; name each player once")
        seen.add(who)
    count = Counter(each.name for each in participants)
    return [
        each._replace(name=each.path + "".join(each.name.rpartition("#")[1:] if "#" in each.name else ""))
        if count[each.name] > 1 and each.path is not None
        else each
        for each in participants
    ]
