"""The players that a run has learned, for others to play against."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from ...envs.base import Game, Policy
from ...options import OptionError
from . import checkpoint as checkpoints
from .metrics import best_update, score_by_update
from .folder import RunError, RunFolder
from ..training.seeds import Learner, SeedKeys, make_learner, seed_keys
from .spec import RunSpec, build


class LoadedRun(NamedTuple):
    """A run at one checkpoint: all its seeds."""

    spec: RunSpec
    env: Game[Any, Any]
    params: Any
    pure: bool
    """Whether the players are pytrees that may be compiled."""

    update: int
    ended: np.ndarray  # [S] int64: the update at which a seed stopped being finite, 0 for a sound one
    policies: Any
    """What the learner's ``policies`` gives: with a leading seed axis (pure), or a list of one tuple a seed."""

    keys: SeedKeys

    def players(self, index: int) -> tuple[Policy, ...]:
        """Return the players of the seed at ``index`` of the run's seeds, one for each seat."""
        return tuple(jax.tree.map(lambda leaf: leaf[index], self.policies) if self.pure else self.policies[index])


class Players(NamedTuple):
    """The players of one seed."""

    env: Game[Any, Any]
    params: Any
    policies: tuple[Policy, ...]
    """One for each player."""


def load_run(folder: RunFolder, *, checkpoint: str = "last") -> LoadedRun:
    """Load the players of every seed of a run.

    Args:
        folder: the run.
        checkpoint: an update's number, ``best`` or ``last``.

    Raises:
        PolaxError: no such checkpoint, an unreadable one, or a plug-in that is gone.
    """
    spec = folder.spec()
    setup = build(spec)
    update = find_update(folder, checkpoint)
    learner: Learner = make_learner(setup.algorithm)
    keys = seed_keys(spec.seeds)
    saved = checkpoints.load(folder.checkpoints, update, learner.template(keys.init))
    return LoadedRun(
        spec=spec,
        env=setup.env,
        params=setup.params,
        pure=setup.algorithm.pure,
        update=update,
        ended=saved.ended,
        policies=learner.policies(saved.state),
        keys=keys,
    )


def load_players(path: Path, *, seed: int | None = None, checkpoint: str = "last") -> Players:
    """Load the players of one seed of a run.

    Args:
        path: the run's folder.
        seed: one of its seeds; None: the first.
        checkpoint: an update's number, ``best`` or ``last``.

    Returns:
        The players with the game they learned.

    Raises:
        PolaxError: no run, no such seed or checkpoint, or a plug-in that is gone.
    """
    run = load_run(RunFolder.open(path), checkpoint=checkpoint)
    seeds = run.spec.seeds
    if seed is not None and seed not in seeds:
        raise OptionError(f"{path} has no seed {seed}; there are {', '.join(map(str, seeds))}")
    index = 0 if seed is None else seeds.index(seed)
    return Players(run.env, run.params, run.players(index))


def find_update(folder: RunFolder, which: str) -> int:
    """Return the number of a checkpoint given as ``best``, ``last`` or a number.

    Raises:
        PolaxError: there is no checkpoint, or ``which`` is something else.
    """
    saved = checkpoints.saved_updates(folder.checkpoints)
    if not saved:
        raise RunError(f"{folder.path} has no checkpoint yet")
    if which == "best":
        best = best_update(score_by_update(folder.metrics()), among=saved)
        return saved[-1] if best is None else best
    if which == "last":
        return saved[-1]
    if not which.isdigit():
        raise OptionError(f"a checkpoint is the number of an update, best or last, not {which!r}")
    return int(which)
