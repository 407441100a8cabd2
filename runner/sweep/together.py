"""Train the trials of one program side by side: a training whose entries differ in numbers.

An entry is one seed of one trial. It begins with the keys and the state that ``polax train`` gives this seed with the
options of the trial, and nothing that trains beside it has an influence on it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console

from ... import registry
from ..evaluation.evaluate import Evaluator
from ..runs import checkpoint as checkpoints
from ..runs.checkpoint import Checkpoint
from ..training.interrupts import StopRequest
from ..training.memory import check_program
from ..training.progress import TrainingProgress, say
from ..training.seeds import CompiledLearner, PythonLearner, Taken, make_learner, seed_keys, settle, stack, take_updates
from .plan import Program

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints of the program that is under way, which are in a folder named by its fingerprint."""

Judge = Callable[[int, dict[str, np.ndarray], np.ndarray], Sequence[int]]
"""``judge(update, scores, alive)`` -> places of the trials that shall learn no further; scores are ``[T, S]``, alive is
``[T]``."""


JUDGEMENTS = 4
"""Evenly over the updates of a program; each plays an evaluation."""


class Trained(NamedTuple):
    """What came out of a program."""

    scores: dict[str, np.ndarray]  # each [T, S], of the last evaluation; empty after a signal
    ended: np.ndarray  # [T, S] int64: 0; the update at which an entry stopped being finite; minus that of a judgement
    seconds: float
    """Training time of all trials together, compilation included, evaluation not."""
    stopped: int
    """Exit status of a signal, or 0."""


