"""Weights & Biases (https://wandb.ai): one of its runs for each run. Needs the extra ``wandb``.

Its own environment variables hold: ``WANDB_MODE=offline`` keeps everything in the run's folder, ``WANDB_PROJECT`` names
the project.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from ...options import MissingExtraError
from ..training.callbacks import Callback, Event, Launch

try:
    import wandb as library
except ImportError as cause:
    raise MissingExtraError("Weights & Biases", "wandb") from cause


def wandb(launch: Launch) -> Callback:
    """Return what logs a run, with the update as the step.

    A metric has the mean over the seeds that still learn under its own name and, where the run has several seeds, each
    of them under ``seed_3/NAME``. A resumed run continues the same run there; W&B ignores steps that it has.
    """
    run = library.init(
        project=os.environ.get("WANDB_PROJECT", "polax"),
        name=launch.path.name,
        id=_identity(launch.path / "wandb" / "id"),
        resume="allow",
        dir=str(launch.path),
        config=dict(launch.config),
    )
    several = len(launch.config["seeds"]) > 1

    def log(event: Event) -> None:
        run.log(_flat(event.metrics, several=several), step=event.update)

    def finish(event: Event) -> None:
        del event
        run.finish()

    return Callback(on_update=log, on_evaluation=log, on_end=finish)


def _identity(path: Path) -> str:
    """Return the name by which W&B knows a run, made up at its start and kept in its folder."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_hex(8))
    return path.read_text()


def _flat(metrics: Mapping[int, Mapping[str, float]], *, several: bool) -> dict[str, float]:
    names = dict.fromkeys(name for values in metrics.values() for name in values)
    found = {name: fmean(values[name] for values in metrics.values() if name in values) for name in names}
    if several:
        found |= {f"seed_{seed}/{name}": value for seed, values in metrics.items() for name, value in values.items()}
    return found
