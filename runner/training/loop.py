"""Train: the Python loop around compiled updates, with evaluation, files, signals and progress."""

from __future__ import annotations

import sys
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from ..evaluation.evaluate import Evaluator
from ..evaluation.scores import scored_players
from ..runs import checkpoint as checkpoints
from ..runs.checkpoint import Checkpoint
from ..runs.folder import RunError, RunFolder, writing
from ..runs.manifest import add_launch, finish_launch
from ..runs.metrics import MetricsLog, best_update, score_by_update
from ..runs.spec import RunSpec, Setup, build
from .interrupts import StopRequest
from .progress import TrainingProgress, format_seconds, say
from .seeds import Taken, make_learner, seed_keys, take_updates


class Outcome(NamedTuple):
    """How a training run ended."""

    exit_status: int
    """0; 1 if every seed stopped being finite; 130 or 143 after a signal."""

    message: str


class Trainer:
    """One run between its first (or resumed) update and its last."""

    def __init__(self, folder: RunFolder, spec: RunSpec, setup: Setup) -> None:
        self._folder = folder
        self._spec = spec
        self._learner = make_learner(setup.algorithm)
        self._self_play = setup.algorithm.self_play
        self._evaluator = Evaluator(setup.env, setup.params, num_envs=spec.eval_envs, pure=setup.algorithm.pure)
        self._keys = seed_keys(spec.seeds)
        self._fingerprint = checkpoints.fingerprint(spec.identity())
        self._now = Checkpoint(
            state=None,
            update=0,
            seconds=0.0,
            env_steps=0.0,
            ended=np.zeros(len(spec.seeds), np.int64),
            fingerprint=self._fingerprint,
        )
        self._alive = self._now.ended == 0
        self._scores: dict[int, float] = {}  # of every evaluated update

    def start(self) -> None:
        """Begin at update 0."""
        self._now = self._now._replace(state=self._learner.init(self._keys.init))

    def resume(self) -> None:
        """Begin at the last checkpoint, or at update 0 if there is none yet.

        Raises:
            RunError: the checkpoint cannot be read or belongs to other options.
        """
        checkpoints.clean(self._folder.checkpoints)
        saved = checkpoints.saved_updates(self._folder.checkpoints)
        if not saved:
            self.start()
            return
        found = checkpoints.load(self._folder.checkpoints, saved[-1], self._learner.template(self._keys.init))
        if found.fingerprint != self._fingerprint:
            raise RunError(
                f"the options in {self._folder.path / 'config.json'} are not those of its checkpoint {found.update}; "
                "restore them, or start a new run"
            )
        self._now = found
        self._alive = found.ended == 0
        self._scores = score_by_update(self._folder.metrics())

    @property
    def update(self) -> int:
        """Updates done."""
        return self._now.update

    def run(self, console: Console) -> Outcome:
        """Train to the end, to a signal, or until no seed is left."""
        spec = self._spec
        progress = TrainingProgress(spec.updates, done=self.update, self_play=self._self_play, console=console)
        log = MetricsLog(self._folder, spec.seeds, keep_until=self.update or -1)
        with StopRequest() as stop, log, progress:
            if self.update == 0:
                self._report(log, progress, {})
            progress.begin()
            # No update begins after a signal.
            numbers = takewhile(lambda _: stop.signal is None, range(self.update + 1, spec.updates + 1))
            keys, states = self._keys.update, self._now.state
            for taken in take_updates(self._learner, keys, states, numbers=numbers, alive=self._alive):
                self._note(taken, log, progress)
                if self.update % spec.checkpoint_every == 0:
                    self._save()
            self._save()
        finish_launch(self._folder, update=self.update, seconds=self._now.seconds)
        return self._outcome(stop)

    def _note(self, taken: Taken, log: MetricsLog, progress: TrainingProgress) -> None:
        """Record an update of all seeds, with its evaluation."""
        metrics = dict(taken.step.metrics)
        learned = self._now.ended == 0  # a seed that ended in this update has taken the steps too
        env_steps = metrics.pop("env_steps", np.full(len(learned), np.nan))[learned][0]
        self._now = self._now._replace(
            state=taken.step.states,
            update=taken.number,
            seconds=self._now.seconds + taken.seconds,
            env_steps=self._now.env_steps + float(env_steps),
        )
        for index, failure in taken.step.failures.items():
            self._end_seed(index, failure, progress)
        self._report(log, progress, metrics)
        progress.advance()

    def _report(self, log: MetricsLog, progress: TrainingProgress, metrics: dict[str, np.ndarray]) -> None:
        """Evaluate if due, and write a line for each living seed."""
        number, spec = self.update, self._spec
        table = dict(metrics)
        if self._alive.any() and (number % spec.eval_every == 0 or number == spec.updates):
            scores = self._evaluator(self._keys.evaluate, number, self._learner.policies(self._now.state))
            for index in np.flatnonzero(self._alive).tolist():
                bad = [name for name, values in scores.items() if not np.isfinite(values[index])]
                if bad:
                    self._end_seed(index, f"{bad[0]} is {scores[bad[0]][index]}", progress)
            table |= scores
        common = {"update": number, "seconds": round(self._now.seconds, 6)}
        if np.isfinite(self._now.env_steps):
            common["env_steps"] = int(self._now.env_steps)
        rows = log.write(common, table, self._alive)
        if rows and scored_players(rows[0]):
            self._scores |= score_by_update(rows)
            progress.scores(rows)

    def _end_seed(self, index: int, failure: str, progress: TrainingProgress) -> None:
        """Stop one seed with a message; the others continue."""
        ended = self._now.ended.copy()
        ended[index] = self.update
        self._now = self._now._replace(ended=ended)
        self._alive[index] = False
        saved = checkpoints.saved_updates(self._folder.checkpoints)
        last = f"its last good checkpoint is update {saved[-1]}" if saved else "there is no checkpoint before it"
        others = "; the others continue" if self._alive.any() else ""
        progress.say(f"seed {self._spec.seeds[index]} ends at update {self.update}: {failure}; {last}{others}")

    def _save(self) -> None:
        """Save this update, then remove the checkpoints that are neither the last nor the best."""
        folder = self._folder.checkpoints
        checkpoints.save(folder, self._now)
        saved = checkpoints.saved_updates(folder)
        best = best_update(self._scores, among=saved)
        checkpoints.keep_only(folder, {self.update, self.update if best is None else best})

    def _outcome(self, stop: StopRequest) -> Outcome:
        path, spec = self._folder.path, self._spec
        if not self._alive.any():
            return Outcome(1, f"every seed of {path} stopped being finite by update {self.update}")
        if stop.signal is not None and self.update < spec.updates:
            return Outcome(
                stop.exit_status,
                f"stopped after update {self.update} of {spec.updates} and saved; "
                f"continue with: polax train --resume {path}",
            )
        return Outcome(0, f"{spec.updates} updates in {format_seconds(self._now.seconds)} of training")


