"""Train and score one combination; work that was done before is not repeated."""

from __future__ import annotations

import dataclasses
import math
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ...options import PolaxError, describe_error, make_config
from ..evaluation.evaluate import Evaluator
from ..evaluation.scores import with_pairs
from ..executors.base import Outcome
from ..runs import checkpoint as checkpoints
from ..runs.files import RunError, write_text, writing
from ..runs.folder import RunFolder
from ..runs.load import load_run
from ..runs.manifest import device_names
from ..runs.spec import RunSpec, build
from ..training.loop import Outcome as Trained
from ..training.loop import find_or_create, train
from ..training.memory import check_memory
from .aggregate import aggregate
from .budget import Budget, Done, parse_budget
from .document import ERRORS
from .plan import Combination, until

EVALUATION = 2**31 - 1
"""Folded into the seeds' keys, so that the final evaluation has keys that no update has, the same for every learner."""

RECENT = 20
"""Number of updates from which the time of the next is estimated."""


def content_of(combination: Combination, *, episodes: int) -> dict[str, Any]:
    """Return what is to be done, as `perform` takes it.

    Args:
        combination: one that can begin.
        episodes: of each match-up of the final evaluation.
    """
    spec = combination.spec and combination.spec.to_json()
    return {"run": combination.folder, "spec": spec, "budget": str(combination.budget), "episodes": episodes}


def perform(folder: Path, content: Mapping[str, Any], console: Console) -> Outcome:
    """Train and score one combination, from wherever it is; what it raises becomes its result.

    Args:
        folder: of the benchmark.
        content: from `content_of`.
        console: where progress is shown.

    Returns:
        As ``found`` what ``results.json`` says of it, as far as it came.
    """
    path, episodes = folder / content["run"], content["episodes"]
    found: dict[str, Any] = {}
    error, stopped = None, 0
    try:
        spec = make_config(RunSpec, content["spec"], what="it")
        trained = train_combination(path, spec, parse_budget(content["budget"]), episodes=episodes, console=console)
        if trained.exit_status == 1:
            raise PolaxError(trained.message)
        stopped = trained.exit_status
        if not stopped:
            found = score_combination(path, episodes=episodes)
    except (Exception, SystemExit) as cause:
        # Third-party code may raise anything, and the other combinations still run.
        error = describe_error(cause)
        # A plug-in's own error is the cause of the line that names the plug-in.
        if not isinstance(cause.__cause__ or cause, PolaxError):
            _keep_traceback(folder / ERRORS, path.name, cause)
    return Outcome({**found, **_length(path), "devices": device_names()}, error, stopped)


def _keep_traceback(folder: Path, name: str, error: BaseException) -> None:
    with writing(folder):
        folder.mkdir(exist_ok=True)
    write_text(folder / f"{name}.txt", "".join(traceback.format_exception(error)))


def _length(path: Path) -> dict[str, Any]:
    """Return how long a run has trained; nothing where there is none."""
    if not (path / "config.json").exists():
        return {}
    try:
        done = how_far(RunFolder.open(path))
    except PolaxError:  # the run is damaged, which is reported where it is read
        return {}
    steps = int(done.env_steps) if math.isfinite(done.env_steps) else None
    return {"seconds": round(done.seconds, 3), "env_steps": steps, "updates": done.update}


def train_combination(path: Path, spec: RunSpec, budget: Budget, *, episodes: int, console: Console) -> Trained:
    """Train the run at ``path`` from wherever it is until the budget is spent.

    Raises:
        PolaxError: it cannot be trained, or there is no memory to score it in so many episodes.
    """
    setup = build(spec)
    check_memory(dataclasses.replace(spec, eval_envs=max(spec.eval_envs, episodes)), setup)
    run, resume = find_or_create(path, spec)
    outcome = Trained(0, "")
    while outcome.exit_status == 0 and (target := budget.next_target(how_far(run))) is not None:
        outcome = train(until(spec, target), setup, run, resume=resume, console=console)
        resume = True
    return outcome


def how_far(run: RunFolder) -> Done:
    """Return what a run has done up to its last checkpoint."""
    update = max(checkpoints.saved_updates(run.checkpoints), default=0)
    rows = list({row["update"]: row for row in run.metrics() if 0 < row["update"] <= update}.values())
    recent = [row["seconds"] for row in rows[-RECENT:]]
    env_steps = rows[-1].get("env_steps", math.nan) if rows else math.nan
    return Done(update, env_steps if update else 0.0, recent[-1] if recent else 0.0, recent)


def score_combination(path: Path, *, episodes: int) -> dict[str, Any]:
    """Score the players of a trained run in the way that is the same for all.

    Args:
        path: of the run.
        episodes: of each match-up.

    Returns:
        ``self_play``, ``scores`` and ``measures`` as ``results.json`` holds them, and ``error``: a line about seeds
        that stopped being finite, or None.

    Raises:
        PolaxError: the run cannot be read, or no seed has finite scores.
    """
    folder = RunFolder.open(path)
    run = load_run(folder, checkpoint=str(how_far(folder).update))  # no other one, should this one be damaged
    evaluator = Evaluator(run.env, run.params, num_envs=episodes, pure=run.pure)
    table = evaluator(run.keys.evaluate, EVALUATION, run.policies)
    sound = (run.ended == 0) & np.all([np.isfinite(values) for values in table.values()], axis=0)
    if not sound.any():
        raise RunError("no seed has finite scores")
    scores = {}
    for name, values in with_pairs(table).items():
        per_seed = [float(value) if ok else None for value, ok in zip(values, sound, strict=True)]
        scores[name] = {"per_seed": per_seed, **aggregate(values[sound])._asdict()}
    lost = ", ".join(str(seed) for seed, ok in zip(run.spec.seeds, sound, strict=True) if not ok)
    words = f"seed {lost} stopped being finite and is left out" if lost else None
    measures = [measure._asdict() for measure in run.env.measures]
    return {"self_play": run.self_play, "scores": scores, "measures": measures, "error": words}
