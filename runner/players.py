"""Take the players out of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import jax

from ..envs.base import Game, Policy
from . import checkpoint
from .run_folder import RunError, RunFolder
from .seeds import make_learner, seed_keys
from .spec import build


class Players(NamedTuple):
    """The players of one seed of a run, and what they learned to play."""

    env: Game[Any, Any]
    params: Any
    policies: tuple[Policy, ...]


def load_players(path: Path, *, seed: int | None = None, update: int | None = None) -> Players:
    """Load the players of a run.

    Args:
        path: the run's folder.
        seed: which seed of it; None: its first.
        update: which checkpoint; None: the last.

    Returns:
        The environment with its params, and a policy for each seat.

    Raises:
        PolaxError: no run, no such seed or checkpoint, an unreadable one, or a plug-in that is gone.
    """
    folder = RunFolder.open(path)
    spec = folder.spec()
    saved = checkpoint.saved_updates(folder.checkpoints)
    if not saved:
        raise RunError(f"{path} has no checkpoint yet")
    if seed is not None and seed not in spec.seeds:
        raise RunError(f"{path} has no seed {seed}; it has {', '.join(map(str, spec.seeds))}")
    setup = build(spec)
    learner, index = make_learner(setup.algorithm), 0 if seed is None else spec.seeds.index(seed)
    template = learner.template(seed_keys(spec.seeds).init)
    state = checkpoint.load(folder.checkpoints, saved[-1] if update is None else update, template).state
    policies = learner.policies(state)
    # A pure learner returns its seeds stacked, one in Python a list of them.
    chosen = jax.tree.map(lambda leaf: leaf[index], policies) if setup.algorithm.pure else policies[index]
    return Players(setup.env, setup.params, tuple(chosen))
