"""What a run takes: time, memory and steps of the game, from updates that are measured.

Each update of a run computes as much as the one before, so a run of ``N`` updates,
``E`` of which are evaluated and ``C`` saved, takes

    start + N * update + E * evaluation + C * checkpoint

where the start has what is done once: compiling above all, which is shorter where the programs are in the cache.
"""

from __future__ import annotations

import math
import time
from statistics import fmean
from typing import NamedTuple

from ..runs.spec import RunSpec
from .callbacks import Callback, Event
from .memory import memory_used, size_in_words
from .progress import format_seconds

LONG = 600.0
"""Seconds from which on a run says how long it will take."""


class Estimate(NamedTuple):
    """What a run takes."""

    start: float
    """Seconds for what is done once: the first evaluation, and compiling."""
    update: float
    """Seconds of an update, with its line of metrics."""
    evaluation: float | None
    """Seconds that an evaluation adds to it; None where all updates measured were evaluated: `update` has it then."""
    checkpoint: float
    """Seconds of a checkpoint."""
    updates: int
    evaluations: int
    checkpoints: int
    env_steps: int | None
    """Steps of the game, of all seeds; None where the learner does not count them."""
    memory: int
    """Bytes at most: of the device, or of the process where that is a CPU."""

    @property
    def seconds(self) -> float:
        """The whole time."""
        once = self.start + self.updates * self.update
        return once + self.evaluations * (self.evaluation or 0.0) + self.checkpoints * self.checkpoint

    def sentence(self) -> str:
        """Return the whole in a line."""
        steps = "" if self.env_steps is None else f", {self.env_steps:,} environment steps"
        return f"about {format_seconds(self.seconds)} in all{steps}, {size_in_words(self.memory)} of memory"


class _Lap(NamedTuple):
    """An update as it was told."""

    seconds: float
    scored: bool
    """Whether it was evaluated."""


class Stopwatch:
    """Measures the updates of a run; `callback` is told of them.

    Args:
        begun: when the run began; None: now.
    """

    def __init__(self, begun: float | None = None) -> None:
        self._last = time.perf_counter() if begun is None else begun
        self._start = 0.0
        self._laps: list[_Lap] = []
        self._unusual = {0}  # laps in which something is compiled or read
        self._has_scored = False
        self._saved: list[float] = []
        self._env_steps: int | None = None
        self.callback = Callback(self._update, self._evaluation, self._checkpoint, name="the estimate of the time")

    @property
    def ready(self) -> bool:
        """Whether an update was measured that compiled nothing, and an evaluation with it."""
        return any(lap.scored for lap in self._usual())

    @property
    def usual_seconds(self) -> float:
        """Seconds of an update, evaluated or not."""
        return fmean(lap.seconds for lap in self._usual())

    def resume(self) -> None:
        """Leave out the next update, before which the run is read again."""
        self._unusual.add(len(self._laps))

    def _usual(self) -> list[_Lap]:
        return [lap for number, lap in enumerate(self._laps) if number not in self._unusual]

    def _lap(self) -> float:
        before, self._last = self._last, time.perf_counter()
        return self._last - before

    def _update(self, event: Event) -> None:
        self._env_steps = None if event.env_steps is None else event.env_steps // event.update
        self._laps.append(_Lap(self._lap(), scored=False))

    def _evaluation(self, event: Event) -> None:
        if event.update == 0:
            self._start = self._lap()
        else:  # of the update that was told just now
            self._laps[-1] = self._laps[-1]._replace(scored=True)
            if not self._has_scored:
                self._unusual.add(len(self._laps) - 1)
        self._has_scored = True

    def _checkpoint(self, event: Event) -> None:
        del event
        self._saved.append(self._lap())

    def estimate(self, spec: RunSpec) -> Estimate:
        """Return what a run like the one measured takes from its start."""
        scored = fmean(lap.seconds for lap in self._usual() if lap.scored)
        others = [lap.seconds for lap in self._usual() if not lap.scored]
        plain = fmean(others) if others else scored
        steps = self._env_steps
        return Estimate(
            start=self._start + max(0.0, self._laps[0].seconds - (scored if self._laps[0].scored else plain)),
            update=plain,
            evaluation=max(0.0, scored - plain) if others else None,
            checkpoint=self._saved[-1] if self._saved else 0.0,
            updates=spec.updates,
            evaluations=math.ceil(spec.updates / spec.eval_every),
            checkpoints=math.ceil(spec.updates / spec.checkpoint_every),
            env_steps=None if steps is None else steps * spec.updates * len(spec.seeds),
            memory=memory_used(),
        )
