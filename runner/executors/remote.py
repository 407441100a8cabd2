"""Tasks that an executor runs: handed out, watched, tried again, and stopped together."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from ...options import PolaxError
from ..process import cpu_cores
from ..runs.files import RunError, make_folder, read_json, write_json, writing
from ..runs.manifest import versions
from ..training.interrupts import StopRequest
from .base import Attempt, Command, Ended, Executor, Outcome, Perform, Site, Task
from .view import View, last_line
from .work import LOG, NOT_SHARED, OUTCOME, TASK, TASKS, stop_file

LOSSES = 5
"""How often a task begins again whose process was lost. It is not to blame, unless it happens every time."""

LATE = 30.0
"""Seconds until what one machine has written is seen by another one, at most."""

PASSED_ON = ("JAX_", "XLA_", "POLAX_")
"""How variables of the environment begin that a task shall have as this process has them."""

ALSO_PASSED_ON = ("PYTHONPATH", "OMP_NUM_THREADS")


class Remote:
    """Tasks elsewhere.

    Args:
        executor: connects; called when all is ready.
        folder: of the series.
        retries: how often a task that failed is tried again.
        console: where progress is shown.
    """

    elsewhere = True

    def __init__(self, executor: Executor, folder: Path, *, retries: int, console: Console) -> None:
        self._executor = executor
        self._series = folder.resolve()
        self._retries = retries
        self._console = console
        self._token = secrets.token_hex(8)
        self._failures: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self.stopped = 0

    def run(self, tasks: Sequence[Task], perform: Perform, announce: Callable[[Task], str]) -> Iterator[Attempt]:
        """Yield what comes of each attempt; see `Crew.run`."""
        del announce  # several begin at the same time; the view shows them
        waiting = {task.name: task for task in tasks}
        for task in tasks:
            self._write(task)
        stop, signals, refused = stop_file(self._series, self._token), StopRequest(), ""
        with signals, View(tasks, {name: self._task(name) / LOG for name in waiting}, self._console) as view:
            if tasks:
                self._executor.start([self._command(task, perform) for task in tasks])
            asked = False
            while waiting:
                if (signals.asked or refused) and not asked:
                    asked = True
                    with writing(stop):
                        stop.touch()
                    self._executor.stop()
                for ended in self._executor.ended(0.5):
                    attempt = self._attempt(waiting[ended.task], ended, view, asked=asked)
                    if attempt is None or attempt.again:
                        self._begin_again(waiting[ended.task], perform)
                    else:
                        del waiting[ended.task]
                    if attempt is not None and attempt.outcome.refused is not None:
                        refused = refused or attempt.outcome.refused
                    elif attempt is not None:
                        yield attempt
                view.update()
        stop.unlink(missing_ok=True)
        if refused:
            raise PolaxError(refused)
        self.stopped = signals.exit_status
        with suppress(OSError):  # logs of tasks that failed are still there
            (self._series / TASKS).rmdir()

    def _attempt(self, task: Task, ended: Ended, view: View, *, asked: bool) -> Attempt | None:
        """Return what came of a task whose process has ended, and say it; None: it was lost, and shall begin again."""
        outcome = self._outcome(ended, asked=asked)
        if outcome is None:
            view.say(task.name, f"its process is lost ({ended.reason or _status(ended)}), and begins again")
            return None
        again = outcome.error is not None and not asked and self._tries_again(task.name)
        if again:
            view.say(task.name, f"failed: {outcome.error}; once more")
        else:
            view.end(task.name, _words(outcome))
            if outcome.error is None and outcome.refused is None:  # of one that failed, the log stays
                shutil.rmtree(self._task(task.name), ignore_errors=True)
        return Attempt(task, outcome, again)

    def _begin_again(self, task: Task, perform: Perform) -> None:
        (self._task(task.name) / OUTCOME).unlink(missing_ok=True)
        self._executor.start([self._command(task, perform)])

    def _tries_again(self, name: str) -> bool:
        self._failures[name] += 1
        return self._failures[name] <= self._retries

    def _task(self, name: str) -> Path:
        return self._series / TASKS / name

    def _write(self, task: Task) -> None:
        folder = self._task(task.name)
        make_folder(folder)
        for stale in (OUTCOME, LOG):
            (folder / stale).unlink(missing_ok=True)
        write_json(folder / TASK, {"token": self._token, "site": self._site()._asdict(), "content": task.content})

    def _site(self) -> Site:
        cwd = str(Path.cwd())
        return Site(cpu_cores(), cwd, bool({cwd, ""} & set(sys.path)), versions())

    def _command(self, task: Task, perform: Perform) -> Command:
        target = f"{perform.__module__}:{perform.__qualname__}"
        words = ("-m", f"{__package__}.work", str(self._series), task.name, self._token, target)
        return Command(task.name, words, _environment(), str(self._task(task.name) / LOG))

    def _outcome(self, ended: Ended, *, asked: bool) -> Outcome | None:
        """Return what came of it, from its file; None: it was lost."""
        name = ended.task
        if ended.status == NOT_SHARED:
            return Outcome(
                refused=f"{ended.where or 'another machine'} does not see {self._series}; choose an --out that all "
                "machines share, under the same path"
            )
        outcome = self._read(name, patience=LATE if ended.status == 0 else 0.0)
        if outcome is not None and (asked or not outcome.stopped):
            return outcome
        if asked:
            return Outcome(stopped=1)
        if ended.status == 0 and outcome is None:
            return Outcome(
                refused=f"what {ended.where or 'another machine'} wrote to {self._task(name)} is not seen here; choose "
                "an --out that all machines share"
            )
        gone = ended.status is None or outcome is not None or ended.status == 128 + 15
        if gone and self._losses[name] < LOSSES:
            self._losses[name] += 1
            return None
        said = last_line(self._task(name) / LOG)
        why = f"its process was lost ({ended.reason or _status(ended)})" if gone else f"its process {_status(ended)}"
        return Outcome(error=f"{why}; see {self._task(name) / LOG}" + (f": {said}" if said else ""))

    def _read(self, name: str, *, patience: float) -> Outcome | None:
        path, end = self._task(name) / OUTCOME, time.monotonic() + patience
        while True:
            with suppress(RunError):
                content = read_json(path)
                if content.pop("token", None) == self._token:
                    return Outcome(**content)
            if time.monotonic() >= end:
                return None
            time.sleep(0.2)


def _environment() -> Mapping[str, str | None]:
    """Return the variables on which results may depend."""
    found: dict[str, str | None] = {name: os.environ.get(name) for name in ALSO_PASSED_ON}
    return found | {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}


def _status(ended: Ended) -> str:
    if ended.status is None:
        return "was lost"
    return f"was ended by signal {-ended.status}" if ended.status < 0 else f"ended with status {ended.status}"


def _words(outcome: Outcome) -> str:
    if outcome.stopped:
        return "stopped"
    return "done" if outcome.error is None else f"failed: {outcome.error}"
