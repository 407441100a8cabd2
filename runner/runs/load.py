"""Load the trained players of a run."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ... import registry
from ...envs.base import Game, Policy
from ...options import OptionError, digits, player_index
from ..training.seeds import CompiledLearner, Learner, SeedKeys, make_learner, seed_keys
from . import checkpoint as checkpoints
from .agent import SUFFIX, AgentFile
from .files import RunError
from .folder import RunFolder
from .metrics import score_by_update
from .spec import RunSpec, build

_log = logging.getLogger(__name__)


class LoadedRun(NamedTuple):
    """The trained players of a run at one checkpoint, or of an agent's file: all its seeds."""

    path: Path
    spec: RunSpec
    env: Game[Any, Any]
    params: Any
    pure: bool
    """Whether the players are pytrees that may be compiled."""
    self_play: bool
    trained_against: tuple[str, ...]
    """Both as the `Algorithm` says."""

    update: int
    ended: np.ndarray  # [S] int64: the update at which a seed stopped being finite, 0 for a sound one
    policies: Any
    """What the learner's ``policies`` returns: with a leading seed axis (pure), or a list with a tuple per seed."""

    keys: SeedKeys

    def players(self, index: int = 0) -> tuple[Policy, ...]:
        """Return the policies of all players of the seed at ``index`` of the run's seeds."""
        return tuple(jax.tree.map(lambda leaf: leaf[index], self.policies) if self.pure else self.policies[index])

    def policy(self, index: int, *, seat: int, player: int | None = None) -> Policy:
        """Return the policy that plays as one player of the game.

        Args:
            index: of the seed, among the run's seeds.
            seat: which player it plays as.
            player: which player of the run learned it; None: the one of that seat.

        Raises:
            OptionError: the run has no such player, or its players cannot change seats.
        """
        players = self.players(index)
        learned_as = player_index(seat if player is None else player, len(players), of=str(self.path))
        if learned_as != seat and self.env.observation_layout == "shared":
            raise OptionError(
                f"player {player} of {self.path} learned with observations in the order of the seats "
                f"(observation_layout shared), so it cannot play as player {seat}"
            )
        return players[learned_as]

    def only(self, indices: Sequence[int]) -> LoadedRun:
        """Return the run with some of its seeds, by their index."""
        chosen = np.asarray(indices)
        if self.pure:
            policies = jax.tree.map(lambda leaf: leaf[chosen], self.policies)
        else:
            policies = [self.policies[index] for index in indices]
        return self._replace(
            spec=dataclasses.replace(self.spec, seeds=tuple(self.spec.seeds[index] for index in indices)),
            ended=self.ended[chosen],
            policies=policies,
            keys=SeedKeys(*(keys[chosen] for keys in self.keys)),
        )

    def seed_index(self, seed: int | None) -> int:
        """Return the index of a seed among the run's seeds; None: the first.

        Raises:
            OptionError: the run has no such seed.
        """
        seeds = self.spec.seeds
        if seed is not None and seed not in seeds:
            raise OptionError(f"{self.path} has no seed {seed}; there are {', '.join(map(str, seeds))}")
        return 0 if seed is None else seeds.index(seed)


def open_run(path: Path) -> RunFolder | AgentFile:
    """Return the run in a folder, or the agents in a file.

    Raises:
        RunError: there is neither.
    """
    return AgentFile(path) if path.suffix == SUFFIX else RunFolder.open(path)


def load_run(source: RunFolder | AgentFile, *, checkpoint: str = "last", allow_import: bool = False) -> LoadedRun:
    """Load the players of every seed of a run, or of an agent's file.

    Args:
        source: the run, or the file.
        checkpoint: an update's number, ``best`` or ``last``; where one of these two is damaged, the next best or the
            one before is loaded, which is told. A file holds a single one, which is both.
        allow_import: as for `RunFolder.trusted_spec`.

    Raises:
        PolaxError: no such checkpoint, an unreadable one, or a missing plug-in.
    """
    spec = source.trusted_spec(allow_import=allow_import)
    setup = build(spec)
    learner = make_learner(setup.algorithm)
    keys = seed_keys(spec.seeds)
    if isinstance(source, AgentFile):
        update, ended, policies = _read_agents(source, learner, checkpoint, spec.algorithm)
    else:
        update, ended, policies = _read_checkpoint(source, learner, checkpoint, spec)
    return LoadedRun(
        path=source.path,
        spec=spec,
        env=setup.env,
        params=setup.params,
        pure=setup.algorithm.pure,
        self_play=setup.algorithm.self_play,
        trained_against=setup.algorithm.trained_against,
        update=update,
        ended=ended,
        policies=policies,
        keys=keys,
    )


