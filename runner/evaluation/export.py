"""Write trained agents into a file that can be given away, with what they score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from ...options import OptionError
from ..runs.agent import halved, save_agent
from ..runs.load import LoadedRun
from ..runs.spec import train_command
from .evaluate import score_together
from .scores import by_seed


def export_agent(
    found: LoadedRun, path: Path, *, versions: Mapping[str, str | None], half: bool, num_envs: int = 1024
) -> None:
    """Score the players of a run, and write them into an agent's file.

    Args:
        found: the players, of the seeds that the file is to hold.
        path: of the file, which is replaced if it is there.
        versions: of the packages that trained them.
        half: whether numbers are stored with 16 bits in place of 32; the scores are those of the stored numbers.
        num_envs: episodes of each match-up.

    Raises:
        OptionError: the players are not arrays alone.
        RunError: the file cannot be written.
    """
    if not found.pure:
        raise OptionError(
            f"{found.spec.algorithm} is a learner in ordinary Python: its policies are objects, which no file of "
            "an agent can hold"
        )
    stored = jax.tree.map(lambda leaf: halved(np.asarray(leaf)) if half else np.asarray(leaf), found.policies)
    same_types = jax.tree.map(lambda new, leaf: new.astype(leaf.dtype), stored, found.policies)
    table = score_together(found._replace(policies=same_types), num_envs=num_envs)
    save_agent(
        path,
        {
            "spec": found.spec.to_json(),
            "update": found.update,
            "ended": found.ended.tolist(),
            "self_play": found.self_play,
            "trained_against": list(found.trained_against),
            "command": train_command(found.spec),
            "versions": dict(versions),
            "eval_envs": num_envs,
            "scores": by_seed(table, found.spec.seeds),
        },
        stored,
    )
