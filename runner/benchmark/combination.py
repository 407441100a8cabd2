"""Train and score one combination; whatever was done before is not done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..evaluation.evaluate import Evaluator
from ..evaluation.scores import score_name
from ..runs import checkpoint as checkpoints
from ..runs.folder import RunError, RunFolder
from ..runs.load import load_run
from ..runs.spec import build
from ..training.loop import Outcome, find_or_create, train
from ..training.seeds import seed_keys
from .aggregate import aggregate
from .budget import Done
from .plan import Combination, until

EVALUATION = 2**31 - 1
"""Folded into the seeds' keys, so that the final evaluation has keys that no update has, the same for every learner."""

RECENT = 20
"""Updates from which the time of the next is foreseen."""


def train_combination(folder: Path, combination: Combination, *, console: Console) -> Outcome:
    """Train until the budget is spent, from wherever the run is.

    Args:
        folder: of the benchmark.
        combination: what to train; it has a spec.
        console: where progress is shown.

    Returns:
        How it ended.

    Raises:
        PolaxError: it cannot be trained.
    """
    path, spec, budget = folder / combination.folder, combination.spec, combination.budget
    if spec is None or budget is None:
        raise RunError(combination.error or "there is nothing to train")
    run, resume = find_or_create(path, spec)
    setup = build(spec)
    outcome = Outcome(0, "")
    while outcome.exit_status == 0:
        target = budget.next_target(how_far(run))
        if target is None:
            break
        outcome = train(until(spec, target), setup, run, resume=resume, console=console)
        resume = True
    return outcome


def how_far(run: RunFolder) -> Done:
    """Return what a run has done up to its last checkpoint."""
    saved = checkpoints.saved_updates(run.checkpoints)
    update = saved[-1] if saved else 0
    seconds: dict[int, float] = {}
    env_steps = float("nan")
    for row in run.metrics():
        if 0 < row["update"] <= update:
            seconds[row["update"]] = row["seconds"]
            env_steps = row.get("env_steps", float("nan"))
    recent = [seconds[number] for number in sorted(seconds)][-RECENT:]
    return Done(update, env_steps if update else 0.0, recent[-1] if recent else 0.0, recent)


def score_combination(folder: Path, combination: Combination, *, episodes: int) -> dict[str, Any]:
    """Score the players of a trained combination, in the way that is the same for all.

    Args:
        folder: of the benchmark.
        combination: what was trained.
        episodes: of each match-up.

    Returns:
        ``scores`` and ``measures`` as ``results.json`` holds them, and ``ended``: a line about seeds that stopped being
        finite, or None.

    Raises:
        PolaxError: the run cannot be read.
    """
    run = load_run(RunFolder.open(folder / combination.folder))
    evaluator = Evaluator(run.env, run.params, num_envs=episodes, pure=run.pure)
    table = evaluator(seed_keys(run.spec.seeds).evaluate, EVALUATION, run.policies)
    sound = (run.ended == 0) & np.all([np.isfinite(values) for values in table.values()], axis=0)
    lost = [seed for seed, is_sound in zip(run.spec.seeds, sound, strict=True) if not is_sound]
    if len(lost) == len(run.spec.seeds):
        raise RunError("no seed has finite scores")
    scores = {}
    for name, values in _over_seats(table, run.env.num_players).items():
        found = aggregate(values[sound])
        per_seed = [float(value) if ok else None for value, ok in zip(values, sound, strict=True)]
        scores[name] = {"per_seed": per_seed, **found._asdict()}
    words = f"seed {', '.join(map(str, lost))} stopped being finite and is left out" if lost else None
    return {"scores": scores, "measures": [measure._asdict() for measure in run.env.measures], "ended": words}


def _over_seats(table: dict[str, np.ndarray], num_players: int) -> dict[str, np.ndarray]:
    """Average each score over the seats: ``score``, ``score/vs/tit-for-tat``; other metrics stay as they are."""
    opponents = dict.fromkeys(name.split("/vs/")[1] for name in table if "/vs/" in name)
    merged = {}
    for opponent in ("", *opponents):
        seats = [table[score_name(seat, opponent)] for seat in range(num_players)]
        merged[f"score/vs/{opponent}" if opponent else "score"] = np.mean(seats, axis=0)
    return {**merged, **{name: values for name, values in table.items() if not name.startswith("score/player_")}}