def train(spec: RunSpec, setup: Setup, folder: RunFolder, *, resume: bool, console: Console) -> Outcome:
    """Train a new run in its folder, or continue one (``resume``) at its last checkpoint.

    Raises:
        PolaxError: a plug-in, a checkpoint or the disk makes it impossible; earlier checkpoints stay whole.
    """
    trainer = Trainer(folder, spec, setup)
    if resume:
        trainer.resume()
        if trainer.update >= spec.updates:
            raise RunError(f"{folder.path} has all its {spec.updates} updates; continue with a larger --updates N")
        folder.write_spec(spec)  # it may have been given more updates
    else:
        trainer.start()
    seeds = f"seed {spec.seeds[0]}" if len(spec.seeds) == 1 else f"{len(spec.seeds)} seeds together"
    begin = f", from update {trainer.update}" if trainer.update else ""
    say(console, f"{spec.algorithm} in {spec.env}, {spec.updates} updates{begin}, {seeds} -> {folder.path}")
    add_launch(folder, spec, setup, command=sys.argv)
    return trainer.run(console)


def find_or_create(path: Path, spec: RunSpec) -> tuple[RunFolder, bool]:
    """Return the run at a path, made if it is not there, and whether it was there before.

    Raises:
        RunError: the folder holds a run with other options.
    """
    if (path / "config.json").exists():
        folder = RunFolder.open(path)
        if folder.spec().identity() != spec.identity():
            raise RunError(
                f"{path} was started with other options than {spec.algorithm} and {spec.env} have now; "
                "remove it, or choose another folder"
            )
        return folder, True
    with writing(path):  # remove what a process left that was killed while it made the folder
        for part in path.glob(".*.part"):
            part.unlink()
    return RunFolder.create(path, spec), False


def begin_or_continue(spec: RunSpec, path: Path, *, console: Console) -> tuple[RunFolder, Outcome]:
    """Train a run to its end from wherever it is.

    Raises:
        PolaxError: as `train`, or the folder holds a run with other options.
    """
    folder, there = find_or_create(path, spec)
    saved = checkpoints.saved_updates(folder.checkpoints) if there else ()
    if saved and saved[-1] >= spec.updates:
        return folder, Outcome(0, f"{path} has all its {spec.updates} updates")
    return folder, train(spec, build(spec), folder, resume=there, console=console)


def last_rows(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the last line with scores of each seed, in the order of the seeds."""
    last: dict[int, dict[str, Any]] = {}
    for row in folder.metrics():
        if scored_players(row):
            last[row["seed"]] = row
    return [last[seed] for seed in sorted(last)]
