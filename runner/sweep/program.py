"""Train and score one program of a sweep, from its last checkpoint where there is one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ...options import describe_error
from ..evaluation.scores import with_pairs
from ..executors.base import Outcome
from ..runs.files import RunError
from ..runs.manifest import device_names
from ..runs.spec import build
from .document import DONE, FAILED, PRUNED
from .plan import Program, Trial, asked_of
from .search import make_judge
from .together import Together, Trained


def content_of(program: Program, *, room: int) -> dict[str, Any]:
    """Return what is to be done, as `perform` takes it.

    Args:
        program: the trials.
        room: for how many of them it is made at least.
    """
    return {"trials": [[trial.number, dict(trial.values)] for trial in program.trials], "room": room}


def perform(folder: Path, content: Mapping[str, Any], console: Console) -> Outcome:
    """Train and score one program; what it raises becomes the result of its trials.

    Args:
        folder: of the sweep.
        content: from `content_of`.
        console: where progress is shown.

    Returns:
        As ``found``: ``rows``, what ``trials.json`` says of each trial, ``seconds`` and ``devices``.
    """
    begun = time.perf_counter()
    try:
        program, trained = _train(folder, content, console)
    except RunError as error:  # of the disk: the next program would not fare better
        return Outcome(refused=str(error))
    except (Exception, SystemExit) as error:  # third-party code may raise anything
        return Outcome({"seconds": time.perf_counter() - begun, "devices": device_names()}, describe_error(error))
    if trained.stopped:
        return Outcome(stopped=trained.stopped)
    rows = [_row(program, place, trained) for place in range(len(program.trials))]
    return Outcome({"rows": rows, "seconds": time.perf_counter() - begun, "devices": device_names()})


def _train(folder: Path, content: Mapping[str, Any], console: Console) -> tuple[Program, Trained]:
    protocol, space = asked_of(folder)
    trials = tuple(Trial(number, values) for number, values in content["trials"])
    specs = tuple(protocol.spec(trial.values) for trial in trials)
    program = Program(trials, specs, tuple(build(spec) for spec in specs))
    judge = make_judge(protocol, space, folder, trials)
    together = Together(program, folder, console=console, judge=judge, room=content["room"])
    together.check()
    return program, together.train()


def _row(program: Program, place: int, trained: Trained) -> dict[str, Any]:
    """Return what became of one trial."""
    ended = trained.ended[place]
    alive = ended == 0
    table = with_pairs({name: values[place] for name, values in trained.scores.items()})
    row: dict[str, Any] = {
        "status": DONE,
        "self_play": program.setups[place].algorithm.self_play,
        "seconds": round(trained.seconds / len(program.trials), 3),
        "scores": {name: _of_seeds(values, alive) for name, values in table.items()},
    }
    if (ended > 0).any():
        said = [f"seed {seed} at update {ended[seed]}" for seed in np.flatnonzero(ended > 0).tolist()]
        row |= {"status": FAILED, "error": f"stopped being finite: {', '.join(said)}"}
    elif (ended < 0).any():
        row |= {"status": PRUNED, "error": f"pruned at update {-ended.min()}"}
    return row


def _of_seeds(values: np.ndarray, alive: np.ndarray) -> dict[str, Any]:
    """Return a score of each seed, None for one that has ended, and the mean of the others."""
    per_seed = [float(value) if sound else None for value, sound in zip(values, alive, strict=True)]
    return {"per_seed": per_seed, "mean": float(values[alive].mean()) if alive.any() else None}
