"""Train and score one combination; work that was done before is not repeated."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..evaluation.evaluate import Evaluator
from ..evaluation.scores import with_pairs
from ..runs import checkpoint as checkpoints
from ..runs.files import RunError
from ..runs.folder import RunFolder
from ..runs.load import load_run
from ..runs.spec import build
from ..training.loop import Outcome, find_or_create, train
from ..training.memory import check_memory
from .aggregate import aggregate
from .budget import Done
from .plan import Combination, until

EVALUATION = 2**31 - 1
"""Folded into the seeds' keys, so that the final evaluation has keys that no update has, the same for every learner."""

RECENT = 20
"""Number of updates from which the time of the next is estimated."""


def train_combination(path: Path, combination: Combination, *, episodes: int, console: Console) -> Outcome:
    """Train the run at ``path`` from wherever it is until the budget is spent.

    Raises:
        PolaxError: it cannot be trained, or there is no memory to score it in so many episodes.
    """
    spec, budget = combination.spec, combination.budget
    if spec is None or budget is None:
        raise RunError(combination.error or "there is nothing to train")
    setup = build(spec)
    check_memory(dataclasses.replace(spec, eval_envs=max(spec.eval_envs, episodes)), setup)
    run, resume = find_or_create(path, spec)
    outcome = Outcome(0, "")
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