def _read_checkpoint(folder: RunFolder, learner: Learner, which: str, spec: RunSpec) -> tuple[int, np.ndarray, Any]:
    """Return the update, where each seed ended, and the policies."""
    origin = registry.algorithm_origin(spec.algorithm)
    updates = find_updates(folder, which)
    with registry.plugin_code(origin, "init"):
        template = learner.template(seed_keys(spec.seeds).init)
    saved, damaged = checkpoints.load_first(folder.checkpoints, updates, template)
    with registry.plugin_code(origin, "policies"):
        policies = learner.policies(saved.state)
    if damaged:
        _log.warning(f"{damaged[0]}; checkpoint {saved.update} is used")
    return saved.update, saved.ended, policies


def _read_agents(file: AgentFile, learner: Learner, which: str, algorithm: str) -> tuple[int, np.ndarray, Any]:
    """Return the same of an agent's file."""
    update = file.card["update"]
    if which not in ("last", "best") and read_update(which) != update:
        raise RunError(f"{file.path} holds checkpoint {update} alone, not {which}")
    if not isinstance(learner, CompiledLearner):
        raise RunError(f"{file.path} is an agent of {algorithm}, which is a learner in ordinary Python by now")
    with registry.plugin_code(registry.algorithm_origin(algorithm), "policies"):
        policies = file.policies(learner)
    return update, np.asarray(file.card["ended"], np.int64), policies


class Reference(NamedTuple):
    """Which run or agent's file, and which of its seeds and players, a reference means."""

    path: Path
    seed: int | None = None
    """None: the first."""
    player: int | None = None
    """None: in every seat, the player that learned in it."""


def read_reference(text: str) -> Reference:
    """Read a reference to a run: ``PATH``, ``PATH#SEED`` or ``PATH#SEED@PLAYER``.

    Raises:
        OptionError: the seed or the player is not a whole number.
    """
    path, sign, rest = text.rpartition("#")
    if not sign or Path(text).exists():
        return Reference(Path(text))
    seed, at, player = rest.partition("@")
    if digits(seed) is None:
        raise OptionError(f"the seed after # in {text!r} must be a whole number")
    if at and digits(player) is None:
        raise OptionError(f"the player after @ in {text!r} must be a whole number")
    return Reference(Path(path), int(seed), int(player) if at else None)


def resolve(reference: str, game: Game[Any, Any], params: Any, player: int) -> Policy:
    """Return the trained policy that plays as ``player``, for references ``run:`` and what `read_reference` reads.

    Raises:
        OptionError: no such seed or player, or the run learned another game or another form of it.
        PolaxError: there is no run, it has no checkpoint, or its plug-ins cannot be used.
    """
    del params
    path, seed, learned_as = read_reference(reference)
    run = load_run(open_run(path))
    if run.env.name != game.name:
        raise OptionError(f"{path} learned {run.env.name}; it cannot play {game.name}")
    # What must be equal in two forms of a game for a policy to play both.
    forms = [(env.observation_space(None).shape, env.observation_layout, env.num_actions) for env in (game, run.env)]
    if forms[0] != forms[1]:
        raise OptionError(f"{path} learned another form of {game.name}; use its options: {run.env!r}")
    return run.policy(run.seed_index(seed), seat=player, player=learned_as)


def own_game(reference: str) -> Game[Any, Any]:
    """Return the game that a run has learned; ``reference`` as in `resolve`."""
    return build(open_run(read_reference(reference).path).trusted_spec()).env


resolve.own_game = own_game  # type: ignore[attr-defined]  # for `polax.registry.own_game`


def find_updates(folder: RunFolder, which: str) -> list[int]:
    """Return the numbers of the checkpoints that ``best``, ``last`` or a number means, the wanted one first.

    Raises:
        PolaxError: there is no checkpoint, or ``which`` is something else.
    """
    saved = checkpoints.saved_updates(folder.checkpoints)
    if not saved:
        raise RunError(f"{folder.path} has no checkpoint yet")
    if which == "best":
        scores = score_by_update(folder.metrics())
        scored = sorted((each for each in saved if each in scores), key=lambda update: -scores[update])
        return [*scored, *(each for each in saved[::-1] if each not in scores)]
    if which == "last":
        return saved[::-1]
    return [read_update(which)]


def read_update(which: str) -> int:
    """Return the number of an update that a word stands for.

    Raises:
        OptionError: it stands for none.
    """
    number = digits(which)
    if number is None:
        raise OptionError(f"a checkpoint is the number of an update, best or last, not {which!r}")
    return number