class Together:
    """The entries of one program.

    Args:
        program: its trials.
        folder: of the sweep.
        console: where progress is shown.
        judge: is asked `JUDGEMENTS` times which trials to stop; None: none is stopped.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        console: Console,
        judge: Judge | None = None,
    ) -> None:
        self._program = program
        self._console = console
        self._judge = judge
        self._spec, setup = program.specs[0], program.setups[0]
        self._pure, self._self_play = setup.algorithm.pure, setup.algorithm.self_play
        self._origin = registry.algorithm_origin(self._spec.algorithm)
        learner = make_learner(setup.algorithm)
        self._learner = learner._replace(skip=True) if isinstance(learner, CompiledLearner) else learner
        self._shape = len(program.trials), len(self._spec.seeds)
        self._owners = _padded([place for place in range(self._shape[0]) for _ in self._spec.seeds], pure=self._pure)
        seeds = _padded(list(self._spec.seeds) * self._shape[0], pure=self._pure)
        self._keys = seed_keys(seeds)
        self._judge_every = max(1, self._spec.updates // (JUDGEMENTS + 1))
        self._evaluator = Evaluator(
            setup.env,
            stack([program.setups[owner].params for owner in self._owners]),
            num_envs=self._spec.eval_envs,
            pure=self._pure,
            each=True,
        )
        identity = [spec.identity() for spec in program.specs]
        self._fingerprint = checkpoints.fingerprint({"specs": identity})
        self._folder = folder / CHECKPOINTS / self._fingerprint[:16]
        self._saved: int | None = None
        self._now = Checkpoint(None, 0, 0.0, 0.0, np.zeros(len(seeds), np.int64), self._fingerprint)
        self._alive = np.arange(len(seeds)) < self._shape[0] * self._shape[1]

    def check(self) -> None:
        """Raise `OptionError` if it needs more memory than there is."""
        check_program(self._spec, self._learner, self._keys, self._evaluator)

    def train(self) -> Trained:
        """Train from wherever it is to its end, or until a signal, and score.

        Raises:
            PolaxError: a plug-in, a checkpoint or the disk makes it impossible.
        """
        self._begin()
        spec, stop = self._spec, StopRequest()
        progress = TrainingProgress(
            spec.updates, done=self._now.update, self_play=self._self_play, pure=self._pure, console=self._console
        )
        scores: dict[str, np.ndarray] = {}
        with stop, progress:
            numbers = takewhile(lambda _: not stop.asked, range(self._now.update + 1, spec.updates + 1))
            for taken in self._updates(numbers):
                self._note(taken)
                if self._judge is not None and taken.number % self._judge_every == 0 and taken.number < spec.updates:
                    self._stop_some(self._judge)
                progress.advance()
                if taken.number % spec.checkpoint_every == 0:
                    self._save()
            if self._now.update < spec.updates and self._alive.any():
                self._save()
                return self._trained({}, stop.exit_status)
            scores = self._evaluate()
        return self._trained(scores, 0)

    def _begin(self) -> None:
        """Start anew, or at the last checkpoint that is not damaged."""
        checkpoints.clean(self._folder)
        saved = checkpoints.saved_updates(self._folder)
        with registry.plugin_code(self._origin, "init"):
            states = self._states()
        if saved:
            found, damaged = checkpoints.load_first(self._folder, saved[::-1], states)
            for error in damaged:
                say(self._console, str(error))
            self._saved = found.update
            self._now = found._replace(state=settle(found.state) if self._pure else found.state)
            self._alive &= found.ended == 0
            return
        self._now = self._now._replace(state=states)

    def _states(self) -> Any:
        """Return the first state of every entry, each from the learner of its own trial."""
        own = [
            self._program.setups[owner].algorithm.init(key)
            for owner, key in zip(self._owners, self._keys.init, strict=True)
        ]
        return own if isinstance(self._learner, PythonLearner) else settle(stack(own))

    def _updates(self, numbers: Iterator[int]) -> Iterator[Taken]:
        updates = take_updates(self._learner, self._keys.update, self._now.state, numbers=numbers, alive=self._alive)
        while True:
            with registry.plugin_code(self._origin, f"update {self._now.update + 1}"):
                taken = next(updates, None)
            if taken is None:
                return
            yield taken

    def _note(self, taken: Taken) -> None:
        ended = self._now.ended.copy()
        ended[list(taken.step.failures)] = taken.number
        seconds = self._now.seconds + taken.seconds
        self._now = self._now._replace(state=taken.step.states, update=taken.number, seconds=seconds, ended=ended)

    def _evaluate(self) -> dict[str, np.ndarray]:
        """Return every score, ``[T, S]``; an entry whose scores are not finite ends."""
        update = self._now.update
        with registry.plugin_code(self._origin, f"policies at update {update}"):
            policies = self._learner.policies(self._now.state)
        with registry.plugin_code(self._origin, f"act, evaluated at update {update},"):
            table = self._evaluator(self._keys.evaluate, update, policies)
        sound = np.all([np.isfinite(values) for values in table.values()], axis=0)
        self._end(np.flatnonzero(self._alive & ~sound), update)
        return {name: self._by_trial(values) for name, values in table.items()}

    def _stop_some(self, judge: Judge) -> None:
        """Let the judge stop trials; what it has decided is saved, as it need not decide the same once more."""
        scores = self._evaluate()
        alive = self._by_trial(self._alive).any(axis=1)
        stopped = judge(self._now.update, scores, alive)
        self._end(np.flatnonzero(np.isin(self._owners, list(stopped)) & self._alive), -self._now.update)
        self._save()

    def _end(self, places: np.ndarray, how: int) -> None:
        ended = self._now.ended.copy()
        ended[places] = how
        self._alive[places] = False
        self._now = self._now._replace(ended=ended)

    def _by_trial(self, values: np.ndarray) -> np.ndarray:
        count = self._shape[0] * self._shape[1]
        return values[:count].reshape(self._shape)

    def _save(self) -> None:
        if self._saved != self._now.update:
            checkpoints.save(self._folder, self._now)
            checkpoints.keep_only(self._folder, {self._now.update})
            self._saved = self._now.update

    def _trained(self, scores: dict[str, np.ndarray], stopped: int) -> Trained:
        return Trained(scores, self._by_trial(self._now.ended), self._now.seconds, stopped)


def _padded(entries: list[int], *, pure: bool) -> list[int]:
    """Return one value for each entry, and more where the devices could not share them evenly; these never learn."""
    return entries + entries[-1:] * (-len(entries) % len(jax.devices())) if pure else entries


def discard_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a sweep, when what their program found is written."""
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
