"""Train the trials of one program side by side: a training whose entries differ in numbers.

An entry is one seed of one trial. It begins with the keys and the state that ``polax train`` gives this seed with the
options of the trial, and nothing that trains beside it has an influence on it.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
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
from ..runs.files import RunError
from ..training.interrupts import StopRequest
from ..training.memory import check_program
from ..training.progress import TrainingProgress, say, showing_log
from ..training.seeds import CompiledLearner, PythonLearner, Taken, make_learner, seed_keys, settle, stack, take_updates
from .plan import Program

_log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints of the programs that are under way: of each, a folder named by its first trial, and in that
one named by its fingerprint."""

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


class Places(NamedTuple):
    """Where the entries of a program stand in its arrays."""

    trials: np.ndarray  # [E], the place of the trial
    seeds: np.ndarray  # [E]
    real: np.ndarray  # [E] bool, False where an array has room only
    entries: np.ndarray  # [T, S], the place of each entry


def deal_out(num_trials: int, seeds: Sequence[int], *, room: int, devices: int) -> Places:
    """Deal the entries of a program out to the devices in turn, so that all have as many that learn.

    Args:
        num_trials: trials.
        seeds: of each trial.
        room: for how many trials there is room, at least.
        devices: each of which computes one part of the arrays.
    """
    count = num_trials * len(seeds)
    size = -(-max(count, room * len(seeds)) // devices) * devices
    places = np.arange(size).reshape(devices, -1).T.ravel()  # of the first entry, the second one ...
    owner = np.empty(size, int)
    owner[places] = np.minimum(np.arange(size), count - 1)  # where there is room only, the last entry once more
    real = np.zeros(size, bool)
    real[places[:count]] = True
    trials, seed = np.divmod(owner, len(seeds))
    return Places(trials, np.asarray(seeds)[seed], real, places[:count].reshape(num_trials, len(seeds)))


class Together:
    """The entries of one program.

    Args:
        program: its trials.
        folder: of the sweep.
        console: where progress is shown.
        judge: is asked `JUDGEMENTS` times which trials to stop; None: none is stopped.
        room: for how many trials the program is made at least, so that programs of fewer are the same one.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        *,
        console: Console,
        judge: Judge | None = None,
        room: int = 1,
    ) -> None:
        self._program = program
        self._console = console
        self._judge = judge
        self._spec, setup = program.specs[0], program.setups[0]
        self._pure, self._self_play = setup.algorithm.pure, setup.algorithm.self_play
        self._origin = registry.algorithm_origin(self._spec.algorithm)
        learner = make_learner(setup.algorithm)
        self._learner = learner._replace(skip=True) if isinstance(learner, CompiledLearner) else learner
        devices = len(jax.devices()) if self._pure else 1
        self._places = deal_out(len(program.trials), self._spec.seeds, room=room if self._pure else 1, devices=devices)
        self._keys = seed_keys(self._places.seeds)
        self._judge_every = max(1, self._spec.updates // (JUDGEMENTS + 1))
        self._evaluator = Evaluator(
            setup.env,
            stack([program.setups[trial].params for trial in self._places.trials]),
            num_envs=self._spec.eval_envs,
            pure=self._pure,
            each=True,
        )
        identity = [spec.identity() for spec in program.specs]
        where = self._places.entries.tolist()  # other devices have other places
        self._fingerprint = checkpoints.fingerprint({"specs": identity, "updates": self._spec.updates, "where": where})
        self._folder = _checkpoints_of(folder, program) / self._fingerprint[:16]
        self._saved: int | None = None
        self._alive = self._places.real
        self._now = Checkpoint(None, 0, 0.0, 0.0, np.zeros(len(self._alive), np.int64), self._fingerprint)

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
        with showing_log(self._console), stop, progress:
            numbers = takewhile(lambda _: not stop.asked, range(self._now.update + 1, spec.updates + 1))
            for taken in self._updates(numbers):
                self._note(taken)
                if self._judge is not None and taken.number % self._judge_every == 0 and taken.number < spec.updates:
                    self._stop_some(self._judge)
                progress.advance()
                if taken.number % spec.checkpoint_every == 0:
                    self._save()
            if self._alive.any() and (self._now.update < spec.updates or stop.asked):
                self._save()
                return self._trained({}, stop.exit_status)
            scores = self._evaluate()
        return self._trained(scores, stop.exit_status)

    def _begin(self) -> None:
        """Start anew, or at the checkpoint that an interrupted process has saved."""
        checkpoints.clean(self._folder)
        with registry.plugin_code(self._origin, "init"):
            states = self._states()
        self._now = self._now._replace(state=states)
        saved = checkpoints.saved_updates(self._folder)
        if not saved:
            return
        try:
            found = checkpoints.load(self._folder, saved[-1], states)
        except RunError as error:
            say(self._console, f"{error}; these trials begin anew")
            checkpoints.keep_only(self._folder, set())
            return
        self._saved = found.update
        self._now = found._replace(state=settle(found.state) if self._pure else found.state)
        self._alive = self._places.real & (found.ended == 0)

    def _states(self) -> Any:
        """Return the first state of every entry, each from the learner of its own trial."""
        own = [
            self._program.setups[trial].algorithm.init(key)
            for trial, key in zip(self._places.trials, self._keys.init, strict=True)
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
        alive = np.asarray(self._by_trial(self._alive).any(axis=1))
        stopped = judge(self._now.update, scores, alive)
        self._end(np.flatnonzero(np.isin(self._places.trials, list(stopped)) & self._alive), -self._now.update)
        self._save()

    def _end(self, places: np.ndarray, how: int) -> None:
        ended = self._now.ended.copy()
        ended[places] = how
        self._alive[places] = False
        self._now = self._now._replace(ended=ended)

    def _by_trial(self, values: np.ndarray) -> np.ndarray:
        return values[self._places.entries]

    def _save(self) -> None:
        if self._saved != self._now.update:
            checkpoints.save(self._folder, self._now)
            checkpoints.keep_only(self._folder, {self._now.update})
            self._saved = self._now.update
            _log.debug(f"update {self._saved} saved in {self._folder}")

    def _trained(self, scores: dict[str, np.ndarray], stopped: int) -> Trained:
        return Trained(scores, self._by_trial(self._now.ended), self._now.seconds, stopped)


def _checkpoints_of(folder: Path, program: Program) -> Path:
    return folder / CHECKPOINTS / f"trial-{program.trials[0].number}"


def discard_checkpoints(folder: Path, program: Program | None = None) -> None:
    """Remove the checkpoints of a program of a sweep, when what it found is written; None: those of all."""
    shutil.rmtree(folder / CHECKPOINTS if program is None else _checkpoints_of(folder, program), ignore_errors=True)
    with suppress(OSError):  # other programs are under way
        (folder / CHECKPOINTS).rmdir()
