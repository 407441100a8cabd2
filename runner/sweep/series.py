"""One program after another, until all trials are done or a signal comes; each result is written when it is known.

The folder gets ``trials.json``, ``trials.csv``, ``trials.md``, ``best.json`` and ``figures/``.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ...options import PolaxError
from ..evaluation.scores import mean_name
from ..executors.base import Attempt, Crew, Task
from ..report.document import Document
from ..report.writers import draw, show, write_texts
from ..runs.files import read_json, write_json
from ..runs.folder import FORMAT as RUN_FORMAT
from ..runs.manifest import device_names, versions
from ..training.progress import format_seconds, say
from .document import DONE, FAILED, FILE, FORMAT, UNFINISHED, Results, best_of, document
from .plan import Program, Protocol, Trial, alike
from .program import content_of, perform
from .search import Search, known_trials
from .space import Space
from .together import Together, discard_checkpoints

BEST = "best.json"
"""The best trial as settings of a run, for ``polax train --config``."""


def check_first(protocol: Protocol, space: Space, *, elsewhere: bool) -> None:
    """Raise `PolaxError` if a trial cannot be made, or needs more memory than there is, before anything is written.

    Of a search that learns only the first possible trial is known.

    Args:
        protocol: what was asked for.
        space: what is varied.
        elsewhere: whether other machines train, of whose memory nothing is known here.
    """
    programs, refused = alike(known_trials(protocol, space), protocol)
    for error in refused.values():
        raise error
    for program in programs if not elsewhere else ():
        Together(program, Path(), console=Console(quiet=True)).check()


class Series:
    """The trials of a sweep, with what is known of each.

    Args:
        folder: of the sweep.
        protocol: what was asked for.
        space: what is varied.
        search: chooses the trials.
        command: the words of the command line.
        console: where progress is shown.
        crew: runs its programs.
    """

    def __init__(
        self,
        folder: Path,
        protocol: Protocol,
        space: Space,
        search: Search,
        *,
        command: Sequence[str],
        console: Console,
        crew: Crew,
    ) -> None:
        self._folder = folder
        self._protocol = protocol
        self._space = space
        self._search = search
        self._command = list(command)
        self._console = console
        self._crew = crew
        self._devices: list[str] = []
        before: Results = (
            read_json(folder / FILE, Results) if (folder / FILE).exists() else {"trials": [], "seconds": 0.0}
        )
        self._rows: dict[int, dict[str, Any]] = {row["number"]: dict(row) for row in before["trials"]}
        self._seconds = before["seconds"]
        self._begun, self._trained = time.monotonic(), 0

    def run(self) -> tuple[Document, int]:
        """Train and score what is not done yet, then draw the figures and print the table.

        Returns:
            The results, and the exit status of a signal that stopped it, or 0.
        """
        stopped = 0
        try:
            while not stopped and (trials := self._search.next_round()):
                stopped = self._round(trials)
        except KeyboardInterrupt:  # between two programs, where nothing has to be finished first
            stopped = 128 + signal.SIGINT
        return self._finish(stopped)

    def _round(self, trials: Sequence[Trial]) -> int:
        """Train and score some trials, and tell the search. Returns a signal's exit status, or 0."""
        programs = {f"trial-{program.trials[0].number}": program for program in self._admit(trials)}
        tasks = [
            Task(name, _title(program, self._space), content_of(program, room=self._search.room))
            for name, program in programs.items()
        ]
        for attempt in self._crew.run(tasks, perform, self._announce):
            self._note(programs[attempt.task.name], attempt)
        if not self._crew.stopped:
            # What is told here decides which trials of the next round are chosen and pruned, in whatever order the
            # programs of this one have ended.
            for trial in trials:
                self._search.tell(self._rows[trial.number])
        return self._crew.stopped

    def _announce(self, task: Task) -> str:
        ended, total = sum(row["status"] != UNFINISHED for row in self._rows.values()), self._protocol.trials
        return f"[{ended}/{total}] {task.title}{self._time_left(total - ended)}"

    def _time_left(self, trials: int) -> str:
        """Say how long so many trials will take, by those that this process has trained."""
        if not self._trained:
            return ""
        each = (time.monotonic() - self._begun) / self._trained
        return f"  (about {format_seconds(each * trials)} left for {trials} trials)"

    def _admit(self, trials: Sequence[Trial]) -> list[Program]:
        """Begin the rows of some trials, and return the programs that are left to train."""
        for trial in trials:
            self._rows.setdefault(trial.number, _blank(trial))
        programs, refused = alike(trials, self._protocol)
        for number, error in refused.items():
            self._fail(number, str(error))
        self._write()
        return [program for program in programs if self._is_left(program)]

    def _is_left(self, program: Program) -> bool:
        """Tell whether a program is to be trained: it has not been, or something was raised in it."""
        rows = [self._rows[trial.number] for trial in program.trials]
        return any(row["status"] == UNFINISHED or row["raised"] for row in rows)

    def _fail(self, number: int, error: str) -> None:
        self._rows[number] |= {"status": FAILED, "error": error, "raised": True}

    def _note(self, program: Program, attempt: Attempt) -> None:
        """Write down what became of the trials of a program."""
        found, error, stopped, _ = attempt.outcome
        self._devices += [each for each in found.get("devices", ()) if each not in self._devices]
        if stopped:
            return
        self._seconds += found.get("seconds", 0.0)
        if error is not None:
            for trial in program.trials:
                self._fail(trial.number, error)
        else:
            for trial, row in zip(program.trials, found["rows"], strict=True):
                self._rows[trial.number] |= {"error": None, "raised": False, **row}
                scores = self._rows[trial.number]["scores"]
                if row["status"] == DONE:
                    self._rows[trial.number]["objective"] = scores[mean_name(self._protocol.objective)]["mean"]
        self._write()
        if not attempt.again:
            self._trained += len(program.trials)
            discard_checkpoints(self._folder, program)

    def _finish(self, stopped: int) -> tuple[Document, int]:
        found = document(self._content())
        try:
            draw(found, self._folder)
            trouble: Sequence[str] = []
        except PolaxError as error:
            trouble = [str(error)]
        found = self._write()
        show(found, self._console)
        raised = {row["error"]: row["number"] for row in reversed(found.data["trials"]) if row["raised"]}
        for said, number in sorted(raised.items(), key=lambda each: each[1]):
            print(f"polax: trial {number} failed: {said}", file=sys.stderr)
        if trouble:
            print(f"polax: figures: {'; '.join(trouble)}", file=sys.stderr)
        if not stopped:
            discard_checkpoints(self._folder)
            say(self._console, f"results: {self._folder / 'trials.md'}")
        return found._replace(problems=trouble, folder=self._folder), stopped

    def _content(self) -> dict[str, Any]:
        """Return what ``trials.json`` holds."""
        return {
            "format": FORMAT,
            "kind": "sweep",
            "versions": versions(),
            "devices": self._devices or device_names(),
            "command": self._command,
            "seconds": round(self._seconds, 3),
            "protocol": self._protocol.to_json(),
            "base": self._protocol.base(),
            "axes": [{"name": name, **axis._asdict()} for name, axis in self._space.items()],
            "trials": [self._rows[number] for number in sorted(self._rows)],
        }

    def _write(self) -> Document:
        content = self._content()
        found = document(content)
        write_texts(found, self._folder, records="trials.csv")
        best = best_of(content["trials"])
        if best is not None:
            write_json(self._folder / BEST, {"format": RUN_FORMAT, **self._protocol.spec(best["values"]).to_json()})
        return found


def _title(program: Program, space: Space) -> str:
    count, seeds = len(program.trials), len(program.specs[0].seeds)
    common = {
        name: program.trials[0].values[name]
        for name in space
        if count == 1 or len({trial.values[name] for trial in program.trials}) == 1
    }
    said = ", ".join(f"{name} {value}" for name, value in common.items())
    return f"{count} trial{'s' * (count > 1)} of {seeds} seed{'s' * (seeds > 1)} together" + (
        f": {said}" if said else ""
    )


def _blank(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "values": dict(trial.values),
        "status": UNFINISHED,
        "error": None,
        "raised": False,
        "objective": None,
        "self_play": None,
        "seconds": None,
        "scores": {},
    }
